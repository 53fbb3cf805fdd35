#pragma once

// From volumes to marginal heatmaps, and from those to coordinates, as in MargiPose.

#include <cstddef>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/heatmap/expectation.hpp>
#include <posekit/heatmap/maps.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The three marginals of volumes, as Tensor<T> or Var<T>.
template <class Maps>
struct Marginals {
  Maps xy;  ///< [N, J, H, W]
  Maps zy;  ///< [N, J, H, D]: columns are z
  Maps xz;  ///< [N, J, D, W]: rows are z
};

namespace internal {

MapsShape volume_shape(const Shape& shape);

}  // namespace internal

/// The marginals of volumes [N, J, D, H, W], Eq. (2) of MargiPose, in one pass. Throws ShapeError.
template <TensorExpression E>
auto marginals(const E& volume, int threads = 0) {
  return marginals(ContiguousView<typename E::value_type>(volume), threads);
}

/// The same of contiguous elements.
template <class T>
Marginals<Tensor<T>> marginals(const ContiguousView<T>& volume, int threads = 0);

/// The same on the tape.
template <class T>
Marginals<Var<T>> marginals(const Var<T>& volume);

namespace internal {

void require_marginals(const Shape& xy, const Shape& zy, const Shape& xz);

}  // namespace internal

/// (x, y, z) from three marginal heatmaps, Eq. (3) of MargiPose: x and y are expectations under xy,
/// z is the mean of its expectations under zy and xz. -> [N, J, 3]. Throws ShapeError.
template <TensorExpression XY, TensorExpression ZY, TensorExpression XZ>
auto marginal_coordinates(const XY& xy, const ZY& zy, const XZ& xz,
                          const ExpectationOptions& options = {}) {
  using T = typename XY::value_type;
  const auto shape = [](const auto& e) { return Shape(e.shape().begin(), e.shape().end()); };
  internal::require_marginals(shape(xy), shape(zy), shape(xz));
  const Tensor<T> a = expectation(xy, options), b = expectation(zy, options),
                  c = expectation(xz, options);
  Tensor<T> result = make_tensor<T>({xy.shape()[0], xy.shape()[1], 3});
  for (std::size_t i = 0; i < xy.shape()[0] * xy.shape()[1]; ++i) {
    result.data()[3 * i] = a.data()[2 * i];
    result.data()[3 * i + 1] = a.data()[2 * i + 1];
    result.data()[3 * i + 2] = (b.data()[2 * i] + c.data()[2 * i + 1]) / 2;
  }
  return result;
}

/// The same on the tape, with the gradient to all three.
template <class T>
Var<T> marginal_coordinates(const Var<T>& xy, const Var<T>& zy, const Var<T>& xz,
                            const ExpectationOptions& options = {});

template <class Maps>
auto marginal_coordinates(const Marginals<Maps>& maps, const ExpectationOptions& options = {}) {
  return marginal_coordinates(maps.xy, maps.zy, maps.xz, options);
}

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_HEATMAP

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/autodiff/tape.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/kernels/volume_marginals.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

Marginals<Shape> marginal_shapes(const MapsShape& maps);

template <class T>
void write_marginals(const MapsShape& maps, const T* volume, T* xy, T* zy, T* xz, int threads);

POSEKIT_INLINE MapsShape volume_shape(const Shape& shape) {
  if (shape.size() != 5) {
    throw ShapeError(error_text("marginals: volume has shape ", to_string(shape),
                                ", expected rank 5 [N, J, D, H, W]"));
  }
  return maps_shape("marginals", "volume", shape);
}

POSEKIT_INLINE Marginals<Shape> marginal_shapes(const MapsShape& maps) {
  const auto [depth, height, width] = maps.grid;
  return {{maps.batch, maps.joints, height, width},
          {maps.batch, maps.joints, height, depth},
          {maps.batch, maps.joints, depth, width}};
}

