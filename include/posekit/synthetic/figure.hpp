#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/synthetic/limb_renderer.hpp>
#include <posekit/synthetic/procedural_texture.hpp>

namespace posekit::inline POSEKIT_ISA {

/// A body as limbs in camera space. Of fixed size, so that nothing is allocated for it.
struct Figure {
  static constexpr std::size_t capacity = 64;

  std::array<Limb, capacity> parts{};
  std::size_t count = 0;
  std::array<Texture, 12> textures{};
  /// Of each joint, how deep below the body's surface it lies, mm.
  std::array<float, 21> joint_radius{};

  void add(const Limb& limb);
  /// Leaves out what reaches behind the camera, which cannot be drawn.
  void leave_out_behind_camera();
  std::span<const Limb> limbs() const { return {parts.data(), count}; }
};

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_SYNTHETIC

#include <posekit/core/error.hpp>
#include <posekit/core/linear_algebra.hpp>

namespace posekit::inline POSEKIT_ISA::internal {

/// Unit vectors of a part of the body: to its left, up, and to its front.
struct BodyAxes {
  Eigen::Vector3f left, up, front;
};

/// v / |v|, or something else where v has no direction.
Eigen::Vector3f unit_or(const Eigen::Vector3f& v, const Eigen::Vector3f& otherwise);

/// `left` is kept, `up` is made perpendicular to it.
BodyAxes body_axes(const Eigen::Vector3f& left, const Eigen::Vector3f& up);

}  // namespace posekit::inline POSEKIT_ISA::internal

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE void Figure::add(const Limb& limb) {
  if (count == capacity) {
    throw ValueError(error_text("Figure: has ", capacity, " limbs already"));
  }
  parts[count++] = limb;
}

POSEKIT_INLINE void Figure::leave_out_behind_camera() {
  const auto behind = [](const Limb& limb) {
    return !(limb.from[2] > 1.1f * limb.from_radius && limb.to[2] > 1.1f * limb.to_radius);
  };
  const auto end =
      std::remove_if(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(count), behind);
  count = static_cast<std::size_t>(end - parts.begin());
}

namespace internal {

POSEKIT_INLINE Eigen::Vector3f unit_or(const Eigen::Vector3f& v, const Eigen::Vector3f& otherwise) {
  const float norm = v.norm();
  return norm > 1e-4f ? Eigen::Vector3f(v / norm) : otherwise;
}

POSEKIT_INLINE BodyAxes body_axes(const Eigen::Vector3f& left, const Eigen::Vector3f& up) {
  BodyAxes axes;
  axes.left = unit_or(left, Eigen::Vector3f::UnitX());
  axes.front = unit_or(axes.left.cross(up), axes.left.unitOrthogonal());
  axes.up = axes.front.cross(axes.left);
  return axes;
}

}  // namespace internal

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_SYNTHETIC
