#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Throws ValueError, which names the function, for a probability outside [0, 1).
void require_probability(const char* function, double probability);

/// x with each element replaced by 0 with the given probability, the others divided by
/// 1 - probability. What is dropped is a function of (seed, element). Throws ValueError for a
/// probability outside [0, 1).
template <class T>
Var<T> dropout(const Var<T>& x, double probability, std::uint64_t seed);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/core/random.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE void require_probability(const char* function, double probability) {
  if (probability >= 0 && probability < 1) return;
  throw ValueError(
      error_text(function, ": probability is ", probability, ", expected one in [0, 1)"));
}

template <class T>
Var<T> dropout(const Var<T>& x, double probability, std::uint64_t seed) {
  require_probability("dropout", probability);
  const CounterRandom random(seed);
  Tensor<T> factor = x.tape().pool().take(x.shape());
  const T kept = static_cast<T>(1.0 / (1.0 - probability));
  for (std::size_t i = 0; i < factor.size(); ++i)
    factor.data()[i] = random.uniform(i) < probability ? T(0) : kept;
  return x * x.tape().constant(std::move(factor));
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_AUTODIFF
