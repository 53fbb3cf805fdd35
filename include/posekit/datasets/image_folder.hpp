#pragma once

// A data set as a folder: pictures, and one file that says what is in them.

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/datasets/annotated_image.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Reads a folder's `annotations.json`:
///
///   {"skeleton": "human36m_17",                  one of `skeletons`, by name
///    "examples": [
///     {"image": "images/0001.jpg",               PNG or JPEG, from the folder on
///      "joints": [[x, y, z], ...],               pixels, as PoseExample's, or [x, y] each
///      "visible": [1, 1, 0, ...],                default: where x and y are known
///      "mask": "masks/0001.png",                 white on the person; default: none
///      "box": [x, y, width, height],             default: around the visible joints
///      "positions": [[X, Y, Z], ...],            camera space, millimetres
///      "camera": {"fx": f, "fy": f, "cx": x, "cy": y},  and "radial" (3), "tangential" (2) and
///                                                "distortion" ("human36m" or "opencv")
///      "root_depth": Zr}                         default: Z of the skeleton's root
///     ]}
///
/// null stands for a number that is not known. Where there are positions, there has to be a camera,
/// and joints or their z may be left out: they are projected. Examples with neither z nor positions
/// are two-dimensional.
///
/// Throws FileError naming the file, the entry and the field; the pictures are not read yet, and
/// what is wrong with them is told by `load_pose_example`:
///
///   const auto data = read_image_folder("people");
///   const auto load = [&](std::size_t i, std::uint64_t epoch) {
///     return augmented_crop(load_pose_example(data.images[i]), data.images[i].box, *data.skeleton,
///                           draw_augmentation(augmentation, epoch, i), {.size = 128});
///   };
///   const auto join = [](std::span<const PoseExample> examples,
///                        std::span<const std::size_t> indices) {
///     return pose_batch<float>(examples, {}, indices);
///   };
///   BatchLoader loader(data.images.size(), load, join, {.batch_size = 16},
///                      {.workers = 3, .on_error = OnError::skip});
AnnotatedImages read_image_folder(const std::filesystem::path& folder);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_DATASETS

#include <posekit/batches/pose_batch.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/image/crop.hpp>
#include <posekit/io/folder.hpp>
#include <posekit/io/json_file.hpp>
#include <posekit/pose/camera.hpp>
#include <posekit/pose/find_skeleton.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

class ImageFolderReader : JsonFile {
 public:
  explicit ImageFolderReader(const std::filesystem::path& folder)
      : JsonFile(folder / "annotations.json"), folder_(folder) {
    if (!root().is_object()) fail("holds no JSON object");
  }

  AnnotatedImages read() {
    result_.skeleton = skeleton();
    for (const Json& item : array(root(), "examples", "the file")) {
      const std::string where = error_text("examples[", result_.images.size(), "]");
      if (!item.is_object()) fail(where + " is no object");
      result_.images.push_back(example(item, where));
    }
    return std::move(result_);
  }

 private:
  const Skeleton* skeleton() const {
    const std::string wanted = text(root(), "skeleton", "the file");
    try {
      return &find_skeleton(wanted);
    } catch (const ValueError& error) {
      fail(error.what());
    }
  }

  /// null stands for what is not known.
  float value_or_nan(const Json& value, const std::string& where) const {
    if (value.is_null()) return std::numeric_limits<float>::quiet_NaN();
    return static_cast<float>(number(value, where));
  }

  /// A point of 2 or 3 numbers for each joint, as [J, 3]; a third that is not there is NaN.
  Tensor<float> points(const Json& value, std::size_t least, const std::string& where) const {
    const std::size_t count = result_.skeleton->size();
    if (!value.is_array() || value.size() != count) {
      fail(error_text(where, " has ", value.is_array() ? value.size() : 0, " points, the skeleton ",
                      result_.skeleton->name, " has ", count, " joints"));
    }
    Tensor<float> result = make_tensor<float>({count, 3});
    for (std::size_t j = 0; j < count; ++j) {
      const std::string point = error_text(where, "[", j, "]");
      const std::size_t axes = value[0].size();
      if (!value[j].is_array() || axes < least || axes > 3 || value[j].size() != axes) {
        fail(error_text(point, " has ", value[j].is_array() ? value[j].size() : 0,
                        " numbers, expected ", least == 3 ? "3" : "2 or 3, as the others"));
      }
      for (std::size_t a = 0; a < 3; ++a) {
        result(j, a) =
            a < axes ? value_or_nan(value[j][a], point) : std::numeric_limits<float>::quiet_NaN();
      }
    }
    return result;
  }

