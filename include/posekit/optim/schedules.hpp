#pragma once

// Learning rates, momenta and factors of losses as functions of the step alone, so that continuing
// needs no state.

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/optim/optimizer.hpp>

namespace posekit::inline POSEKIT_ISA::optim {

/// What gives a learning rate for every step, counted from 0. It may also give a `momentum(step)`.
template <class S>
concept Schedule = requires(const S& schedule, std::uint64_t step) {
  { schedule.learning_rate(step) } -> std::convertible_to<double>;
};

/// Sets an optimiser's learning rate, and its momentum where the schedule has one, for the step
/// that comes next. Throws ValueError where the schedule's fields or what it gives make no sense.
///
///     const optim::OneCycle schedule{.max_learning_rate = 1.0, .total_steps = 10000};
///     optim::apply(schedule, optimizer);   // before each optimizer.step(tape)
template <Schedule S, class T>
void apply(const S& schedule, Optimizer<T>& optimizer, std::uint64_t step) {
  optimizer.set_learning_rate(schedule.learning_rate(step));
  if constexpr (requires { schedule.momentum(step); }) {
    optimizer.set_momentum(schedule.momentum(step));
  }
}
/// The same for the number of steps that the optimiser has taken.
template <Schedule S, class T>
void apply(const S& schedule, Optimizer<T>& optimizer) {
  apply(schedule, optimizer, optimizer.steps());
}

/// How a value goes from one milestone to the next.
enum class Annealing { linear, cosine };

/// The same learning rate for every step.
struct Constant {
  double value = 1e-3;

  /// Throws ValueError where it is negative or not finite.
  double learning_rate(std::uint64_t) const {
    return internal::require_option(value, "Constant", "value");
  }
};

/// A learning rate that is multiplied by `factor` every so many steps (PyTorch's StepLR). A step is
/// whatever `every` counts: for a factor of 0.9 in 4 epochs, epochs.
struct StepDecay {
  double initial_learning_rate = 1e-3;
  double factor = 0.9;
  std::uint64_t every = 4;

  /// Throws ValueError where a field is negative or not finite, or `every` 0.
  double learning_rate(std::uint64_t step) const;
};

/// Half a cosine from the largest to the least learning rate, which it keeps from `total_steps` on
/// (PyTorch's CosineAnnealingLR; Loshchilov and Hutter 2017), after a linear rise if wanted.
struct Cosine {
  double max_learning_rate = 1e-3;
  std::uint64_t total_steps = 1;  ///< the rise counts
  double min_learning_rate = 0;
  std::uint64_t warmup_steps = 0;
  double warmup_factor = 0.01;  ///< of the largest learning rate, where the rise starts

  /// Throws ValueError where a field is negative or not finite, or `total_steps` not more than
  /// `warmup_steps`.
  double learning_rate(std::uint64_t step) const;
};

/// The 1-cycle policy (Smith 2018) as MargiPose was trained with it (Nibali et al., section 6.3,
/// and its public code): over T steps, counted here from 1, linear between
///
///     step            1              0.45 T           0.9 T          T
///     learning rate   max / 10       max              max / 10       max / 10000
///     momentum        max_momentum   min_momentum     max_momentum   max_momentum
///
/// Afterwards both stay.
struct OneCycle {
  double max_learning_rate = 1.0;
  std::uint64_t total_steps = 1;
  double max_momentum = 0.9;
  double min_momentum = 0.85;  ///< at the largest learning rate; no more than max_momentum counts

  /// Throws ValueError where a field is negative or not finite, or `total_steps` 0.
  double learning_rate(std::uint64_t step) const;
  /// Throws ValueError as `learning_rate`.
  double momentum(std::uint64_t step) const;

