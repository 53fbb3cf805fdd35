// What training/ defines, compiled once.

#define POSEKIT_SOURCE
#define POSEKIT_DEFINES_TRAINING 1
#define POSEKIT_INLINE

#include <posekit/training.hpp>

#define T float
#include "training_templates.inc"
#undef T
#define T double
#include "training_templates.inc"
#undef T
