// What io/ defines, compiled once.

#define POSEKIT_SOURCE
#define POSEKIT_DEFINES_IO 1
#define POSEKIT_INLINE

#include <posekit/io.hpp>

#define T float
#include "io_templates.inc"
#undef T
#define T double
#include "io_templates.inc"
#undef T
