#pragma once

#include <array>

#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Mean and standard deviation of ImageNet's red, green and blue in [0, 1], which networks that
/// were trained on it want subtracted and divided by.
inline constexpr std::array<double, 3> imagenet_mean{0.485, 0.456, 0.406};
inline constexpr std::array<double, 3> imagenet_deviation{0.229, 0.224, 0.225};

}  // namespace posekit::inline POSEKIT_ISA
