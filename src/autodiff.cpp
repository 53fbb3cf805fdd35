// What autodiff/ defines, compiled once.

#define POSEKIT_SOURCE
#define POSEKIT_DEFINES_AUTODIFF 1
#define POSEKIT_INLINE

#include <posekit/autodiff.hpp>

#define T float
#include "autodiff_templates.inc"
#undef T
#define T double
#include "autodiff_templates.inc"
#undef T