 private:
  double at(std::uint64_t step, const std::array<double, 4>& values) const;
};

/// The 1-cycle policy as PyTorch's OneCycleLR has it, with its fields and defaults: up to
/// max_learning_rate within `pct_start` of the steps while the momentum falls, then both back.
struct TorchOneCycle {
  double max_learning_rate = 1.0;
  std::uint64_t total_steps = 1;
  double pct_start = 0.3;
  Annealing annealing = Annealing::cosine;
  double base_momentum = 0.85;  ///< at the largest learning rate
  double max_momentum = 0.95;
  double div_factor = 25;         ///< the largest learning rate by the first
  double final_div_factor = 1e4;  ///< the first learning rate by the last
  bool three_phase = false;       ///< down as long as up, and only then below the first

  /// Throws ValueError where a field is out of range.
  double learning_rate(std::uint64_t step) const;
  /// Throws ValueError where a field is out of range.
  double momentum(std::uint64_t step) const;

 private:
  static constexpr double smallest = std::numeric_limits<double>::min();

  double at(std::uint64_t step, double first, double peak, double last) const;
};

/// The factor of `reverse_gradient` in domain-adversarial training (Ganin et al. 2016, section
/// 5.2.2): with p from 0 to 1 as the training goes on,
///
///     lambda = max_factor (2 / (1 + exp(-gamma p)) - 1)
///
/// The adversary learns first, the features follow. No Schedule of learning rates: it is asked
/// where the network is.
///
///     const optim::ReversalRamp ramp{.total_steps = 10000};
///     auto domain = discriminator(reverse_gradient(features, ramp.factor(optimizer.steps())));
struct ReversalRamp {
  double max_factor = 1;          ///< lambda far up the ramp; at its end tanh(gamma / 2) of it
  std::uint64_t total_steps = 1;  ///< where p is 1, and stays; those before the rise count
  std::uint64_t first_step = 0;   ///< where the rise starts; the factor is 0 up to there
  double gamma = 10;              ///< steepness

  /// Throws ValueError where a field is negative or not finite, or `total_steps` not more than
  /// `first_step`.
  double factor(std::uint64_t step) const;
};

}  // namespace posekit::inline POSEKIT_ISA::optim

