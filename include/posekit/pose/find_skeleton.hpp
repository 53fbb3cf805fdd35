#pragma once

// The skeleton that files and users mean.

#include <cstddef>
#include <string>
#include <string_view>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The one of `skeletons` that has this name. Throws ValueError, which lists the names.
const Skeleton& find_skeleton(std::string_view name);

/// The only one of `skeletons` that has as many joints. Throws ValueError, which lists those that
/// have, where it is not the only one.
const Skeleton& find_skeleton(std::size_t joints);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <posekit/core/error.hpp>
#include <posekit/core/listed.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE const Skeleton& find_skeleton(std::string_view name) {
  std::string names;
  for (const Skeleton* skeleton : skeletons::all) {
    if (skeleton->name == name) return *skeleton;
    append_listed(names, skeleton->name);
  }
  throw ValueError(error_text("there is no skeleton '", name, "'; there are ", names));
}

POSEKIT_INLINE const Skeleton& find_skeleton(std::size_t joints) {
  const Skeleton* found = nullptr;
  std::size_t count = 0;
  std::string names;
  for (const Skeleton* skeleton : skeletons::all) {
    if (skeleton->size() != joints) continue;
    found = skeleton;
    ++count;
    append_listed(names, skeleton->name);
  }
  if (count == 1) return *found;
  throw ValueError(
      count == 0 ? error_text("there is no skeleton of ", joints, " joints")
                 : error_text("there are ", count, " skeletons of ", joints, " joints: ", names));
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
