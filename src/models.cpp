// What models/ defines, compiled once.

#define POSEKIT_SOURCE
#define POSEKIT_DEFINES_MODELS 1
#define POSEKIT_INLINE

#include <posekit/models.hpp>

#define T float
#include "models_templates.inc"
#undef T
#define T double
#include "models_templates.inc"
#undef T
