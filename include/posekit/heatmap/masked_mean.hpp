#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The mean of `losses` over what is visible (1 or 0, or weights), of the same shape: a scalar.
/// Where nothing is visible it is 0, with a gradient of 0. Throws ShapeError and ValueError.
template <TensorExpression E>
auto masked_mean(const E& losses, const Tensor<typename E::value_type>& visible) {
  return masked_mean(ContiguousView<typename E::value_type>(losses), visible);
}

/// The same of contiguous elements.
template <class T>
Tensor<T> masked_mean(const ContiguousView<T>& losses, const Tensor<T>& visible);

/// The same on the tape.
template <class T>
Var<T> masked_mean(const Var<T>& losses, const Tensor<T>& visible);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_HEATMAP

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// The weight of each loss in the mean; a loss of weight 0 is not looked at, be it NaN.
template <class T>
std::vector<T> mask_weights(const Shape& losses, const Tensor<T>& visible);

template <class T>
T weighted_sum(const std::vector<T>& weights, const T* values);

template <class T>
std::vector<T> mask_weights(const Shape& losses, const Tensor<T>& visible) {
  require_shape(visible, losses, "masked_mean", "visible");
  double largest = 0;
  for (std::size_t i = 0; i < visible.size(); ++i) {
    const double v = static_cast<double>(visible.data()[i]);
    if (!(v >= 0) || !std::isfinite(v)) {
      throw ValueError(error_text("masked_mean: visible is ", v, " for loss ", i,
                                  ", expected 0 or a positive number"));
    }
    largest = std::max(largest, v);
  }
  std::vector<T> weights(visible.size());
  if (largest == 0) return weights;
  // Relative to the largest, so that the sum of huge ones is a number.
  const auto share = [&](std::size_t i) {
    return static_cast<double>(visible.data()[i]) / largest;
  };
  double total = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) total += share(i);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<T>(share(i) / total);
  return weights;
}

template <class T>
T weighted_sum(const std::vector<T>& weights, const T* values) {
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] != T(0)) sum += static_cast<double>(weights[i]) * static_cast<double>(values[i]);
  }
  return static_cast<T>(sum);
}

}  // namespace internal

template <class T>
Var<T> masked_mean(const Var<T>& losses, const Tensor<T>& visible) {
  Tape<T>& tape = losses.tape();
  auto weights = internal::mask_weights(losses.shape(), visible);
  Tensor<T> value =
      tensor_from<T>({}, std::vector<T>{internal::weighted_sum(weights, losses.data())});
  return tape.record(
      "masked_mean", std::move(value), {losses}, [weights = std::move(weights)](Pullback<T>& p) {
        const auto target = p.target(0);
        if (!target) return;
        for (std::size_t i = 0; i < p.count() * weights.size(); ++i) {
          target.put(i, p.cotangent()[i / weights.size()] * weights[i % weights.size()]);
        }
      });
}

template <class T>
Tensor<T> masked_mean(const ContiguousView<T>& view, const Tensor<T>& visible) {
  const auto weights = internal::mask_weights(view.shape(), visible);
  return tensor_from<T>({}, std::vector<T>{internal::weighted_sum(weights, view.data())});
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_HEATMAP
