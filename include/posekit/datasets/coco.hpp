#pragma once

// COCO's annotation files: people with boxes, keypoints and segmentations.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/image/box.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

struct CocoImage {
  std::int64_t id = 0;
  std::string file_name;
  std::size_t width = 0, height = 0;
};

/// A keypoint in photo pixels. Visibility 0: not labelled, 1: hidden, 2: visible.
struct CocoKeypoint {
  double x = 0, y = 0;
  int visibility = 0;
};

struct CocoAnnotation {
  std::int64_t id = 0;
  std::int64_t image_id = 0;
  std::int64_t category_id = 1;  ///< 1: a person
  Box box;
  std::optional<double> area{};  ///< of the segmentation, in pixels
  bool is_crowd = false;
  std::optional<std::int64_t> labelled{};  ///< how many keypoints the file says are labelled
  std::vector<CocoKeypoint> keypoints;
  /// Outlines as x, y, x, y, ...
  std::vector<std::vector<double>> polygons;
  /// Run lengths down the columns, beginning with background; empty where there are polygons.
  std::vector<std::size_t> runs;
  std::size_t runs_height = 0, runs_width = 0;
};

struct CocoDataset {
  std::string source;
  std::vector<CocoImage> images;
  std::vector<std::int64_t> category_ids;  ///< in the order of the file; empty: it lists none
  std::vector<CocoAnnotation> annotations;
};

/// Reads a COCO annotation file. Throws FileError naming the file, the entry and the field.
CocoDataset load_coco(const std::filesystem::path& path);

/// How many keypoints are labelled, hidden or visible.
std::size_t labelled_keypoints(const CocoAnnotation& annotation);

/// How many keypoints the file says are labelled, or else how many are.
std::int64_t stated_keypoints(const CocoAnnotation& annotation);

/// What an annotation's keypoints are: coco_17 where there are 17, hand_21 where there are 21.
/// Throws ValueError for other numbers, which names the annotation.
const Skeleton& keypoint_skeleton(const CocoAnnotation& annotation);

/// What a data set's keypoints are, by its first annotation: hand_21, or else coco_17.
const Skeleton& keypoint_skeleton(const CocoDataset& data);

/// The annotation with this id. Throws ValueError, which lists the ids.
const CocoAnnotation& find_annotation(const CocoDataset& data, std::int64_t id);

/// The pixels of an annotation's segmentation as a mask [height, width] of 0 and 1: those whose
/// centre lies inside one of its outlines, or its runs. Throws ValueError where it has none, or
/// where the runs belong to an image of another size.
Tensor<std::uint8_t> segmentation_mask(const CocoAnnotation& annotation, std::size_t height,
                                       std::size_t width);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_DATASETS

#include <posekit/core/listed.hpp>
#include <posekit/io/json_file.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

class CocoReader : JsonFile {
 public:
  explicit CocoReader(const std::filesystem::path& path) : JsonFile(path) {
    if (!root().is_object()) fail("holds no JSON object");
  }

  CocoDataset read() {
    CocoDataset data;
    data.source = name();
    for (const auto& item : array(root(), "images", "the file")) {
      const std::string where = error_text("images[", data.images.size(), "]");
      CocoImage image;
      image.id = integer(item, "id", where);
      if (item.contains("file_name") && item["file_name"].is_string()) {
        image.file_name = item["file_name"].get<std::string>();
      }
      image.width = extent(item, "width", where);
      image.height = extent(item, "height", where);
      data.images.push_back(std::move(image));
    }
    if (root().contains("categories")) {
      for (const auto& item : array(root(), "categories", "the file")) {
        data.category_ids.push_back(
            integer(item, "id", error_text("categories[", data.category_ids.size(), "]")));
      }
    }
    for (const auto& item : array(root(), "annotations", "the file")) {
      data.annotations.push_back(
          annotation(item, error_text("annotations[", data.annotations.size(), "]")));
    }
    return data;
  }

