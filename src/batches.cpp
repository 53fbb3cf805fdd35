// What batches/ defines, compiled once.

#define POSEKIT_SOURCE
#define POSEKIT_DEFINES_BATCHES 1
#define POSEKIT_INLINE

#include <posekit/batches.hpp>

#define T float
#include "batches_templates.inc"
#undef T
#define T double
#include "batches_templates.inc"
#undef T
