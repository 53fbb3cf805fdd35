// What synthetic/ defines, compiled once.

#define POSEKIT_SOURCE
#define POSEKIT_DEFINES_SYNTHETIC 1
#define POSEKIT_INLINE

#include <posekit/synthetic.hpp>
