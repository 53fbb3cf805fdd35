#pragma once

#include <cstdint>

#include <posekit/autodiff/dropout.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/nn/module.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

/// Drops elements in training. The n-th call with a seed always drops the same; the number of calls
/// is a buffer, so that training continues where a checkpoint left it.
template <class T>
struct Dropout {
  using value_type = T;
  double probability = 0.5;
  std::uint64_t seed = 0;
  Buffer<T> calls{zeros<T>({}), true};
  bool training = true;

  explicit Dropout(double probability_ = 0.5, std::uint64_t seed_ = 0)
      : probability(probability_), seed(seed_) {}

  Var<T> operator()(const Var<T>& x) {
    if (!training) return x;
    const auto call = static_cast<std::uint64_t>(calls.value.data()[0]);
    calls.value.data()[0] += T(1);
    return dropout(x, probability, CounterRandom(seed).bits(call));
  }

  void visit(ModuleVisitor<T>& v) {
    v.training(training);
    v("calls", calls);
  }
};

}  // namespace posekit::inline POSEKIT_ISA::nn
