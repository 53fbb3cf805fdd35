#pragma once

// Files of detected people in COCO's results format, and of annotations in its own: written.

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <posekit/core/error.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/data/coco.hpp>
#include <posekit/data/json_file.hpp>
#include <posekit/io/file.hpp>

namespace posekit {

/// A detected keypoint in photo pixels.
struct CocoDetectedKeypoint {
  double x = 0, y = 0;
  double score = 1;  ///< nobody's evaluation looks at it
};

/// A detected person.
struct CocoResult {
  std::int64_t image_id = 0;
  std::int64_t category_id = 1;  ///< 1: a person
  std::vector<CocoDetectedKeypoint> keypoints;
  double score = 0;
};

}  // namespace posekit

namespace posekit::inline POSEKIT_ISA {

namespace internal {

class CocoResultsReader : JsonFile {
 public:
  explicit CocoResultsReader(const std::filesystem::path& path) : JsonFile(path) {
    if (!root().is_array()) fail("holds no JSON array of results");
  }
  std::vector<CocoResult> read() {
    std::vector<CocoResult> results;
    results.reserve(root().size());
    for (const Json& item : root()) {
      const std::string where = error_text("[", results.size(), "]");
      CocoResult result;
      result.image_id = integer(item, "image_id", where);
      result.category_id = integer(item, "category_id", where);
      if (!item.contains("score")) fail(where + " has no 'score'");
      if (!item["score"].is_number() || !std::isfinite(item["score"].get<double>())) {
        fail(where + ".score is no number");
      }
      result.score = item["score"].get<double>();
      if (!item.contains("keypoints")) fail(where + " has no 'keypoints'");
      const auto values = numbers(item["keypoints"], where + ".keypoints");
      if (values.size() % 3 != 0 || values.empty()) {
        fail(error_text(where, ".keypoints has ", values.size(),
                        " numbers, expected triples (x, y, score)"));
      }
      result.keypoints.reserve(values.size() / 3);
      for (std::size_t i = 0; i < values.size(); i += 3) {
        result.keypoints.push_back({values[i], values[i + 1], values[i + 2]});
      }
      results.push_back(std::move(result));
    }
    return results;
  }
};

/// The shortest decimal that reads back as the same number. Throws ValueError for what JSON cannot
/// hold.
inline void append_number(std::string& text, double value) {
  if (!std::isfinite(value)) {
    throw ValueError(error_text("a number to be written as JSON is ", value));
  }
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value);
  text.append(digits, end.ptr);
}

inline void append_quoted(std::string& text, std::string_view content) {
  text += nlohmann::json(std::string(content))
              .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace internal

/// Reads a file of results. Throws FileError naming the file, the entry and the field.
inline std::vector<CocoResult> load_coco_results(const std::filesystem::path& path) {
  return internal::CocoResultsReader(path).read();
}

/// Writes a file of results, whole or not at all. Throws FileError, and ValueError for numbers that
/// are not finite.
inline void save_coco_results(const std::filesystem::path& path,
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

/// Writes a file of annotations, whole or not at all: images, keypoints, boxes, areas and outlines
/// (runs are written uncompressed). Throws as `save_coco_results`.
inline void save_coco(const std::filesystem::path& path, const CocoDataset& data) {
  std::string text = "{\"images\":[";
  const auto separate = [&] { text += text.back() == '[' ? "\n" : ",\n"; };
  const auto append = [&](double value) {
    if (text.back() != '[') text += ',';
    internal::append_number(text, value);
  };
  for (const CocoImage& image : data.images) {
    separate();
    text += error_text("{\"id\":", image.id, ",\"file_name\":");
    internal::append_quoted(text, image.file_name);
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
    std::int64_t labelled = 0;
    for (const CocoKeypoint& keypoint : annotation.keypoints) labelled += keypoint.visibility > 0;
    text += error_text("{\"id\":", annotation.id, ",\"image_id\":", annotation.image_id,
                       ",\"category_id\":", annotation.category_id,
                       ",\"iscrowd\":", annotation.is_crowd ? 1 : 0,
                       ",\"num_keypoints\":", annotation.labelled.value_or(labelled));
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
