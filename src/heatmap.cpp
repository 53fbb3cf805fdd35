// What heatmap/ defines, compiled once.

#define POSEKIT_SOURCE
#define POSEKIT_DEFINES_HEATMAP 1
#define POSEKIT_INLINE

#include <posekit/heatmap.hpp>

#define T float
#include "heatmap_templates.inc"
#undef T
#define T double
#include "heatmap_templates.inc"
#undef T
