// What pose/ defines, compiled once.

#define POSEKIT_SOURCE
#define POSEKIT_DEFINES_POSE 1
#define POSEKIT_INLINE

#include <posekit/pose.hpp>

#define T float
#include "pose_templates.inc"
#undef T
#define T double
#include "pose_templates.inc"
#undef T
