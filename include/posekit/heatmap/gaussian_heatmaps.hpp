#pragma once

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/coordinates.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

struct GaussianOptions {
  double sigma = 1.0;                                 ///< standard deviation, in pixels
  Coordinates coordinates = Coordinates::normalized;  ///< of the means
  std::vector<double> joint_sigmas{};                 ///< one for each joint, instead of `sigma`
  bool normalised = true;  ///< weights sum to 1; otherwise a peak between pixels would be 1
  int threads = 0;         ///< of the overload for tensors (0: all); a Var has its tape's

  double sigma_of(std::size_t joint) const {
    return joint_sigmas.empty() ? sigma : joint_sigmas[joint];
  }
};

/// Gaussians around means [N, J, D], sampled at pixel centres: [N, J, size...], size = (.., H, W).
/// Normalised ones sum to 1 wherever the mean is, also far outside the map; where it is NaN, so is
/// the map. Throws ShapeError, and ValueError for an infinite mean or an impossible sigma.
template <TensorExpression E>
auto gaussian_heatmaps(const E& means, const Shape& size, const GaussianOptions& options = {}) {
  return gaussian_heatmaps(ContiguousView<typename E::value_type>(means), size, options);
}

/// The same of contiguous elements.
template <class T>
Tensor<T> gaussian_heatmaps(const ContiguousView<T>& means, const Shape& size,
                            const GaussianOptions& options);

/// The same on the tape, differentiable with respect to the means.
template <class T>
Var<T> gaussian_heatmaps(const Var<T>& means, const Shape& size,
                         const GaussianOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_HEATMAP

#include <posekit/core/threads.hpp>
#include <posekit/heatmap/maps.hpp>
#include <posekit/heatmap/soft_argmax.hpp>
#include <posekit/kernels/gaussian_axis.hpp>
#include <posekit/kernels/gaussian_map.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// The factors of one map's Gaussian. `mean` has `maps.axes` coordinates.
template <class T>
void gaussian_axes(const MapsShape& maps, const T* mean, const GaussianOptions& options,
                   std::size_t joint, std::array<kernels::GaussianAxis<T>, 3>& axes);

/// Pixels per unit of a coordinate.
double pixels_per_unit(Coordinates convention, std::size_t length);

}  // namespace internal

