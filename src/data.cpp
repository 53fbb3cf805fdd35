// What data/ defines, compiled once.

#define POSEKIT_SOURCE
#define POSEKIT_DEFINES_DATA 1
#define POSEKIT_INLINE

#include <posekit/data.hpp>

#define T float
#include "data_templates.inc"
#undef T
#define T double
#include "data_templates.inc"
#undef T