#if POSEKIT_DEFINES_OPTIM

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA::optim {

namespace internal {

/// The value at `time`, between milestones at ascending times; the last value after the last.
template <std::size_t Count>
double between_milestones(double time, const std::array<double, Count>& times,
                          const std::array<double, Count>& values, Annealing annealing) {
  for (std::size_t k = 0; k + 1 < Count; ++k) {
    if (time > times[k + 1]) continue;
    const double length = times[k + 1] - times[k];
    const double part = length > 0 ? std::clamp((time - times[k]) / length, 0.0, 1.0) : 1.0;
    if (annealing == Annealing::linear) return std::lerp(values[k], values[k + 1], part);
    return values[k + 1] +
           (values[k] - values[k + 1]) / 2 * (std::cos(std::numbers::pi * part) + 1);
  }
  return values[Count - 1];
}

inline void require_steps(std::uint64_t steps, const char* function, const char* field) {
  if (steps > 0) return;
  throw ValueError(error_text(function, ": ", field, " is 0, expected at least 1"));
}

}  // namespace internal

POSEKIT_INLINE double StepDecay::learning_rate(std::uint64_t step) const {
  internal::require_option(initial_learning_rate, "StepDecay", "initial_learning_rate");
  internal::require_option(factor, "StepDecay", "factor");
  internal::require_steps(every, "StepDecay", "every");
  return initial_learning_rate * std::pow(factor, static_cast<double>(step / every));
}

POSEKIT_INLINE double Cosine::learning_rate(std::uint64_t step) const {
  internal::require_option(max_learning_rate, "Cosine", "max_learning_rate");
  internal::require_option(min_learning_rate, "Cosine", "min_learning_rate");
  internal::require_option(warmup_factor, "Cosine", "warmup_factor");
  if (total_steps <= warmup_steps) {
    throw ValueError(error_text("Cosine: total_steps is ", total_steps,
                                ", expected more than warmup_steps, ", warmup_steps));
  }
  const auto rise = static_cast<double>(warmup_steps);
  const auto end = static_cast<double>(total_steps);
  const auto time = static_cast<double>(step);
  if (step < warmup_steps) {
    return internal::between_milestones<2>(
        time, {0, rise}, {warmup_factor * max_learning_rate, max_learning_rate}, Annealing::linear);
  }
  return internal::between_milestones<2>(time, {rise, end}, {max_learning_rate, min_learning_rate},
                                         Annealing::cosine);
}

POSEKIT_INLINE double OneCycle::learning_rate(std::uint64_t step) const {
  internal::require_option(max_learning_rate, "OneCycle", "max_learning_rate");
  const double low = max_learning_rate / 10;
  return at(step, {low, max_learning_rate, low, low / 1000});
}

POSEKIT_INLINE double OneCycle::momentum(std::uint64_t step) const {
  internal::require_option(max_momentum, "OneCycle", "max_momentum");
  internal::require_option(min_momentum, "OneCycle", "min_momentum");
  const double low = std::min(max_momentum, min_momentum);
  return at(step, {max_momentum, low, max_momentum, max_momentum});
}

POSEKIT_INLINE double OneCycle::at(std::uint64_t step, const std::array<double, 4>& values) const {
  internal::require_steps(total_steps, "OneCycle", "total_steps");
  const auto end = static_cast<double>(total_steps);
  return internal::between_milestones<4>(
      static_cast<double>(step) + 1, {1, 0.45 * end, 0.9 * end, end}, values, Annealing::linear);
}

POSEKIT_INLINE double TorchOneCycle::learning_rate(std::uint64_t step) const {
  internal::require_option(max_learning_rate, "TorchOneCycle", "max_learning_rate");
  internal::require_option(div_factor, "TorchOneCycle", "div_factor", smallest);
  internal::require_option(final_div_factor, "TorchOneCycle", "final_div_factor", smallest);
  const double first = max_learning_rate / div_factor;
  return at(step, first, max_learning_rate, first / final_div_factor);
}

POSEKIT_INLINE double TorchOneCycle::momentum(std::uint64_t step) const {
  internal::require_option(base_momentum, "TorchOneCycle", "base_momentum");
  internal::require_option(max_momentum, "TorchOneCycle", "max_momentum");
  return at(step, max_momentum, base_momentum, max_momentum);
}

POSEKIT_INLINE double TorchOneCycle::at(std::uint64_t step, double first, double peak,
                                        double last) const {
  internal::require_steps(total_steps, "TorchOneCycle", "total_steps");
  const double highest = three_phase ? 0.5 : 1.0;
  if (!(pct_start >= 0 && pct_start <= highest)) {
    throw ValueError(
        error_text("TorchOneCycle: pct_start is ", pct_start, ", expected 0 to ", highest));
  }
  const auto total = static_cast<double>(total_steps);
  const auto time = static_cast<double>(step);
  const double up = pct_start * total - 1;
  if (!three_phase) {
    return internal::between_milestones<3>(time, {0, up, total - 1}, {first, peak, last},
                                           annealing);
  }
  return internal::between_milestones<4>(time, {0, up, 2 * pct_start * total - 2, total - 1},
                                         {first, peak, first, last}, annealing);
}

POSEKIT_INLINE double ReversalRamp::factor(std::uint64_t step) const {
  internal::require_option(max_factor, "ReversalRamp", "max_factor");
  internal::require_option(gamma, "ReversalRamp", "gamma");
  if (total_steps <= first_step) {
    throw ValueError(error_text("ReversalRamp: total_steps is ", total_steps,
                                ", expected more than first_step, ", first_step));
  }
  if (step <= first_step) return 0;
  const double part = std::min(
      1.0, static_cast<double>(step - first_step) / static_cast<double>(total_steps - first_step));
  // 2 / (1 + exp(-x)) - 1, without the difference.
  return max_factor * std::tanh(gamma * part / 2);
}

}  // namespace posekit::inline POSEKIT_ISA::optim

#endif  // POSEKIT_DEFINES_OPTIM