template <class T>
void write_marginals(const MapsShape& maps, const T* volume, T* xy, T* zy, T* xz, int threads) {
  const std::size_t xy_size = maps.grid.height * maps.grid.width;
  const std::size_t zy_size = maps.grid.height * maps.grid.depth;
  const std::size_t xz_size = maps.grid.depth * maps.grid.width;
  parallel_for(maps.maps(), threads_for(maps.size(), threads), [&](std::size_t i) {
    kernels::volume_marginals<T>(maps.grid, volume + i * maps.grid.size(), xy + i * xy_size,
                                 zy + i * zy_size, xz + i * xz_size);
  });
}

}  // namespace internal

template <class T>
Marginals<Var<T>> marginals(const Var<T>& volume) {
  Tape<T>& tape = volume.tape();
  const MapsShape maps = internal::volume_shape(volume.shape());
  const auto shapes = internal::marginal_shapes(maps);
  const std::size_t sizes[3] = {element_count(shapes.xy), element_count(shapes.zy),
                                element_count(shapes.xz)};
  // One node, so that the volume's cotangent is written once; its parts are cut out of it.
  Tensor<T> value = tape.pool().take({sizes[0] + sizes[1] + sizes[2]});
  internal::write_marginals(maps, volume.data(), value.data(), value.data() + sizes[0],
                            value.data() + sizes[0] + sizes[1], tape.threads());
  const Var<T> all = tape.record("marginals", std::move(value), {volume}, [=](Pullback<T>& p) {
    const auto target = p.target(0);
    if (!target) return;
    const auto [depth, height, width] = maps.grid;
    const std::size_t total = p.output_size();
    const int threads = threads_for(maps.size() * p.count(), p.threads());
    const bool streaming = maps.size() * p.count() * sizeof(T) >= simd::streaming_bytes;
    parallel_for(p.count() * maps.maps(), threads,
                 [&, d = depth, h = height, w = width](std::size_t i) {
                   const T* from = p.cotangent() + i / maps.maps() * total;
                   const std::size_t map = i % maps.maps();
                   kernels::volume_marginals_vjp<T>(
                       maps.grid, from + map * h * w, from + sizes[0] + map * h * d,
                       from + sizes[0] + sizes[1] + map * d * w, target.data + i * maps.grid.size(),
                       target.accumulate, streaming);
                 });
  });
  return {reshape(slice(all, 0, 0, sizes[0]), shapes.xy),
          reshape(slice(all, 0, sizes[0], sizes[0] + sizes[1]), shapes.zy),
          reshape(slice(all, 0, sizes[0] + sizes[1], sizes[0] + sizes[1] + sizes[2]), shapes.xz)};
}

namespace internal {

POSEKIT_INLINE void require_marginals(const Shape& xy, const Shape& zy, const Shape& xz) {
  const bool ranks = xy.size() == 4 && zy.size() == 4 && xz.size() == 4;
  if (!ranks || zy[0] != xy[0] || xz[0] != xy[0] || zy[1] != xy[1] || xz[1] != xy[1] ||
      zy[2] != xy[2] || xz[3] != xy[3] || xz[2] != zy[3]) {
    throw ShapeError(error_text("marginal_coordinates: xy, zy and xz have shapes ", to_string(xy),
                                ", ", to_string(zy), " and ", to_string(xz),
                                ", expected [N, J, H, W], [N, J, H, D] and [N, J, D, W]"));
  }
}

}  // namespace internal

template <class T>
Var<T> marginal_coordinates(const Var<T>& xy, const Var<T>& zy, const Var<T>& xz,
                            const ExpectationOptions& options) {
  internal::require_marginals(xy.shape(), zy.shape(), xz.shape());
  const Var<T> z = T(0.5) * (slice(expectation(zy, options), 2, 0, 1) +
                             slice(expectation(xz, options), 2, 1, 2));
  return concatenate({expectation(xy, options), z}, 2);
}

template <class T>
Marginals<Tensor<T>> marginals(const ContiguousView<T>& view, int threads) {
  const MapsShape maps = internal::volume_shape(view.shape());
  const auto shapes = internal::marginal_shapes(maps);
  Marginals<Tensor<T>> result{make_tensor<T>(shapes.xy), make_tensor<T>(shapes.zy),
                              make_tensor<T>(shapes.xz)};
  internal::write_marginals(maps, view.data(), result.xy.data(), result.zy.data(), result.xz.data(),
                            resolve_threads(threads));
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_HEATMAP
