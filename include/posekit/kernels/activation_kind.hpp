#pragma once

#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// What follows a layer's bias.
enum class Activation {
  none,
  relu,     ///< max(x, 0); derivative 1 on (0, inf)
  relu6,    ///< min(max(x, 0), 6); derivative 1 on (0, 6]
  prelu,    ///< x for x > 0, slope * x otherwise, one slope per channel
  sigmoid,  ///< 1 / (1 + exp(-x))
};

}  // namespace posekit::inline POSEKIT_ISA