 private:
  CocoAnnotation annotation(const Json& item, const std::string& where) const {
    CocoAnnotation result;
    result.id = integer(item, "id", where);
    result.image_id = integer(item, "image_id", where);
    if (item.contains("bbox")) {
      const auto box = numbers(item["bbox"], where + ".bbox");
      if (box.size() != 4)
        fail(error_text(where, ".bbox has ", box.size(), " numbers, expected 4"));
      result.box = {box[0], box[1], box[2], box[3]};
      if (result.box.width < 0 || result.box.height < 0) {
        fail(error_text(where, ".bbox is ", result.box.width, " x ", result.box.height,
                        " pixels, expected no negative extent"));
      }
    }
    if (item.contains("area")) {
      result.area = number(item["area"], where + ".area");
      if (*result.area < 0) {
        fail(error_text(where, ".area is ", *result.area, ", expected no negative area"));
      }
    }
    if (item.contains("category_id")) result.category_id = integer(item, "category_id", where);
    if (item.contains("iscrowd")) {
      const Json& crowd = item["iscrowd"];
      result.is_crowd =
          crowd.is_boolean() ? crowd.get<bool>() : number(crowd, where + ".iscrowd") != 0;
    }
    if (item.contains("num_keypoints")) {
      result.labelled = integer(item, "num_keypoints", where);
    }
    if (item.contains("keypoints")) {
      const auto values = numbers(item["keypoints"], where + ".keypoints");
      if (values.size() % 3 != 0) {
        fail(error_text(where, ".keypoints has ", values.size(),
                        " numbers, expected triples (x, y, v)"));
      }
      for (std::size_t i = 0; i < values.size(); i += 3) {
        if (values[i + 2] != 0 && values[i + 2] != 1 && values[i + 2] != 2) {
          fail(error_text(where, ".keypoints has the visibility ", values[i + 2],
                          ", expected 0, 1 or 2"));
        }
        result.keypoints.push_back({values[i], values[i + 1], static_cast<int>(values[i + 2])});
      }
    }
    if (item.contains("segmentation") && !item["segmentation"].is_null())
      segmentation(item["segmentation"], where + ".segmentation", result);
    return result;
  }

  void segmentation(const Json& value, const std::string& where, CocoAnnotation& result) const {
    if (value.is_array()) {
      for (const Json& polygon : value) {
        result.polygons.push_back(numbers(polygon, where));
        if (result.polygons.back().size() % 2 != 0 || result.polygons.back().size() < 6) {
          fail(error_text(where, " has an outline of ", result.polygons.back().size(),
                          " numbers, expected x, y of at least three points"));
        }
      }
      return;
    }
    if (!value.is_object() || !value.contains("size") || !value.contains("counts")) {
      fail(where + " holds neither outlines nor 'size' and 'counts'");
    }
    const auto size = numbers(value["size"], where + ".size");
    if (size.size() != 2 || size[0] < 0 || size[1] < 0 || size[0] > 1e6 || size[1] > 1e6) {
      fail(where + ".size is impossible, expected [height, width]");
    }
    result.runs_height = static_cast<std::size_t>(size[0]);
    result.runs_width = static_cast<std::size_t>(size[1]);
    if (value["counts"].is_string()) {
      result.runs = compressed_runs(value["counts"].get<std::string>(), where);
    } else {
      for (const double count : numbers(value["counts"], where + ".counts")) {
        if (count < 0 || count > 1e12) fail(error_text(where, ".counts holds ", count));
        result.runs.push_back(static_cast<std::size_t>(count));
      }
    }
    std::size_t left = result.runs_height * result.runs_width;
    for (const std::size_t run : result.runs) {
      if (run > left) {
        fail(error_text(where, ": the runs cover more pixels than its size of ", result.runs_width,
                        " x ", result.runs_height));
      }
      left -= run;
    }
    if (left != 0) {
      fail(error_text(where, ": the runs leave ", left, " pixels of its size of ",
                      result.runs_width, " x ", result.runs_height, " uncovered"));
    }
  }

  /// COCO's text form: each run, from the third on as the difference to the one before the last, in
  /// groups of 5 bits, least significant first, bit 6 where more follow.
  std::vector<std::size_t> compressed_runs(const std::string& text,
                                           const std::string& where) const {
    std::vector<std::size_t> runs;
    for (std::size_t i = 0; i < text.size();) {
      std::int64_t value = 0;
      unsigned shift = 0;
      bool more = true;
      while (more) {
        if (i == text.size() || shift > 50 || text[i] < 48 || text[i] > 111)
          fail(where + ".counts is damaged");
        const auto group = static_cast<std::int64_t>(text[i++] - 48);
        value |= (group & 31) << shift;
        shift += 5;
        more = (group & 32) != 0;
        if (!more && (group & 16) != 0) value -= std::int64_t{1} << shift;
      }
      if (runs.size() > 2) value += static_cast<std::int64_t>(runs[runs.size() - 2]);
      if (value < 0 || value > 1000000000000) fail(where + ".counts is damaged");
      runs.push_back(static_cast<std::size_t>(value));
    }
    return runs;
  }
};

}  // namespace internal

