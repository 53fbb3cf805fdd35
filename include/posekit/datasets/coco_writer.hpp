#pragma once

// Files in COCO's formats, written: annotations and results.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/datasets/coco.hpp>
#include <posekit/datasets/coco_results.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Writes a file of results, whole or not at all. Throws FileError, and ValueError for numbers that
/// are not finite.
void save_coco_results(const std::filesystem::path& path, const std::vector<CocoResult>& results);

/// Writes a file of annotations, whole or not at all: images, keypoints, boxes, areas and outlines
/// (runs are written uncompressed). Throws as `save_coco_results`.
void save_coco(const std::filesystem::path& path, const CocoDataset& data);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_DATASETS

#include <posekit/core/decimal.hpp>
#include <posekit/core/error.hpp>
#include <posekit/io/file.hpp>
#include <posekit/io/json_string.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// Throws ValueError for what JSON cannot hold.
inline void append_number(std::string& text, double value) {
  if (!std::isfinite(value)) {
    throw ValueError(error_text("a number to be written as JSON is ", value));
  }
  text += shortest_decimal(value);
}

}  // namespace internal

POSEKIT_INLINE void save_coco_results(const std::filesystem::path& path,
                                      const std::vector<CocoResult>& results) {
  std::string text = "[";
  for (const CocoResult& result : results) {
    text += text.size() > 1 ? ",\n" : "\n";
    text += error_text("{\"image_id\":", result.image_id, ",\"category_id\":", result.category_id,
                       ",\"keypoints\":[");
    for (std::size_t k = 0; k < result.keypoints.size(); ++k) {
      for (const double value :
           {result.keypoints[k].x, result.keypoints[k].y, result.keypoints[k].score}) {
        if (text.back() != '[') text += ',';
        internal::append_number(text, value);
      }
    }
    text += "],\"score\":";
    internal::append_number(text, result.score);
    text += '}';
  }
  write_file(path, text + "\n]\n");
}

POSEKIT_INLINE void save_coco(const std::filesystem::path& path, const CocoDataset& data) {
  std::string text = "{\"images\":[";
  const auto separate = [&] { text += text.back() == '[' ? "\n" : ",\n"; };
  const auto append = [&](double value) {
    if (text.back() != '[') text += ',';
    internal::append_number(text, value);
  };
  for (const CocoImage& image : data.images) {
    separate();
    text += error_text("{\"id\":", image.id, ",\"file_name\":");
    text += json_string(image.file_name);
    text += error_text(",\"width\":", image.width, ",\"height\":", image.height, "}");
  }
  text += "],\n\"categories\":[";
  for (const std::int64_t id : data.category_ids) {
    separate();
    text += error_text("{\"id\":", id, ",\"name\":\"", id == 1 ? "person" : "other", "\"}");
  }
  text += "],\n\"annotations\":[";
  for (const CocoAnnotation& annotation : data.annotations) {
    separate();
    text += error_text("{\"id\":", annotation.id, ",\"image_id\":", annotation.image_id,
                       ",\"category_id\":", annotation.category_id,
                       ",\"iscrowd\":", annotation.is_crowd ? 1 : 0,
                       ",\"num_keypoints\":", stated_keypoints(annotation));
    if (annotation.area) {
      text += ",\"area\":";
      internal::append_number(text, *annotation.area);
    }
    text += ",\"bbox\":[";
    for (const double value :
         {annotation.box.x, annotation.box.y, annotation.box.width, annotation.box.height}) {
      append(value);
    }
    text += "],\"keypoints\":[";
    for (const CocoKeypoint& keypoint : annotation.keypoints) {
      append(keypoint.x);
      append(keypoint.y);
      append(keypoint.visibility);
    }
    text += ']';
    if (!annotation.polygons.empty()) {
      text += ",\"segmentation\":[";
      for (const auto& polygon : annotation.polygons) {
        text += text.back() == '[' ? "[" : ",[";
        for (const double value : polygon) append(value);
        text += ']';
      }
      text += ']';
    } else if (!annotation.runs.empty()) {
      text += error_text(",\"segmentation\":{\"size\":[", annotation.runs_height, ",",
                         annotation.runs_width, "],\"counts\":[");
      for (const std::size_t run : annotation.runs) append(static_cast<double>(run));
      text += "]}";
    }
    text += '}';
  }
  write_file(path, text + "\n]}\n");
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_DATASETS
