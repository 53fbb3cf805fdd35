#pragma once

// Losses of positions [N, J, D] and of heatmaps, one number for each joint: [N, J].

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/reductions.hpp>
#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/heatmap/divergence.hpp>
#include <posekit/heatmap/gaussian_heatmaps.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

enum class PositionLoss { euclidean, l1, mse };

/// One number [N, J] for each pair of positions [N, J, axes].
template <class T>
Tensor<T> position_loss(PositionLoss loss, const Tensor<T>& predicted, const Tensor<T>& truth);
template <class T>
Var<T> position_loss(PositionLoss loss, const Var<T>& predicted, const Var<T>& truth);

}  // namespace internal

/// The distance |predicted - truth|, Eq. (5) of MargiPose. Its gradient at distance 0 is 0.
template <TensorExpression P, TensorExpression Q>
auto euclidean_loss(const P& predicted, const Q& truth) {
  return internal::position_loss<typename P::value_type>(internal::PositionLoss::euclidean,
                                                         predicted, truth);
}
template <class T, internal::TensorOrVar<T> Truth>
Var<T> euclidean_loss(const Var<T>& predicted, const Truth& truth) {
  return internal::position_loss(internal::PositionLoss::euclidean, predicted,
                                 internal::on_tape(predicted.tape(), truth));
}

/// The mean of the coordinates' absolute differences. Its gradient at 0 is 0.
template <TensorExpression P, TensorExpression Q>
auto l1_loss(const P& predicted, const Q& truth) {
  return internal::position_loss<typename P::value_type>(internal::PositionLoss::l1, predicted,
                                                         truth);
}
template <class T, internal::TensorOrVar<T> Truth>
Var<T> l1_loss(const Var<T>& predicted, const Truth& truth) {
  return internal::position_loss(internal::PositionLoss::l1, predicted,
                                 internal::on_tape(predicted.tape(), truth));
}

/// The mean of the coordinates' squared differences.
template <TensorExpression P, TensorExpression Q>
auto mse_loss(const P& predicted, const Q& truth) {
  return internal::position_loss<typename P::value_type>(internal::PositionLoss::mse, predicted,
                                                         truth);
}
template <class T, internal::TensorOrVar<T> Truth>
Var<T> mse_loss(const Var<T>& predicted, const Truth& truth) {
  return internal::position_loss(internal::PositionLoss::mse, predicted,
                                 internal::on_tape(predicted.tape(), truth));
}

namespace internal {

/// Records the mean squared difference of heatmaps from Gaussians around `means`.
template <class T>
Var<T> record_heatmap_mse(const Var<T>& heatmaps, const Var<T>& means,
                          const GaussianOptions& options);

}  // namespace internal

/// The mean over each map's pixels of the squared differences from Gaussians around means
/// [N, J, axes], Eq. (4) of MargiPose divided by their number. The Gaussians are never written to
/// memory. `means` is a Tensor or a Var, which is differentiated too. -> [N, J]. Throws ShapeError
/// and ValueError.
template <class T, internal::TensorOrVar<T> Means>
Var<T> heatmap_mse(const Var<T>& heatmaps, const Means& means, const GaussianOptions& options) {
  return internal::record_heatmap_mse(heatmaps, internal::on_tape(heatmaps.tape(), means), options);
}
template <TensorExpression E, TensorExpression Means>
auto heatmap_mse(const E& heatmaps, const Means& means, const GaussianOptions& options) {
  return internal::off_tape(heatmaps, options.threads,
                            [&](const auto& h) { return heatmap_mse(h, means, options); });
}

/// How far each map's variance along each axis is from sigma^2 (in pixels): the sum over the axes
/// of (variance - sigma^2)^2. `heatmaps` are probabilities. Throws ShapeError and ValueError.
template <class T>
Var<T> variance_loss(const Var<T>& heatmaps, double sigma = 1.0);

/// The same of a tensor expression.
template <TensorExpression E>
auto variance_loss(const E& heatmaps, double sigma = 1.0, int threads = 0) {
  return internal::off_tape(heatmaps, threads,
                            [&](const auto& h) { return variance_loss(h, sigma); });
}

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_HEATMAP

#include <posekit/autodiff/shaping.hpp>
#include <posekit/heatmap/maps.hpp>
#include <posekit/kernels/gaussian_mse.hpp>
#include <posekit/kernels/map_spread.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// Shapes of predicted and true positions, the same and of rank 3.
inline void require_pair(const char* function, const Shape& predicted, const Shape& truth) {
  if (predicted.size() != 3 || predicted != truth) {
    throw ShapeError(error_text(function, ": positions have shapes ", to_string(predicted), " and ",
                                to_string(truth), ", expected the same [N, J, D] twice"));
  }
}

