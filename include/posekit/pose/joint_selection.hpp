#pragma once

#include <cstddef>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Positions of some of a pose's joints: [N, J, D] -> [N, K, D]. Throws ShapeError, and ValueError
/// for a joint that there is not.
template <class T>
Var<T> select_joints(const Var<T>& pose, const std::vector<std::size_t>& joints);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <cstdint>

#include <posekit/autodiff/shaping.hpp>
#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
Var<T> select_joints(const Var<T>& pose, const std::vector<std::size_t>& joints) {
  if (pose.dimension() != 3) {
    throw ShapeError(error_text("select_joints: pose has shape ", to_string(pose.shape()),
                                ", expected rank 3 [N, J, D]"));
  }
  const std::size_t batch = pose.shape()[0];
  Tensor<std::int64_t> indices = make_tensor<std::int64_t>({batch, joints.size(), 2});
  for (std::size_t n = 0; n < batch; ++n) {
    for (std::size_t k = 0; k < joints.size(); ++k) {
      indices(n, k, 0) = static_cast<std::int64_t>(n);
      indices(n, k, 1) = static_cast<std::int64_t>(joints[k]);
    }
  }
  return gather_nd(pose, indices);
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
