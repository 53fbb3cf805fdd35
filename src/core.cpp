// What core/ defines, compiled once.

#define POSEKIT_SOURCE
#define POSEKIT_DEFINES_CORE 1
#define POSEKIT_INLINE

#include <posekit/core.hpp>

#define T float
#include "core_templates.inc"
#undef T
#define T double
#include "core_templates.inc"
#undef T