// What a loss makes of the differences of one joint, and its derivative with respect to them.
struct EuclideanLoss {
  static constexpr const char* name = "euclidean_loss";
  template <class T>
  static T value(const T* d, std::size_t n) {
    T sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum = std::hypot(sum, d[i]);
    return sum;
  }
  template <class T>
  static void slope(const T* d, std::size_t n, T value, T* out) {
    for (std::size_t i = 0; i < n; ++i)
      out[i] = value > T(0) ? d[i] / value : (d[i] == T(0) ? T(0) : d[i]);
  }
};
struct L1Loss {
  static constexpr const char* name = "l1_loss";
  template <class T>
  static T value(const T* d, std::size_t n) {
    T sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += std::abs(d[i]);
    return sum / static_cast<T>(n);
  }
  template <class T>
  static void slope(const T* d, std::size_t n, T, T* out) {
    for (std::size_t i = 0; i < n; ++i) {
      out[i] = static_cast<T>((d[i] > T(0)) - (d[i] < T(0))) / static_cast<T>(n);
    }
  }
};
struct MseLoss {
  static constexpr const char* name = "mse_loss";
  template <class T>
  static T value(const T* d, std::size_t n) {
    T sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += d[i] * d[i];
    return sum / static_cast<T>(n);
  }
  template <class T>
  static void slope(const T* d, std::size_t n, T, T* out) {
    for (std::size_t i = 0; i < n; ++i) out[i] = 2 * d[i] / static_cast<T>(n);
  }
};

template <class Loss, class T>
Tensor<T> position_loss(const Tensor<T>& predicted, const Tensor<T>& truth) {
  require_pair(Loss::name, shape_of(predicted), shape_of(truth));
  const std::size_t axes = predicted.shape()[2];
  Tensor<T> result = make_tensor<T>({predicted.shape()[0], predicted.shape()[1]});
  std::vector<T> difference(axes);
  for (std::size_t i = 0; i < result.size(); ++i) {
    for (std::size_t a = 0; a < axes; ++a) {
      difference[a] = predicted.data()[i * axes + a] - truth.data()[i * axes + a];
    }
    result.data()[i] = Loss::value(difference.data(), axes);
  }
  return result;
}

template <class Loss, class T>
Var<T> position_loss(const Var<T>& predicted, const Var<T>& other) {
  Tape<T>& tape = predicted.tape();
  const auto a = tape.shared_value(predicted), b = tape.shared_value(other);
  Tensor<T> value = position_loss<Loss>(*a, *b);
  const auto output = tape.pool().share(std::move(value));
  return tape.record(Loss::name, output, {predicted, other}, [=](Pullback<T>& p) {
    const auto to_a = p.target(0), to_b = p.target(1);
    const std::size_t joints = output->size(), axes = a->shape()[2];
    std::vector<T> difference(axes), slope(axes);
    for (std::size_t i = 0; i < p.count() * joints; ++i) {
      const std::size_t joint = i % joints;
      for (std::size_t k = 0; k < axes; ++k) {
        difference[k] = a->data()[joint * axes + k] - b->data()[joint * axes + k];
      }
      Loss::slope(difference.data(), axes, output->data()[joint], slope.data());
      // A joint that does not count moves nothing, whatever its truth is.
      if (p.cotangent()[i] == T(0)) std::fill(slope.begin(), slope.end(), T(0));
      const auto add = [&](const auto& target, T sign) {
        if (!target) return;
        for (std::size_t k = 0; k < axes; ++k) {
          target.put(i * axes + k, sign * p.cotangent()[i] * slope[k]);
        }
      };
      add(to_a, T(1));
      add(to_b, T(-1));
    }
  });
}

/// Calls `run` with the struct of a loss.
template <class Run>
auto with_loss(PositionLoss loss, const Run& run) {
  if (loss == PositionLoss::euclidean) return run(EuclideanLoss{});
  return loss == PositionLoss::l1 ? run(L1Loss{}) : run(MseLoss{});
}

template <class T>
Tensor<T> position_loss(PositionLoss loss, const Tensor<T>& predicted, const Tensor<T>& truth) {
  return with_loss(loss, [&](auto of) { return position_loss<decltype(of)>(predicted, truth); });
}
template <class T>
Var<T> position_loss(PositionLoss loss, const Var<T>& predicted, const Var<T>& truth) {
  return with_loss(loss, [&](auto of) { return position_loss<decltype(of)>(predicted, truth); });
}

