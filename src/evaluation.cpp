// What evaluation/ defines, compiled once.

#define POSEKIT_SOURCE
#define POSEKIT_DEFINES_EVALUATION 1
#define POSEKIT_INLINE

#include <posekit/evaluation.hpp>