POSEKIT_INLINE CocoDataset load_coco(const std::filesystem::path& path) {
  return internal::CocoReader(path).read();
}

POSEKIT_INLINE std::size_t labelled_keypoints(const CocoAnnotation& annotation) {
  return static_cast<std::size_t>(
      std::count_if(annotation.keypoints.begin(), annotation.keypoints.end(),
                    [](const CocoKeypoint& keypoint) { return keypoint.visibility > 0; }));
}

POSEKIT_INLINE std::int64_t stated_keypoints(const CocoAnnotation& annotation) {
  return annotation.labelled.value_or(static_cast<std::int64_t>(labelled_keypoints(annotation)));
}

POSEKIT_INLINE const Skeleton& keypoint_skeleton(const CocoAnnotation& annotation) {
  const std::size_t count = annotation.keypoints.size();
  for (const Skeleton* skeleton : {&skeletons::coco_17, &skeletons::hand_21}) {
    if (count == skeleton->size()) return *skeleton;
  }
  throw ValueError(error_text("annotation ", annotation.id, " has ", count,
                              " keypoints, expected 17 (people) or 21 (hands)"));
}

POSEKIT_INLINE const Skeleton& keypoint_skeleton(const CocoDataset& data) {
  const bool hands = !data.annotations.empty() &&
                     data.annotations[0].keypoints.size() == skeletons::hand_21.size();
  return hands ? skeletons::hand_21 : skeletons::coco_17;
}

POSEKIT_INLINE const CocoAnnotation& find_annotation(const CocoDataset& data, std::int64_t id) {
  std::string ids;
  for (const CocoAnnotation& annotation : data.annotations) {
    if (annotation.id == id) return annotation;
    if (ids.size() < 200) append_listed(ids, std::to_string(annotation.id));
  }
  throw ValueError(
      error_text(data.source, ": there is no annotation with id ", id, "; there are ", ids));
}

POSEKIT_INLINE Tensor<std::uint8_t> segmentation_mask(const CocoAnnotation& annotation,
                                                      std::size_t height, std::size_t width) {
  Tensor<std::uint8_t> mask = zeros<std::uint8_t>({height, width});
  if (!annotation.runs.empty()) {
    if (annotation.runs_height != height || annotation.runs_width != width) {
      throw ValueError(error_text("segmentation_mask: annotation ", annotation.id,
                                  " is of an image of ", annotation.runs_width, " x ",
                                  annotation.runs_height, ", not ", width, " x ", height));
    }
    std::size_t at = 0;
    for (std::size_t i = 0; i < annotation.runs.size(); ++i) {
      for (std::size_t k = 0; k < annotation.runs[i]; ++k, ++at) {
        if (i % 2 == 1) mask.data()[at % height * width + at / height] = 1;
      }
    }
    return mask;
  }
  if (annotation.polygons.empty()) {
    throw ValueError(
        error_text("segmentation_mask: annotation ", annotation.id, " has no segmentation"));
  }
  std::vector<double> crossings;
  for (const std::vector<double>& polygon : annotation.polygons) {
    for (std::size_t y = 0; y < height; ++y) {
      const double line = static_cast<double>(y) + 0.5;
      crossings.clear();
      const std::size_t points = polygon.size() / 2;
      for (std::size_t i = 0; i < points; ++i) {
        const std::size_t k = (i + 1) % points;
        const double y0 = polygon[2 * i + 1], y1 = polygon[2 * k + 1];
        if ((y0 <= line) == (y1 <= line)) continue;
        crossings.push_back(polygon[2 * i] +
                            (line - y0) / (y1 - y0) * (polygon[2 * k] - polygon[2 * i]));
      }
      std::sort(crossings.begin(), crossings.end());
      for (std::size_t i = 0; i + 1 < crossings.size(); i += 2) {
        // Centres x + 1/2 in [crossing, next crossing).
        const double limit = static_cast<double>(width);
        const auto begin =
            static_cast<std::size_t>(std::clamp(std::ceil(crossings[i] - 0.5), 0.0, limit));
        const auto end =
            static_cast<std::size_t>(std::clamp(std::ceil(crossings[i + 1] - 0.5), 0.0, limit));
        for (std::size_t x = begin; x < end; ++x) mask.data()[y * width + x] = 1;
      }
    }
  }
  return mask;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_DATASETS
