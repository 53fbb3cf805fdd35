#pragma once

// Which joints are a torso, and what is known about the plane through them.

#include <cstdint>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The fifth point of a torso, beside shoulders and hips.
enum class TorsoPelvis {
  joint,    ///< the skeleton's joint `pelvis`, which in motion capture is not between the hips
  mid_hip,  ///< the middle of both hips
};

/// Whether a frame has a torso plane, and a front.
enum class TorsoStatus : std::uint8_t {
  ok,
  not_finite,  ///< one of the five points is NaN or infinite
  /// The five points do not decide on a plane: they are one point, on a line, or spread as far in
  /// all directions across it. The two smaller singular values differ by less than 1e-6 of the
  /// largest, or than 8 roundings of the largest coordinate.
  degenerate,
  /// There is a plane, but nothing says which side is the front: where left and right, or hips and
  /// shoulders, are at the same place, or apart in the same direction or across the plane (to
  /// 1e-6).
  ambiguous,
};

const char* to_string(TorsoStatus status);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <posekit/core/error.hpp>
#include <posekit/core/listed.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/kernels/principal_axes.hpp>
#include <posekit/pose/skeletons.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE const char* to_string(TorsoStatus status) {
  constexpr const char* names[] = {"ok", "not_finite", "degenerate", "ambiguous"};
  return names[static_cast<std::size_t>(status)];
}

namespace internal {

/// A torso's joints in poses.
struct TorsoJoints {
  std::array<std::size_t, 4> corners{};  ///< left and right shoulder, left and right hip
  std::optional<std::size_t> pelvis{};   ///< none: the middle of both hips
};

/// Where joints are in a skeleton. Throws ValueError naming all that it lacks.
inline std::vector<std::size_t> joint_indices(const char* function, const Skeleton& skeleton,
                                              std::span<const std::string_view> joints) {
  std::vector<std::size_t> result;
  std::string missing;
  for (const std::string_view joint : joints) {
    if (const auto found = skeleton.find(joint)) {
      result.push_back(*found);
    } else {
      append_listed(missing, joint);
    }
  }
  if (!missing.empty()) {
    throw ValueError(error_text(function, ": the skeleton ", skeleton.name, " lacks ", missing));
  }
  return result;
}

/// A torso's joints and `others`, which are in the second part of the result.
inline std::pair<TorsoJoints, std::vector<std::size_t>> torso_joints(
    const char* function, const Skeleton& skeleton, TorsoPelvis pelvis,
    std::span<const std::string_view> others = {}) {
  std::vector<std::string_view> names{"left_shoulder", "right_shoulder", "left_hip", "right_hip"};
  if (pelvis == TorsoPelvis::joint) names.push_back("pelvis");
  const auto own = static_cast<std::ptrdiff_t>(names.size());
  names.insert(names.end(), others.begin(), others.end());
  const std::vector<std::size_t> found = joint_indices(function, skeleton, names);
  TorsoJoints torso;
  std::copy_n(found.begin(), 4, torso.corners.begin());
  if (pelvis == TorsoPelvis::joint) torso.pelvis = found[4];
  return {torso, {found.begin() + own, found.end()}};
}

/// A torso plane in double, and what it follows from.
struct TorsoFit {
  TorsoStatus status = TorsoStatus::not_finite;
  std::array<double, 3> normal{}, centre{};
  std::array<double, 3> singular{};                 ///< of the centred points, descending
  std::array<std::array<double, 3>, 2> in_plane{};  ///< the directions of the first two
  double height = 0;  ///< from hip to shoulder, the mean of both sides
};

/// As many torsos as two batches have lanes.
struct TorsoBlock {
  using Arch = simd::DefaultArch;
  static constexpr std::size_t sets = 2, batch = simd::lanes<double, Arch>, lanes = sets * batch;
  using Lane = std::array<double, lanes>;

  alignas(64) std::array<std::array<Lane, 3>, 5> points{};
  alignas(64) std::array<Lane, 3> normal, centre, singular;
  alignas(64) std::array<std::array<Lane, 3>, 2> in_plane;
  alignas(64) Lane height;
  std::array<TorsoStatus, lanes> status;

