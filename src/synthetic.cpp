// What synthetic/ defines, compiled once.

#define POSEKIT_SOURCE
#define POSEKIT_DEFINES_SYNTHETIC 1
#define POSEKIT_INLINE

#include <posekit/synthetic.hpp>

#define T float
#include "synthetic_templates.inc"
#undef T
#define T double
#include "synthetic_templates.inc"
#undef T
