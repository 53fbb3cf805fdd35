// What datasets/ defines, compiled once.

#define POSEKIT_SOURCE
#define POSEKIT_DEFINES_DATASETS 1
#define POSEKIT_INLINE

#include <posekit/datasets.hpp>
