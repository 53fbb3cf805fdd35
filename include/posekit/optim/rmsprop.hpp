#pragma once

// RMSprop.

#include <array>
#include <cstddef>
#include <limits>
#include <utility>

#include <posekit/autodiff/parameter.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/optim/optimizer.hpp>

namespace posekit::inline POSEKIT_ISA::optim {

struct RmspropOptions {
  double learning_rate = 1e-2;
  double alpha = 0.99;      ///< what is left of the mean of squared gradients
  double epsilon = 1e-8;    ///< added to its root
  bool centered = false;    ///< divides by the standard deviation, not the root mean square
  double momentum = 0;      ///< what is left of the last step's direction
  double weight_decay = 0;  ///< adds so much of the parameter to its gradient
};

/// RMSprop (Hinton 2012; centred: Graves 2013) as PyTorch's computes it:
///
///     g <- g + weight_decay x
///     v <- alpha v + (1 - alpha) g^2
///     a <- alpha a + (1 - alpha) g             (centred: v - a^2 divides, v itself stays)
///     b <- momentum b + g / (sqrt(v) + epsilon)
///     x <- x - learning_rate b
///
/// Where rounding makes v - a^2 negative, 0 is taken, where PyTorch's becomes NaN.
/// State: "square_avg", with `centered` "grad_avg", with momentum "momentum_buffer".
template <class T>
class Rmsprop final : public Optimizer<T> {
 public:
  /// Throws ValueError where a parameter is null, there twice or has the name of another; where an
  /// option is negative or not finite, or alpha not less than 1.
  explicit Rmsprop(NamedParameters<T> parameters, const RmspropOptions& options = {});

 private:
  enum Slot : std::size_t { square_avg, momentum_buffer, grad_avg };

  static internal::OptimizerTraits traits(const RmspropOptions& options);

  void prepare(std::size_t index) override;

  void update(std::size_t index, const T* gradient, std::size_t begin, std::size_t end) override;

  template <bool Centered, bool Momentum, std::size_t Count>
  void update_arrays(const T* gradient, const std::array<T*, Count>& arrays, std::size_t begin,
                     std::size_t end) const;

  RmspropOptions options_;
};

}  // namespace posekit::inline POSEKIT_ISA::optim

#if POSEKIT_DEFINES_OPTIM

#include <posekit/core/tensor.hpp>
#include <posekit/optim/element_update.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::optim {

template <class T>
Rmsprop<T>::Rmsprop(NamedParameters<T> parameters, const RmspropOptions& options)
    : Optimizer<T>(std::move(parameters), traits(options), options.learning_rate, options.momentum),
      options_(options) {
  internal::require_option(options.alpha, "Rmsprop", "alpha", 0, 1);
  internal::require_option(options.epsilon, "Rmsprop", "epsilon");
  internal::require_option(options.weight_decay, "Rmsprop", "weight_decay");
}

template <class T>
internal::OptimizerTraits Rmsprop<T>::traits(const RmspropOptions& options) {
  internal::OptimizerTraits result{"Rmsprop",
                                   "momentum",
                                   std::numeric_limits<double>::infinity(),
                                   {{"square_avg"}, {.name = "momentum_buffer", .separate = true}}};
  if (options.centered) result.slots.push_back({"grad_avg"});
  return result;
}

template <class T>
void Rmsprop<T>::prepare(std::size_t index) {
  this->ensure_state(index, square_avg);
  if (this->momentum() > 0) this->ensure_state(index, momentum_buffer);
  if (options_.centered) this->ensure_state(index, grad_avg);
}

template <class T>
void Rmsprop<T>::update(std::size_t index, const T* gradient, std::size_t begin, std::size_t end) {
  T* x = this->value(index);
  T* v = this->state_data(index, square_avg);
  T* b = this->momentum() > 0 ? this->state_data(index, momentum_buffer) : nullptr;
  T* a = options_.centered ? this->state_data(index, grad_avg) : nullptr;
  if (a != nullptr && b != nullptr) {
    update_arrays<true, true, 4>(gradient, {x, v, a, b}, begin, end);
  } else if (a != nullptr) {
    update_arrays<true, false, 3>(gradient, {x, v, a}, begin, end);
  } else if (b != nullptr) {
    update_arrays<false, true, 3>(gradient, {x, v, b}, begin, end);
  } else {
    update_arrays<false, false, 2>(gradient, {x, v}, begin, end);
  }
}

template <class T>
template <bool Centered, bool Momentum, std::size_t Count>
void Rmsprop<T>::update_arrays(const T* gradient, const std::array<T*, Count>& arrays,
                               std::size_t begin, std::size_t end) const {
  using Vector = simd::Batch<T>;
  const Vector rate(static_cast<T>(this->learning_rate()));
  const Vector kept(static_cast<T>(options_.alpha)), added(static_cast<T>(1 - options_.alpha));
  const Vector epsilon(static_cast<T>(options_.epsilon));
  const Vector momentum(static_cast<T>(this->momentum()));
  const Vector decay(static_cast<T>(options_.weight_decay));
  const bool decays = options_.weight_decay != 0;
  internal::update_elements<Count, T>(
      gradient, arrays, begin, end, [&](Vector g, std::array<Vector, Count>& values) {
        if (decays) g += decay * values[0];
        values[1] = kept * values[1] + added * (g * g);
        Vector square = values[1];
        if constexpr (Centered) {
          values[2] = kept * values[2] + added * g;
          square = xsimd::max(square - values[2] * values[2], Vector(T(0)));
        }
        const Vector direction = g / (xsimd::sqrt(square) + epsilon);
        if constexpr (Momentum) {
          values[Count - 1] = momentum * values[Count - 1] + direction;
          values[0] -= rate * values[Count - 1];
        } else {
          values[0] -= rate * direction;
        }
      });
}

}  // namespace posekit::inline POSEKIT_ISA::optim

#endif  // POSEKIT_DEFINES_OPTIM