  TorsoFit fit(std::size_t lane) const {
    TorsoFit one;
    one.status = status[lane];
    for (std::size_t a = 0; a < 3; ++a) {
      one.normal[a] = normal[a][lane];
      one.centre[a] = centre[a][lane];
      one.singular[a] = singular[a][lane];
      for (std::size_t k = 0; k < 2; ++k) one.in_plane[k][a] = in_plane[k][a][lane];
    }
    one.height = height[lane];
    return one;
  }
};

/// What follows from `points`, whose coordinates are known to `precision` of the largest.
POSEKIT_INLINE void fit_torso_block(TorsoBlock& block, double precision) {
  using Arch = TorsoBlock::Arch;
  using B = simd::Batch<double, Arch>;
  std::array<kernels::CentredPoints<5, Arch>, TorsoBlock::sets> all_centred;
  std::array<std::array<kernels::Point<Arch>, 5>, TorsoBlock::sets> all_offsets;
  for (std::size_t s = 0; s < TorsoBlock::sets; ++s) {
    std::array<kernels::Point<Arch>, 5> points;
    for (std::size_t i = 0; i < 5; ++i) {
      for (std::size_t a = 0; a < 3; ++a) {
        points[i][a] = simd::load<double, Arch>(block.points[i][a].data() + s * TorsoBlock::batch);
      }
    }
    all_centred[s] = kernels::centre_points<5, Arch>(points);
    all_offsets[s] = all_centred[s].offsets;
  }
  const auto all_axes = kernels::principal_axes<5, Arch, TorsoBlock::sets>(all_offsets);
  const auto length = [](const kernels::Point<Arch>& v) {
    return xsimd::sqrt(kernels::dot<Arch>(v, v));
  };
  for (std::size_t s = 0; s < TorsoBlock::sets; ++s) {
    const auto& centred = all_centred[s];
    const auto& axes = all_axes[s];
    const auto at = [&](std::size_t i, std::size_t a) { return centred.offsets[i][a]; };
    // Left minus right, shoulders minus hips.
    kernels::Point<Arch> across, up, left_side, right_side;
    for (std::size_t a = 0; a < 3; ++a) {
      across[a] = (at(0, a) + at(2, a)) - (at(1, a) + at(3, a));
      up[a] = (at(0, a) + at(1, a)) - (at(2, a) + at(3, a));
      left_side[a] = at(0, a) - at(2, a);
      right_side[a] = at(1, a) - at(3, a);
    }
    const B front = kernels::dot<Arch>(axes.axes[2], kernels::cross<Arch>(across, up));
    const auto store = [&](TorsoBlock::Lane& lane, const B& value) {
      simd::store<double, Arch>(lane.data() + s * TorsoBlock::batch, value);
    };
    for (std::size_t a = 0; a < 3; ++a) {
      const B normal = axes.axes[2][a];
      store(block.normal[a], xsimd::select(front < B(0.0), -normal, normal));
      store(block.centre[a], centred.centre[a]);
      store(block.singular[a], axes.singular[a] * centred.size);
      for (std::size_t k = 0; k < 2; ++k) store(block.in_plane[k][a], axes.axes[k][a]);
    }
    store(block.height, (length(left_side) + length(right_side)) * B(0.5) * centred.size);
    constexpr double tolerance = 1e-6;
    const B gap = axes.singular[1] - axes.singular[2];
    const auto is_plane = gap > B(tolerance) * axes.singular[0] &&
                          gap * centred.size > B(8 * precision) * centred.reach;
    const auto has_front = xsimd::abs(front) > B(tolerance) * length(across) * length(up);
    const auto is_finite = centred.size == centred.size;
    const auto bits = [](const auto& mask) { return simd::to_bits<double, Arch>(mask); };
    const std::uint32_t finite = bits(is_finite), plane = bits(is_plane), facing = bits(has_front);
    for (std::size_t lane = 0; lane < TorsoBlock::batch; ++lane) {
      const auto holds = [&](std::uint32_t mask) { return ((mask >> lane) & 1u) != 0; };
      block.status[s * TorsoBlock::batch + lane] = !holds(finite)   ? TorsoStatus::not_finite
                                                   : !holds(plane)  ? TorsoStatus::degenerate
                                                   : !holds(facing) ? TorsoStatus::ambiguous
                                                                    : TorsoStatus::ok;
    }
  }
}

/// The five points of a pose [J, 3], as put(point, axis, coordinate).
template <class T, class Put>
void for_each_torso_coordinate(const T* pose, const TorsoJoints& joints, const Put& put) {
  for (std::size_t a = 0; a < 3; ++a) {
    const auto at = [&](std::size_t joint) { return static_cast<double>(pose[joint * 3 + a]); };
    for (std::size_t i = 0; i < 4; ++i) put(i, a, at(joints.corners[i]));
    put(4, a,
        joints.pelvis ? at(*joints.pelvis)
                      : at(joints.corners[2]) * 0.5 + at(joints.corners[3]) * 0.5);
  }
}

/// Calls visit(frame, TorsoFit) for each of the poses [frames, joint_count, 3], on several threads.
template <class T, class Visit>
void fit_torsos(const T* poses, std::size_t frames, std::size_t joint_count,
                const TorsoJoints& joints, int threads, const Visit& visit) {
  constexpr std::size_t lanes = TorsoBlock::lanes;
  const std::size_t blocks = frames / lanes + (frames % lanes != 0 ? 1 : 0);
  parallel_ranges(
      blocks, threads_for(64 * frames, threads), [&](std::size_t begin, std::size_t end, int) {
        TorsoBlock block;
        for (std::size_t b = begin; b < end; ++b) {
          const std::size_t first = b * lanes, count = std::min(lanes, frames - first);
          for (std::size_t lane = 0; lane < count; ++lane) {
            for_each_torso_coordinate(poses + (first + lane) * joint_count * 3, joints,
                                      [&](std::size_t point, std::size_t axis, double coordinate) {
                                        block.points[point][axis][lane] = coordinate;
                                      });
          }
          fit_torso_block(block, std::numeric_limits<T>::epsilon());
          for (std::size_t lane = 0; lane < count; ++lane) {
            visit(first + lane, block.fit(lane));
          }
        }
      });
}

}  // namespace internal

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
