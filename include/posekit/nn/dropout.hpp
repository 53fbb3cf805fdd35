#pragma once

#include <cstdint>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/nn/module.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

/// Drops elements in training. The n-th call with a seed always drops the same, in every layer that
/// has the seed: give each its own, or let `initialize` do so. The number of calls is a buffer, so
/// that training continues where a checkpoint left it.
template <class T>
struct Dropout {
  using value_type = T;
  double probability = 0.5;
  std::uint64_t seed = 0;
  /// [2]: the number of calls modulo 2^20, and over it; in every type exact.
  mutable Buffer<T> calls{zeros<T>({2}), true};
  bool training = true;

  /// Throws ValueError for a probability outside [0, 1).
  explicit Dropout(double probability_ = 0.5, std::uint64_t seed_ = 0);

  /// Throws ValueError where the number of calls is none, as a damaged file may have it.
  Var<T> operator()(const Var<T>& x) const;

  void visit(ModuleVisitor<T>& v);
};

}  // namespace posekit::inline POSEKIT_ISA::nn

#if POSEKIT_DEFINES_NN

#include <posekit/autodiff/dropout.hpp>
#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

template <class T>
Dropout<T>::Dropout(double probability_, std::uint64_t seed_)
    : probability(probability_), seed(seed_) {
  require_probability("Dropout", probability);
}

template <class T>
Var<T> Dropout<T>::operator()(const Var<T>& x) const {
  if (!training) return x;
  constexpr T wheel = 1 << 20;
  T& low = calls.value.data()[0];
  T& high = calls.value.data()[1];
  if (!(low >= 0 && low < wheel && high >= 0 && high < wheel)) {
    throw ValueError(error_text("Dropout: the number of calls is ", low, " + ", high,
                                " x 2^20, expected two numbers from 0 to 2^20"));
  }
  const auto call = static_cast<std::uint64_t>(low) + (static_cast<std::uint64_t>(high) << 20);
  low += T(1);
  if (low == wheel) {
    low = 0;
    high += T(1);
  }
  return dropout(x, probability, CounterRandom(seed).bits(call));
}

template <class T>
void Dropout<T>::visit(ModuleVisitor<T>& v) {
  v.training(training);
  v.seed(seed);
  v("calls", calls);
}

}  // namespace posekit::inline POSEKIT_ISA::nn

#endif  // POSEKIT_DEFINES_NN
