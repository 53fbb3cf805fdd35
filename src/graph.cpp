// What graph/ defines, compiled once.

#define POSEKIT_SOURCE
#define POSEKIT_DEFINES_GRAPH 1
#define POSEKIT_INLINE

#include <posekit/graph.hpp>

#define T float
#include "graph_templates.inc"
#undef T
#define T double
#include "graph_templates.inc"
#undef T
