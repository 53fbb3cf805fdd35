#pragma once

#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// How two heatmaps differ.
enum class Divergence {
  kl,  ///< Kullback-Leibler: sum p log(p / q)
  js,  ///< Jensen-Shannon: (KL(p, m) + KL(q, m)) / 2 with m = (p + q) / 2; at most log 2
};

}  // namespace posekit::inline POSEKIT_ISA
