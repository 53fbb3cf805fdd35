#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/coordinates.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

struct ExpectationOptions {
  Coordinates coordinates = Coordinates::normalized;
  bool check = false;  ///< throws ValueError where a map does not sum to 1 (within 1e-3)
  int threads = 0;     ///< of the overload for tensors (0: all); a Var has its tape's
};

/// The expected coordinates under maps that are probabilities already, Eq. (1) of MargiPose (DSNT):
/// sum_p H_p coordinate(p). Shapes as `soft_argmax`. Throws ShapeError, and ValueError as the
/// options say.
template <TensorExpression E>
auto expectation(const E& heatmaps, const ExpectationOptions& options = {}) {
  return expectation(ContiguousView<typename E::value_type>(heatmaps), options);
}

/// The same of contiguous elements.
template <class T>
Tensor<T> expectation(const ContiguousView<T>& heatmaps, const ExpectationOptions& options);

/// The same on the tape.
template <class T>
Var<T> expectation(const Var<T>& heatmaps, const ExpectationOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_HEATMAP

#include <posekit/core/threads.hpp>
#include <posekit/heatmap/maps.hpp>
#include <posekit/heatmap/soft_argmax.hpp>
#include <posekit/kernels/map_moments.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

template <class T>
void write_expectations(const char* function, const MapsShape& maps, const T* weights,
                        const ExpectationOptions& options, T* positions, int threads);

template <class T>
void write_expectations(const char* function, const MapsShape& maps, const T* weights,
                        const ExpectationOptions& options, T* positions, int threads) {
  const auto axes = axes_coordinates(options.coordinates, maps.grid);
  std::vector<double> masses(maps.maps());
  parallel_for(maps.maps(), threads_for(maps.size(), threads), [&](std::size_t i) {
    const auto moments = kernels::map_moments<T>(maps.grid, weights + i * maps.grid.size());
    masses[i] = moments.mass;
    for (std::size_t a = 0; a < maps.axes; ++a) {
      positions[i * maps.axes + a] =
          static_cast<T>(axes[a].scale * moments.first[a] + axes[a].offset * moments.mass);
    }
  });
  if (!options.check) return;
  for (std::size_t i = 0; i < masses.size(); ++i) {
    if (std::abs(masses[i] - 1.0) <= 1e-3) continue;
    throw ValueError(error_text(function, ": heatmap [", i / maps.joints, ", ", i % maps.joints,
                                "] sums to ", masses[i], ", expected 1: are these logits? ",
                                "flat_softmax makes them probabilities"));
  }
}

}  // namespace internal

template <class T>
Var<T> expectation(const Var<T>& heatmaps, const ExpectationOptions& options) {
  Tape<T>& tape = heatmaps.tape();
  const MapsShape maps = maps_shape("expectation", "heatmaps", heatmaps.shape());
  Tensor<T> value = tape.pool().take(maps.positions());
  internal::write_expectations("expectation", maps, heatmaps.data(), options, value.data(),
                               tape.threads());
  return tape.record("expectation", std::move(value), {heatmaps}, [=](Pullback<T>& p) {
    const auto target = p.target(0);
    if (!target) return;
    const auto axes = axes_coordinates(options.coordinates, maps.grid);
    const std::size_t pixels = maps.grid.size();
    const int threads = threads_for(maps.size() * p.count(), p.threads());
    parallel_for(p.count() * maps.maps(), threads, [&](std::size_t i) {
      std::array<T, 3> slope{};
      T constant = 0;
      for (std::size_t a = 0; a < maps.axes; ++a) {
        const T g = p.cotangent()[i * maps.axes + a];
        slope[a] = g * static_cast<T>(axes[a].scale);
        constant += g * static_cast<T>(axes[a].offset);
      }
      kernels::map_ramp<T>(maps.grid, constant, slope, target.data + i * pixels, target.accumulate);
    });
  });
}

template <class T>
Tensor<T> expectation(const ContiguousView<T>& view, const ExpectationOptions& options) {
  const MapsShape maps = maps_shape("expectation", "heatmaps", view.shape());
  Tensor<T> result = make_tensor<T>(maps.positions());
  internal::write_expectations("expectation", maps, view.data(), options, result.data(),
                               resolve_threads(options.threads));
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_HEATMAP
