#pragma once

// COCO's annotated photos as a data set of two-dimensional poses.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <unordered_map>
#include <utility>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/datasets/annotated_image.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

struct CocoImagesOptions {
  std::size_t min_keypoints = 1;  ///< people with fewer labelled keypoints are left out
};

/// The people of a COCO annotation file, with photos in the folder `photos`. Crowds are left out.
/// Labelled keypoints count, hidden ones too; z is not known. A person without a box gets that of
/// the keypoints. Throws FileError for the annotation file, also for a `file_name` that is absolute
/// or leaves the folder; the photos are not read yet.
AnnotatedImages read_coco_images(const std::filesystem::path& annotations,
                                 const std::filesystem::path& photos,
                                 const Skeleton& skeleton = skeletons::coco_17,
                                 const CocoImagesOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_DATASETS

#include <posekit/core/error.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/datasets/coco.hpp>
#include <posekit/io/folder.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE AnnotatedImages read_coco_images(const std::filesystem::path& annotations,
                                                const std::filesystem::path& photos,
                                                const Skeleton& skeleton,
                                                const CocoImagesOptions& options) {
  const CocoDataset data = load_coco(annotations);
  std::unordered_map<std::int64_t, const CocoImage*> images;
  for (const CocoImage& image : data.images) images.emplace(image.id, &image);
  AnnotatedImages result{&skeleton, {}};
  for (const CocoAnnotation& person : data.annotations) {
    if (person.is_crowd || person.keypoints.empty() ||
        labelled_keypoints(person) < options.min_keypoints) {
      continue;
    }
    if (person.keypoints.size() != skeleton.size()) {
      throw FileError(error_text(data.source, ": annotation ", person.id, " has ",
                                 person.keypoints.size(), " keypoints, the skeleton ",
                                 skeleton.name, " has ", skeleton.size()));
    }
    const auto image = images.find(person.image_id);
    if (image == images.end() || image->second->file_name.empty()) {
      throw FileError(
          error_text(data.source, ": annotation ", person.id, " is of image ", person.image_id,
                     image == images.end() ? ", which is not listed" : ", which has no file_name"));
    }
    if (!stays_inside(image->second->file_name)) {
      throw FileError(error_text(data.source, ": image ", person.image_id, " has the file_name '",
                                 image->second->file_name, "', expected one in the folder of ",
                                 "photos"));
    }
    AnnotatedImage item;
    item.image = photos / image->second->file_name;
    item.width = image->second->width;
    item.height = image->second->height;
    item.joints = make_tensor<float>({skeleton.size(), 3});
    item.visible = make_tensor<float>({skeleton.size()});
    for (std::size_t j = 0; j < skeleton.size(); ++j) {
      const CocoKeypoint& keypoint = person.keypoints[j];
      item.joints(j, 0) = static_cast<float>(keypoint.x);
      item.joints(j, 1) = static_cast<float>(keypoint.y);
      item.joints(j, 2) = std::numeric_limits<float>::quiet_NaN();
      item.visible(j) = keypoint.visibility > 0 ? 1.0f : 0.0f;
    }
    item.box = person.box.width > 0 && person.box.height > 0
                   ? person.box
                   : joints_box(item.joints, item.visible);
    if (!person.polygons.empty() || !person.runs.empty()) item.outline = person;
    item.three_dimensional = false;
    result.images.push_back(std::move(item));
  }
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_DATASETS
