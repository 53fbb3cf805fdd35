// What autodiff/ defines, compiled once.

#define POSEKIT_SOURCE
#define POSEKIT_DEFINES_AUTODIFF 1
#define POSEKIT_INLINE

#include <posekit/autodiff.hpp>

#define T float
#include "autodiff_templates.inc"
#undef T
#define T double
#include "autodiff_templates.inc"
#undef T

// Integers flow through imported networks too.
namespace posekit::inline POSEKIT_ISA::internal {
template void copy_runs<std::int64_t>(std::size_t rows, std::size_t run, const std::int64_t* from,
                                      std::size_t from_stride, std::int64_t* to,
                                      std::size_t to_stride, bool accumulate);
}  // namespace posekit::inline POSEKIT_ISA::internal
