#pragma once

#include <cstddef>
#include <functional>

#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// How far a long computation has come.
struct Progress {
  std::size_t done = 0;
  std::size_t total = 0;
};

/// Called after each unit of work, never from two threads at once. Returning false stops the
/// computation, which then throws Cancelled.
using ProgressCallback = std::function<bool(const Progress&)>;

}  // namespace posekit::inline POSEKIT_ISA