  PinholeCamera camera(const Json& value, const std::string& where) const {
    if (!value.is_object()) fail(where + " is no object");
    const auto member = [&](const char* key) {
      if (!value.contains(key)) fail(error_text(where, " has no number '", key, "'"));
      return number(value[key], error_text(where, ".", key));
    };
    PinholeCamera result;
    result.fx = member("fx"), result.fy = member("fy");
    result.cx = member("cx"), result.cy = member("cy");
    if (!(result.fx > 0) || !(result.fy > 0)) {
      fail(error_text(where, " has the focal lengths ", result.fx, " and ", result.fy,
                      ", expected positive numbers"));
    }
    const auto coefficients = [&](const char* key, auto& into) {
      if (!value.contains(key)) return;
      const std::vector<double> numbers_of = numbers(value[key], error_text(where, ".", key));
      if (numbers_of.size() != into.size()) {
        fail(error_text(where, ".", key, " has ", numbers_of.size(), " numbers, expected ",
                        into.size()));
      }
      std::copy(numbers_of.begin(), numbers_of.end(), into.begin());
    };
    coefficients("radial", result.radial);
    coefficients("tangential", result.tangential);
    if (value.contains("distortion")) {
      const std::string kind = text(value, "distortion", where);
      if (kind != "human36m" && kind != "opencv") {
        fail(error_text(where, ".distortion is '", kind, "', expected human36m or opencv"));
      }
      result.distortion = kind == "opencv" ? Distortion::opencv : Distortion::human36m;
    }
    return result;
  }

  AnnotatedImage example(const Json& item, const std::string& where) const {
    const Skeleton& skeleton = *result_.skeleton;
    AnnotatedImage result;
    const auto file = [&](const char* key) {
      const std::string name = text(item, key, where);
      if (!stays_inside(name)) {
        fail(error_text(where, ".", key, " is '", name, "', expected a file in the folder"));
      }
      return folder_ / name;
    };
    result.image = file("image");
    if (item.contains("mask")) result.mask = file("mask");
    const bool has_joints = item.contains("joints"), has_positions = item.contains("positions");
    if (!has_joints && !has_positions) fail(where + " has neither 'joints' nor 'positions'");
    result.three_dimensional = has_positions;
    if (has_joints) {
      result.joints = points(item["joints"], 2, where + ".joints");
      result.three_dimensional |= item["joints"][0].size() == 3;
    }
    if (item.contains("camera")) result.camera = camera(item["camera"], where + ".camera");
    if (item.contains("root_depth")) {
      result.root_depth = number(item["root_depth"], where + ".root_depth");
      if (!(result.root_depth > 0)) {
        fail(error_text(where, ".root_depth is ", result.root_depth, ", expected more than 0"));
      }
    }
    if (has_positions) place(item, where, result);

    const std::size_t count = skeleton.size();
    result.visible = make_tensor<float>({count});
    for (std::size_t j = 0; j < count; ++j) {
      result.visible(j) =
          std::isfinite(result.joints(j, 0)) && std::isfinite(result.joints(j, 1)) ? 1.0f : 0.0f;
    }
    if (item.contains("visible")) {
      const std::vector<double> visible = numbers(item["visible"], where + ".visible");
      if (visible.size() != count) {
        fail(error_text(where, ".visible has ", visible.size(), " numbers, the skeleton ",
                        skeleton.name, " has ", count, " joints"));
      }
      for (std::size_t j = 0; j < count; ++j) {
        if (visible[j] != 0 && visible[j] != 1) {
          fail(error_text(where, ".visible[", j, "] is ", visible[j], ", expected 0 or 1"));
        }
        result.visible(j) = static_cast<float>(visible[j]);
      }
    }
    result.box = joints_box(result.joints, result.visible);
    if (item.contains("box")) {
      const std::vector<double> box = numbers(item["box"], where + ".box");
      if (box.size() != 4 || !(box[2] > 0) || !(box[3] > 0)) {
        fail(where + ".box is no [x, y, width, height] with a positive width and height");
      }
      result.box = {box[0], box[1], box[2], box[3]};
    }
    return result;
  }

  /// Positions in camera space, and what they say of the joints.
  void place(const Json& item, const std::string& where, AnnotatedImage& result) const {
    result.positions = points(item["positions"], 3, where + ".positions");
    if (!item.contains("camera")) fail(where + " has 'positions' but no 'camera'");
    if (!item.contains("root_depth")) {
      const auto root = result_.skeleton->find(result_.skeleton->root);
      const double depth = root ? static_cast<double>(result.positions(*root, 2)) : 0.0;
      if (!(depth > 0)) {
        fail(error_text(where, " has no 'root_depth', and no root joint in front of the camera"));
      }
      result.root_depth = depth;
    }
    const Tensor<float> projected =
        picture_joints(result.positions, result.camera, result.root_depth);
    if (!item.contains("joints")) {
      result.joints = projected;
    } else if (item["joints"][0].size() == 2) {
      for (std::size_t j = 0; j < result_.skeleton->size(); ++j) {
        result.joints(j, 2) = projected(j, 2);
      }
    }
  }

  std::filesystem::path folder_;
  AnnotatedImages result_;
};

}  // namespace internal

POSEKIT_INLINE AnnotatedImages read_image_folder(const std::filesystem::path& folder) {
  return internal::ImageFolderReader(folder).read();
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_DATASETS
