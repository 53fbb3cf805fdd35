#pragma once

// Adam and its variant with decoupled weight decay.

#include <array>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include <posekit/autodiff/parameter.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/optim/optimizer.hpp>

namespace posekit::inline POSEKIT_ISA::optim {

struct AdamOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9;       ///< what is left of the mean of gradients
  double beta2 = 0.999;     ///< what is left of the mean of squared gradients
  double epsilon = 1e-8;    ///< added to the root of the latter
  double weight_decay = 0;  ///< adds so much of the parameter to its gradient
  /// Shrinks the parameter by learning_rate * weight_decay instead: AdamW.
  bool decoupled_weight_decay = false;
  bool amsgrad = false;  ///< divides by the largest mean of squared gradients so far
};

struct AdamWOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 1e-2;  ///< shrinks the parameter by learning_rate * weight_decay
  bool amsgrad = false;
};

/// Adam (Kingma and Ba 2015; AMSGrad: Reddi et al. 2018) as PyTorch's computes it. In a parameter's
/// step number t:
///
///     g <- g + weight_decay x                  (decoupled: x <- x - learning_rate weight_decay x)
///     m <- beta1 m + (1 - beta1) g
///     v <- beta2 v + (1 - beta2) g^2           (amsgrad: the largest v so far divides)
///     x <- x - learning_rate / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
///
/// State: "step", "exp_avg", "exp_avg_sq" and with `amsgrad` "max_exp_avg_sq". Steps without a
/// gradient for a parameter do not count in its t.
template <class T>
class Adam : public Optimizer<T> {
 public:
  /// Throws ValueError where a parameter is null, there twice or has the name of another; where an
  /// option is negative or not finite, or a beta not less than 1.
  explicit Adam(NamedParameters<T> parameters, const AdamOptions& options = {});

 private:
  enum Slot : std::size_t { step_count, exp_avg, exp_avg_sq, max_exp_avg_sq };

  struct Corrections {
    double step_size, root;
  };

  static const char* name(const AdamOptions& options) {
    return options.decoupled_weight_decay ? "AdamW" : "Adam";
  }
  static internal::OptimizerTraits traits(const AdamOptions& options);

  void prepare(std::size_t index) override;

  void update(std::size_t index, const T* gradient, std::size_t begin, std::size_t end) override;

  template <std::size_t Count>
  void update_arrays(std::size_t index, const T* gradient, const std::array<T*, Count>& arrays,
                     std::size_t begin, std::size_t end) const;

  AdamOptions options_;
  std::vector<Corrections> corrections_;  // for the means' start at 0, of each parameter
};

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019), as PyTorch's AdamW.
template <class T>
class AdamW final : public Adam<T> {
 public:
  /// Throws as Adam.
  explicit AdamW(NamedParameters<T> parameters, const AdamWOptions& options = {});
};

}  // namespace posekit::inline POSEKIT_ISA::optim

#if POSEKIT_DEFINES_OPTIM

#include <posekit/core/tensor.hpp>
#include <posekit/optim/element_update.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::optim {

template <class T>
Adam<T>::Adam(NamedParameters<T> parameters, const AdamOptions& options)
    : Optimizer<T>(std::move(parameters), traits(options), options.learning_rate, options.beta1),
      options_(options) {
  internal::require_option(options.beta2, name(options), "beta2", 0, 1);
  internal::require_option(options.epsilon, name(options), "epsilon");
  internal::require_option(options.weight_decay, name(options), "weight_decay");
  corrections_.resize(this->parameters().size());
}

template <class T>
internal::OptimizerTraits Adam<T>::traits(const AdamOptions& options) {
  internal::OptimizerTraits result{
      name(options), "beta1", 1, {{"step", true}, {"exp_avg"}, {"exp_avg_sq"}}};
  if (options.amsgrad) result.slots.push_back({"max_exp_avg_sq"});
  return result;
}

template <class T>
void Adam<T>::prepare(std::size_t index) {
  const std::size_t slots = options_.amsgrad ? 4 : 3;
  for (std::size_t slot = 0; slot < slots; ++slot) this->ensure_state(index, slot);
  // A float counts to 2^24, where the corrections have long become 1.
  T& count = this->state_data(index, step_count)[0];
  count += T(1);
  const double t = static_cast<double>(count);
  corrections_[index] = {this->learning_rate() / (1 - std::pow(this->momentum(), t)),
                         std::sqrt(1 - std::pow(options_.beta2, t))};
}

template <class T>
void Adam<T>::update(std::size_t index, const T* gradient, std::size_t begin, std::size_t end) {
  T* x = this->value(index);
  T* m = this->state_data(index, exp_avg);
  T* v = this->state_data(index, exp_avg_sq);
  if (options_.amsgrad) {
    T* largest = this->state_data(index, max_exp_avg_sq);
    update_arrays<4>(index, gradient, {x, m, v, largest}, begin, end);
  } else {
    update_arrays<3>(index, gradient, {x, m, v}, begin, end);
  }
}

template <class T>
AdamW<T>::AdamW(NamedParameters<T> parameters, const AdamWOptions& options)
    : Adam<T>(std::move(parameters), {.learning_rate = options.learning_rate,
                                      .beta1 = options.beta1,
                                      .beta2 = options.beta2,
                                      .epsilon = options.epsilon,
                                      .weight_decay = options.weight_decay,
                                      .decoupled_weight_decay = true,
                                      .amsgrad = options.amsgrad}) {}

template <class T>
template <std::size_t Count>
void Adam<T>::update_arrays(std::size_t index, const T* gradient,
                            const std::array<T*, Count>& arrays, std::size_t begin,
                            std::size_t end) const {
  using Vector = simd::Batch<T>;
  const double beta1 = this->momentum(), beta2 = options_.beta2;
  const Vector kept1(static_cast<T>(beta1)), added1(static_cast<T>(1 - beta1));
  const Vector kept2(static_cast<T>(beta2)), added2(static_cast<T>(1 - beta2));
  const Vector step_size(static_cast<T>(corrections_[index].step_size));
  const Vector root(static_cast<T>(corrections_[index].root));
  const Vector epsilon(static_cast<T>(options_.epsilon));
  const bool shrinks = options_.decoupled_weight_decay;
  const bool decays = !shrinks && options_.weight_decay != 0;
  const Vector decay(static_cast<T>(options_.weight_decay));
  const Vector shrink(static_cast<T>(1 - this->learning_rate() * options_.weight_decay));
  internal::update_elements<Count, T>(
      gradient, arrays, begin, end, [&](Vector g, std::array<Vector, Count>& a) {
        if (decays) g += decay * a[0];
        if (shrinks) a[0] *= shrink;
        a[1] = kept1 * a[1] + added1 * g;
        a[2] = kept2 * a[2] + added2 * (g * g);
        Vector square = a[2];
        if constexpr (Count == 4) square = a[3] = xsimd::max(a[3], a[2]);
        a[0] -= step_size * a[1] / (xsimd::sqrt(square) / root + epsilon);
      });
}

}  // namespace posekit::inline POSEKIT_ISA::optim

#endif  // POSEKIT_DEFINES_OPTIM
