// What nn/ defines, compiled once.

#define POSEKIT_SOURCE
#define POSEKIT_DEFINES_NN 1
#define POSEKIT_INLINE

#include <posekit/nn.hpp>

#define T float
#include "nn_templates.inc"
#undef T
#define T double
#include "nn_templates.inc"
#undef T
