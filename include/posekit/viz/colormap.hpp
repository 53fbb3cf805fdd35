#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

struct Color {
  std::uint8_t r = 0, g = 0, b = 0;
  friend constexpr bool operator==(const Color&, const Color&) = default;
};

namespace colors {
inline constexpr Color black{0, 0, 0};
inline constexpr Color white{255, 255, 255};
inline constexpr Color ink{34, 38, 46};
inline constexpr Color muted{118, 124, 136};
inline constexpr Color paper{255, 255, 255};
inline constexpr Color rule{222, 225, 230};
// Left, right and centre of a body; told apart in all common kinds of colour blindness.
inline constexpr Color left{0, 158, 224};
inline constexpr Color right{240, 130, 20};
inline constexpr Color centre{150, 110, 200};
inline constexpr Color target{20, 160, 90};
}  // namespace colors

/// t in [0, 1] between two colours.
Color mix(const Color& a, const Color& b, double t);

/// How numbers become colours.
enum class Colormap {
  diverging,   ///< [-1, 1]: blue, white at 0, red
  sequential,  ///< [0, 1]: dark violet over magenta and orange to pale yellow, rising in lightness
  gray,        ///< [0, 1]: black to white
};

/// The colour of a value; values outside the range take the colour of its end, NaN is gray.
Color apply(Colormap map, double value);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_VIZ

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE Color mix(const Color& a, const Color& b, double t) {
  const auto channel = [t](std::uint8_t from, std::uint8_t to) {
    return static_cast<std::uint8_t>(std::lround(from + t * (static_cast<double>(to) - from)));
  };
  return {channel(a.r, b.r), channel(a.g, b.g), channel(a.b, b.b)};
}

POSEKIT_INLINE Color apply(Colormap map, double value) {
  if (std::isnan(value)) return {128, 128, 128};
  const auto interpolate = [](const auto& stops, double t) {
    const double position = std::clamp(t, 0.0, 1.0) * static_cast<double>(stops.size() - 1);
    const auto low = std::min(static_cast<std::size_t>(position), stops.size() - 2);
    return mix(stops[low], stops[low + 1], position - static_cast<double>(low));
  };
  switch (map) {
    case Colormap::diverging: {
      static constexpr std::array<Color, 7> stops{{{10, 50, 120},
                                                   {45, 115, 185},
                                                   {150, 195, 225},
                                                   {248, 248, 248},
                                                   {245, 175, 140},
                                                   {205, 75, 65},
                                                   {115, 10, 30}}};
      return interpolate(stops, 0.5 * (value + 1.0));
    }
    case Colormap::sequential: {
      static constexpr std::array<Color, 7> stops{{{8, 6, 30},
                                                   {60, 15, 110},
                                                   {130, 30, 125},
                                                   {195, 55, 95},
                                                   {240, 105, 55},
                                                   {252, 175, 70},
                                                   {252, 245, 185}}};
      return interpolate(stops, value);
    }
    case Colormap::gray:
      break;
  }
  return mix(colors::black, colors::white, std::clamp(value, 0.0, 1.0));
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_VIZ
