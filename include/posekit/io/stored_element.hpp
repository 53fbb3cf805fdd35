#pragma once

// Elements of arrays as they stand in files, converted to the type that a program asks for.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>
#include <type_traits>
#include <utility>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

#if POSEKIT_DEFINES_IO

#include <posekit/core/error.hpp>
#include <posekit/core/half.hpp>

namespace posekit::inline POSEKIT_ISA::internal {

/// The element of type Stored that stands at `bytes`, the other way round where `swap`, as T.
/// Throws ValueError where it does not fit; a fraction is cut off.
template <class T, class Stored>
T stored_element(const std::uint8_t* bytes, bool swap) {
  std::uint8_t raw[sizeof(Stored)];
  std::memcpy(raw, bytes, sizeof(Stored));
  if (swap) std::reverse(std::begin(raw), std::end(raw));
  Stored value;
  std::memcpy(&value, raw, sizeof(Stored));
  if constexpr (std::is_integral_v<T> && std::is_floating_point_v<Stored>) {
    // 2^digits is exact in every floating-point type; NaN fails the comparison too.
    const Stored bound = static_cast<Stored>(std::ldexp(1.0, std::numeric_limits<T>::digits));
    const Stored least = std::is_signed_v<T> ? -bound : Stored(0);
    if (!(value >= least && value < bound)) {
      throw ValueError(
          error_text("the element ", value, " does not fit the integer type asked for"));
    }
  }
  if constexpr (std::is_integral_v<T> && std::is_integral_v<Stored>) {
    if (!std::in_range<T>(value)) {
      throw ValueError(
          error_text("the element ", +value, " does not fit the integer type asked for"));
    }
  }
  if constexpr (std::is_floating_point_v<T> && std::is_floating_point_v<Stored> &&
                sizeof(T) < sizeof(Stored)) {
    if (std::isfinite(value) &&
        std::abs(value) > static_cast<Stored>(std::numeric_limits<T>::max())) {
      throw ValueError(error_text("the element ", value, " does not fit the type asked for"));
    }
  }
  return static_cast<T>(value);
}

/// A half-precision number, as T.
template <class T>
T half_element(const std::uint8_t* bytes, bool swap) {
  const float value = half_to_float(stored_element<std::uint16_t, std::uint16_t>(bytes, swap));
  std::uint8_t raw[sizeof(float)];
  std::memcpy(raw, &value, sizeof(float));
  return stored_element<T, float>(raw, false);
}

/// 0 or 1, as T: whatever is not 0 is 1.
template <class T>
T boolean_element(const std::uint8_t* bytes, bool) {
  return static_cast<T>(*bytes != 0);
}

}  // namespace posekit::inline POSEKIT_ISA::internal

#endif  // POSEKIT_DEFINES_IO
