#pragma once

// Files of detected people in COCO's results format.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

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

/// Reads a file of results. Throws FileError naming the file, the entry and the field.
std::vector<CocoResult> load_coco_results(const std::filesystem::path& path);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_DATASETS

#include <posekit/core/error.hpp>
#include <posekit/io/json_file.hpp>

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

}  // namespace internal

POSEKIT_INLINE std::vector<CocoResult> load_coco_results(const std::filesystem::path& path) {
  return internal::CocoResultsReader(path).read();
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_DATASETS
