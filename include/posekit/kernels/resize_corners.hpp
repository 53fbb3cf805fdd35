#pragma once

#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Which input coordinate an output pixel stands on, with scale = in / out.
enum class ResizeCorners {
  half_pixel,     ///< (out + 1/2) scale - 1/2: the images' edges coincide
  align_corners,  ///< out (in - 1) / (out_extent - 1): the corner pixels' centres coincide
  asymmetric,     ///< out scale: the first pixels' centres coincide (TensorFlow 1's default)
};

}  // namespace posekit::inline POSEKIT_ISA
