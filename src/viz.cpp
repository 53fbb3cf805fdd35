// What viz/ defines, compiled once.

#define POSEKIT_SOURCE
#define POSEKIT_DEFINES_VIZ 1
#define POSEKIT_INLINE

#include <posekit/viz.hpp>

#define T float
#include "viz_templates.inc"
#undef T
#define T double
#include "viz_templates.inc"
#undef T
