#include <catch2/catch.hpp>

#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <posekit/datasets/annotated_image.hpp>
#include <posekit/io/file.hpp>
#include <posekit/io/image.hpp>

#include "batches/pose_batch_examples.hpp"
#include "support/jpeg_bytes.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;
namespace fs = std::filesystem;

namespace {

pk::Bitmap some_picture() {
  pk::Bitmap picture(24, 18);
  for (std::size_t i = 0; i < picture.samples.size(); ++i) {
    picture.samples[i] = static_cast<std::uint8_t>(i * 37 % 251);
  }
  return picture;
}

/// A picture of 24 x 18 pixels with a mask, both on disk.
pk::AnnotatedImage on_disk(const fs::path& folder) {
  pk::save_png(folder / "a.png", some_picture());
  pk::Bitmap mask(24, 18, 1);
  *mask.at(3, 5) = 255;
  *mask.at(4, 5) = 128;
  *mask.at(5, 5) = 127;
  pk::save_png(folder / "a_mask.png", mask);
  const auto person = scattered_example(pk::skeletons::mpii_16, 24, 18, 1);
  pk::AnnotatedImage image;
  image.image = folder / "a.png";
  image.mask = folder / "a_mask.png";
  image.joints = person.joints;
  image.visible = person.visible;
  image.positions = person.positions;
  image.camera = person.camera;
  image.root_depth = person.root_depth;
  return image;
}

std::string load_error(const pk::AnnotatedImage& image) {
  try {
    (void)pk::load_pose_example(image);
  } catch (const pk::FileError& error) {
    return error.what();
  }
  return "no error";
}

bool starts(const std::string& text, const fs::path& path, const std::string& rest) {
  if (text.rfind(path.string() + ": " + rest, 0) == 0) return true;
  UNSCOPED_INFO(text);
  return false;
}

void truncate(const fs::path& path, double part) {
  fs::resize_file(path,
                  static_cast<std::uintmax_t>(static_cast<double>(fs::file_size(path)) * part));
}

}  // namespace

TEST_CASE("A picture is read with its mask and its labels", "[datasets]") {
  const auto folder = scratch_folder("annotated_image");
  const auto image = on_disk(folder);
  const auto example = pk::load_pose_example(image);
  CHECK(pk::shape_of(example.image) == pk::Shape{3, 18, 24});
  CHECK(example.image(2, 7, 9) == Approx(some_picture().at(9, 7)[2] / 255.0));
  CHECK(pk::shape_of(example.mask) == pk::Shape{18, 24});
  CHECK(example.mask(5, 3) == 1);
  CHECK(example.mask(5, 4) == 1);
  CHECK(example.mask(5, 5) == 0);
  CHECK(example.joints(3, 1) == image.joints(3, 1));
  CHECK(example.positions(3, 2) == image.positions(3, 2));
  CHECK(example.camera.cx == 70);
  CHECK(example.three_dimensional);

  auto bare = image;
  bare.mask.clear();
  bare.positions = pk::Tensor<float>();
  CHECK_FALSE(pk::is_known(pk::load_pose_example(bare).mask));
  // COCO's outline of a rectangle: columns 2 ... 6, rows 4 ... 6.
  bare.outline.emplace();
  bare.outline->polygons = {{2, 4, 7, 4, 7, 7, 2, 7}};
  const auto outlined = pk::load_pose_example(bare);
  double area = 0;
  for (const float value : outlined.mask) area += static_cast<double>(value);
  CHECK(area == 15);
  CHECK(outlined.mask(6, 6) == 1);
}

TEST_CASE("What is wrong with a picture is told with its name", "[datasets]") {
  const auto folder = scratch_folder("annotated_image");
  const auto image = on_disk(folder);

  auto other = image;
  other.image = folder / "b.png";
  CHECK(starts(load_error(other), folder / "b.png", "no such file"));
  other = image;
  other.mask = folder / "b_mask.png";
  CHECK(starts(load_error(other), folder / "b_mask.png", "no such file"));
  other = image;
  other.width = 24;
  other.height = 17;
  CHECK(starts(load_error(other), image.image, "has 24 x 18 pixels, its annotation is of 24 x 17"));
  other = image;
  other.joints(2, 1) = std::nanf("");
  CHECK(starts(load_error(other), image.image,
               "load_pose_example: the annotation: y of joint 2, which counts, is nan"));
  other.visible(2) = 0;
  CHECK(load_error(other) == "no error");
  other = image;
  other.visible = pk::zeros<float>({15});
  CHECK(load_error(other).find("visible has shape [15], expected [16]") != std::string::npos);
  other = image;
  other.mask.clear();
  other.outline.emplace();
  other.outline->runs = {30};
  other.outline->runs_height = 6;
  other.outline->runs_width = 5;
  CHECK(load_error(other).find("is of an image of 5 x 6, not 24 x 18") != std::string::npos);

  pk::save_png(image.mask, pk::Bitmap(18, 24, 1));
  CHECK(starts(load_error(image), image.mask, "has 18 x 24 pixels, its picture "));
  std::ofstream(image.mask) << "no picture";
  CHECK(starts(load_error(image), image.mask, "is no PNG or JPEG image"));
  truncate(image.image, 0.6);
  CHECK(starts(load_error(image), image.image, "could not be decoded"));
  truncate(image.image, 0);
  CHECK(starts(load_error(image), image.image, "is empty"));
}

TEST_CASE("A truncated JPEG file is an error, not a gray picture", "[datasets]") {
  const auto folder = scratch_folder("annotated_image");
  auto image = on_disk(folder);
  image.mask.clear();
  image.image = folder / "a.jpg";
  const auto write = [&] {
    const auto bytes = jpeg_bytes(some_picture(), 90);
    pk::write_file(image.image, std::string(bytes.begin(), bytes.end()));
  };
  write();
  CHECK(load_error(image) == "no error");
  for (const double part : {0.999, 0.8, 0.5}) {
    write();
    truncate(image.image, part);
    CHECK(starts(load_error(image), image.image, "ends after "));
  }
  // What some programs append does no harm.
  write();
  std::ofstream(image.image, std::ios::app | std::ios::binary) << "appended";
  CHECK(load_error(image) == "no error");
}

TEST_CASE("The box around the joints holds those that count", "[datasets]") {
  const float unknown = std::numeric_limits<float>::quiet_NaN();
  const pk::Tensor<float> joints{{3, 5, 0}, {9, 4, 0}, {-50, 70, 0}, {unknown, unknown, 0}};
  const auto box = pk::joints_box(joints, pk::Tensor<float>{1, 1, 0, 0});
  CHECK(box.x == 3);
  CHECK(box.y == 4);
  CHECK(box.width == 7);
  CHECK(box.height == 2);
  CHECK(pk::joints_box(joints, pk::zeros<float>({4})).width == 0);
}
