// What optim/ defines, compiled once.

#define POSEKIT_SOURCE
#define POSEKIT_DEFINES_OPTIM 1
#define POSEKIT_INLINE

#include <posekit/optim.hpp>

#define T float
#include "optim_templates.inc"
#undef T
#define T double
#include "optim_templates.inc"
#undef T
