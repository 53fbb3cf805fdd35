// What image/ defines, compiled once.

#define POSEKIT_SOURCE
#define POSEKIT_DEFINES_IMAGE 1
#define POSEKIT_INLINE

#include <posekit/image.hpp>

#define T float
#include "image_templates.inc"
#undef T
#define T double
#include "image_templates.inc"
#undef T