template <class T>
Var<T> record_heatmap_mse(const Var<T>& heatmaps, const Var<T>& means,
                          const GaussianOptions& options) {
  constexpr const char* name = "heatmap_mse";
  Tape<T>& tape = heatmaps.tape();
  const MapsShape maps = maps_shape(name, "heatmaps", heatmaps.shape());
  require_positions(name, "means", means.shape(), maps);
  require_no_infinity(name, "means", means.data(), means.size());
  require_gaussian(name, options, maps.joints);
  const auto map_values = tape.elements(heatmaps), mean_values = tape.elements(means);
  const std::size_t pixels = maps.grid.size();
  Tensor<T> value = tape.pool().take(maps.per_map());
  parallel_ranges(
      maps.maps(), threads_for(maps.size(), tape.threads()),
      [&](std::size_t begin, std::size_t end, int) {
        std::array<kernels::GaussianAxis<T>, 3> axes;
        for (std::size_t i = begin; i < end; ++i) {
          gaussian_axes(maps, mean_values->data() + i * maps.axes, options, i % maps.joints, axes);
          value.data()[i] = static_cast<T>(
              kernels::gaussian_mse<T>(maps.grid, axes, map_values->data() + i * pixels));
        }
      });
  return tape.record(name, std::move(value), {heatmaps, means}, [=](Pullback<T>& back) {
    const auto to_maps = back.target(0), to_means = back.target(1);
    if (!to_maps && !to_means) return;
    const auto extents = maps.grid.extents();
    const int team = threads_for(maps.size() * back.count(), back.threads());
    parallel_ranges(back.count() * maps.maps(), team, [&](std::size_t begin, std::size_t end, int) {
      std::array<kernels::GaussianAxis<T>, 3> axes;
      for (std::size_t i = begin; i < end; ++i) {
        const std::size_t map = i % maps.maps();
        const T cotangent = back.cotangent()[i];
        std::array<double, 3> by_mean{};
        T* out = to_maps ? to_maps.data + i * pixels : nullptr;
        if (cotangent != T(0)) {
          gaussian_axes(maps, mean_values->data() + map * maps.axes, options, map % maps.joints,
                        axes);
          by_mean = kernels::gaussian_mse_vjp<T>(maps.grid, axes, map_values->data() + map * pixels,
                                                 cotangent, out, to_maps && to_maps.accumulate);
        } else if (to_maps) {
          to_maps.put_nothing(i * pixels, pixels);
        }
        for (std::size_t a = 0; a < maps.axes && to_means; ++a) {
          to_means.put(
              i * maps.axes + a,
              static_cast<T>(by_mean[a] * pixels_per_unit(options.coordinates, extents[a])));
        }
      }
    });
  });
}

}  // namespace internal

template <class T>
Var<T> variance_loss(const Var<T>& heatmaps, double sigma) {
  Tape<T>& tape = heatmaps.tape();
  const MapsShape maps = maps_shape("variance_loss", "heatmaps", heatmaps.shape());
  require_sigma("variance_loss", sigma);
  const auto input = tape.elements(heatmaps);
  std::vector<kernels::MapSpread> spreads(maps.maps());
  Tensor<T> value = tape.pool().take(maps.per_map());
  const auto excess = [=](const kernels::MapSpread& spread, std::size_t axis) {
    return spread.covariance[axis][axis] - sigma * sigma;
  };
  parallel_for(maps.maps(), threads_for(maps.size(), tape.threads()), [&](std::size_t i) {
    spreads[i] = kernels::map_spread<T>(maps.grid, input->data() + i * maps.grid.size());
    double sum = 0;
    for (std::size_t a = 0; a < maps.axes; ++a) {
      sum += excess(spreads[i], a) * excess(spreads[i], a);
    }
    value.data()[i] = static_cast<T>(sum);
  });
  return tape.record("variance_loss", std::move(value), {heatmaps},
                     [=, spreads = std::move(spreads)](Pullback<T>& p) {
                       const auto target = p.target(0);
                       if (!target) return;
                       const int threads = threads_for(maps.size() * p.count(), p.threads());
                       parallel_for(p.count() * maps.maps(), threads, [&](std::size_t i) {
                         // A map that does not count moves nothing, whatever it holds.
                         if (p.cotangent()[i] == T(0)) {
                           target.put_nothing(i * maps.grid.size(), maps.grid.size());
                           return;
                         }
                         const auto& spread = spreads[i % maps.maps()];
                         std::array<double, 3> slope{};
                         for (std::size_t a = 0; a < maps.axes; ++a) {
                           slope[a] = 2 * excess(spread, a) * static_cast<double>(p.cotangent()[i]);
                         }
                         kernels::map_variance_vjp<T>(maps.grid, spread, slope,
                                                      target.data + i * maps.grid.size(),
                                                      target.accumulate);
                       });
                     });
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_HEATMAP