namespace internal {

void require_gaussian(const char* function, const GaussianOptions& options, std::size_t joints);

MapsShape gaussian_shape(const Shape& means, const Shape& size, const GaussianOptions& options);

template <class T>
void write_gaussians(const MapsShape& maps, const T* means, const GaussianOptions& options,
                     T* result, int threads);

Shape gaussian_result_shape(const MapsShape& maps, const Shape& size);

POSEKIT_INLINE void require_gaussian(const char* function, const GaussianOptions& options,
                                     std::size_t joints) {
  if (options.joint_sigmas.empty()) return require_sigma(function, options.sigma);
  if (options.joint_sigmas.size() != joints) {
    throw ShapeError(error_text(function, ": there are ", options.joint_sigmas.size(),
                                " sigmas, expected one for each of ", joints, " joints"));
  }
  for (const double sigma : options.joint_sigmas) require_sigma(function, sigma);
}

template <class T>
void gaussian_axes(const MapsShape& maps, const T* mean, const GaussianOptions& options,
                   std::size_t joint, std::array<kernels::GaussianAxis<T>, 3>& axes) {
  const auto extents = maps.grid.extents();
  for (std::size_t a = 0; a < 3; ++a) {
    if (a < maps.axes) {
      kernels::gaussian_axis<T>(
          extents[a], to_pixel(options.coordinates, extents[a], static_cast<double>(mean[a])),
          options.sigma_of(joint), options.normalised, axes[a]);
    } else {
      axes[a].log_weight.assign(1, T(0));
      axes[a].weight.assign(1, T(1));
      axes[a].score.assign(1, T(0));
      axes[a].peak = 0;
    }
  }
}

POSEKIT_INLINE double pixels_per_unit(Coordinates convention, std::size_t length) {
  const double scale = axis_coordinates(convention, length).scale;
  return scale == 0.0 ? 0.0 : 1.0 / scale;
}

POSEKIT_INLINE MapsShape gaussian_shape(const Shape& means, const Shape& size,
                                        const GaussianOptions& options) {
  if (means.size() != 3 || size.empty() || size.size() > 3 || means[2] != size.size()) {
    throw ShapeError(error_text("gaussian_heatmaps: means has shape ", to_string(means),
                                " and size is ", to_string(size),
                                ", expected [N, J, D] and D extents, (.., H, W)"));
  }
  Shape shape{means[0], means[1]};
  shape.insert(shape.end(), size.begin(), size.end());
  const MapsShape maps = maps_shape("gaussian_heatmaps", "size", shape);
  require_gaussian("gaussian_heatmaps", options, maps.joints);
  return maps;
}

template <class T>
void write_gaussians(const MapsShape& maps, const T* means, const GaussianOptions& options,
                     T* result, int threads) {
  parallel_ranges(maps.maps(), threads_for(maps.size(), threads),
                  [&](std::size_t begin, std::size_t end, int) {
                    std::array<kernels::GaussianAxis<T>, 3> axes;
                    for (std::size_t i = begin; i < end; ++i) {
                      gaussian_axes(maps, means + i * maps.axes, options, i % maps.joints, axes);
                      kernels::gaussian_map<T>(maps.grid, axes, result + i * maps.grid.size());
                    }
                  });
}

POSEKIT_INLINE Shape gaussian_result_shape(const MapsShape& maps, const Shape& size) {
  Shape shape = maps.per_map();
  shape.insert(shape.end(), size.begin(), size.end());
  return shape;
}

}  // namespace internal

template <class T>
Var<T> gaussian_heatmaps(const Var<T>& means, const Shape& size, const GaussianOptions& options) {
  Tape<T>& tape = means.tape();
  const MapsShape maps = internal::gaussian_shape(means.shape(), size, options);
  require_no_infinity("gaussian_heatmaps", "means", means.data(), means.size());
  Tensor<T> value = tape.pool().take(internal::gaussian_result_shape(maps, size));
  internal::write_gaussians(maps, means.data(), options, value.data(), tape.threads());
  const auto centre = tape.elements(means);
  return tape.record("gaussian_heatmaps", std::move(value), {means}, [=](Pullback<T>& p) {
    const auto target = p.target(0);
    if (!target) return;
    const auto extents = maps.grid.extents();
    const int threads = threads_for(maps.size() * p.count(), p.threads());
    parallel_for(p.count() * maps.maps(), threads, [&](std::size_t i) {
      const std::size_t map = i % maps.maps();
      std::array<kernels::GaussianAxis<T>, 3> axes;
      internal::gaussian_axes(maps, centre->data() + map * maps.axes, options, map % maps.joints,
                              axes);
      const auto gradient =
          kernels::gaussian_map_vjp<T>(maps.grid, axes, p.cotangent() + i * maps.grid.size());
      for (std::size_t a = 0; a < maps.axes; ++a) {
        target.put(i * maps.axes + a,
                   static_cast<T>(gradient[a] *
                                  internal::pixels_per_unit(options.coordinates, extents[a])));
      }
    });
  });
}

template <class T>
Tensor<T> gaussian_heatmaps(const ContiguousView<T>& view, const Shape& size,
                            const GaussianOptions& options) {
  const MapsShape maps = internal::gaussian_shape(view.shape(), size, options);
  require_no_infinity("gaussian_heatmaps", "means", view.data(), maps.maps() * maps.axes);
  Tensor<T> result = make_tensor<T>(internal::gaussian_result_shape(maps, size));
  internal::write_gaussians(maps, view.data(), options, result.data(),
                            resolve_threads(options.threads));
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_HEATMAP
