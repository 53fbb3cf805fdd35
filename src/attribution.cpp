// What attribution/ defines, compiled once.

#define POSEKIT_SOURCE
#define POSEKIT_DEFINES_ATTRIBUTION 1
#define POSEKIT_INLINE

#include <posekit/attribution.hpp>

#define T float
#include "attribution_templates.inc"
#undef T
#define T double
#include "attribution_templates.inc"
#undef T
