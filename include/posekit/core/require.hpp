#pragma once

// Options that make no sense, refused in one sentence.

#include <cmath>
#include <limits>

#include <posekit/core/error.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Throws ValueError, which names the function and the option, unless `value` is a number from
/// `low` to `high`.
inline void require_between(const char* function, const char* option, double value, double low,
                            double high) {
  if (value >= low && value <= high) return;
  throw ValueError(error_text(function, ": ", option, " is ", value, ", expected a number from ",
                              low, " to ", high));
}

/// Throws ValueError unless `value` is a number and not infinite.
inline void require_finite_number(const char* function, const char* option, double value) {
  if (std::isfinite(value)) return;
  throw ValueError(error_text(function, ": ", option, " is ", value, ", expected a finite number"));
}

/// Throws ValueError unless `value` is a finite number of at least 0, or, where not even 0 makes
/// sense, more than 0.
inline void require_positive(const char* function, const char* option, double value,
                             bool or_zero = false) {
  if (std::isfinite(value) && (value > 0 || (or_zero && value == 0))) return;
  throw ValueError(error_text(function, ": ", option, " is ", value, ", expected ",
                              or_zero ? "0 or " : "", "a positive number"));
}

}  // namespace posekit::inline POSEKIT_ISA
