#include <catch2/catch.hpp>

#include <cmath>
#include <fstream>
#include <string>

#include <posekit/batches/augmentation.hpp>
#include <posekit/batches/batch_loader.hpp>
#include <posekit/batches/pose_batch.hpp>
#include <posekit/datasets/coco_images.hpp>
#include <posekit/io/image.hpp>

#include "support/shared_data.hpp"

namespace pk = posekit;

namespace {

std::string keypoints(std::size_t count, int visibility) {
  std::string text;
  for (std::size_t k = 0; k < count; ++k) {
    text += pk::error_text(k == 0 ? "" : ", ", k + 2, ", ", k + 1, ", ",
                           k == 3   ? 0
                           : k == 4 ? 1
                                    : visibility);
  }
  return text;
}

std::filesystem::path write_people(const std::string& annotations) {
  const auto path = scratch_folder("coco_images") / "people.json";
  std::ofstream(path)
      << R"({"images": [{"id": 3, "file_name": "a.png", "width": 30, "height": 20},)"
      << R"({"id": 4, "width": 30, "height": 20}], "annotations": [)" << annotations << "]}";
  return path;
}

std::string person_text(int id, const std::string& fields) {
  return pk::error_text(R"({"id": )", id, R"(, "image_id": 3, )", fields, "}");
}

}  // namespace

TEST_CASE("People of a COCO file become examples", "[datasets]") {
  const auto path = write_people(
      person_text(
          1, R"("bbox": [1, 2, 20, 15], "segmentation": [[1, 1, 9, 1, 9, 9]], "keypoints": [)" +
                 keypoints(17, 2) + "]") +
      "," +
      person_text(
          2, R"("iscrowd": 1, "bbox": [1, 2, 3, 4], "keypoints": [)" + keypoints(17, 2) + "]") +
      "," + person_text(3, R"("keypoints": [)" + keypoints(17, 0) + "]") + "," +
      person_text(4, R"("bbox": [1, 2, 3, 4])"));
  const auto data = pk::read_coco_images(path, path.parent_path());
  CHECK(data.skeleton == &pk::skeletons::coco_17);
  REQUIRE(data.images.size() == 2);  // no crowd, and nobody without keypoints
  const auto& first = data.images[0];
  CHECK(first.box.width == 20);
  CHECK(first.width == 30);
  CHECK(first.image == path.parent_path() / "a.png");
  CHECK(first.joints(5, 0) == 7);
  CHECK(first.joints(5, 1) == 6);
  CHECK(std::isnan(first.joints(5, 2)));
  CHECK_FALSE(first.three_dimensional);
  CHECK(first.visible(3) == 0);
  CHECK(first.visible(4) == 1);  // hidden, but labelled
  CHECK(first.outline.has_value());
  // One keypoint is labelled of the other: it is its own box.
  CHECK(data.images[1].box.x == 6);
  CHECK(data.images[1].box.width == 1);
  CHECK(
      pk::read_coco_images(path, "", pk::skeletons::coco_17, {.min_keypoints = 2}).images.size() ==
      1);

  pk::save_png(path.parent_path() / "a.png", pk::Bitmap(30, 20, 3, 99));
  const auto example = pk::load_pose_example(first);
  CHECK(pk::shape_of(example.mask) == pk::Shape{20, 30});
  CHECK(example.mask(3, 5) == 1);
  CHECK(example.mask(9, 12) == 0);
  pk::save_png(path.parent_path() / "a.png", pk::Bitmap(20, 30, 3, 99));
  CHECK_THROWS_WITH(pk::load_pose_example(first),
                    Catch::Contains("has 20 x 30 pixels, its annotation is of 30 x 20"));
}

TEST_CASE("COCO files that do not fit are refused", "[datasets]") {
  const auto refused = [](const std::string& annotation, const std::string& text) {
    const auto path = write_people(annotation);
    CHECK_THROWS_AS(pk::read_coco_images(path, ""), pk::FileError);
    CHECK_THROWS_WITH(pk::read_coco_images(path, ""),
                      Catch::Contains(path.string()) && Catch::Contains(text));
  };
  refused(person_text(7, R"("keypoints": [)" + keypoints(16, 2) + "]"),
          "annotation 7 has 16 keypoints, the skeleton coco_17 has 17");
  refused(R"({"id": 8, "image_id": 9, "keypoints": [)" + keypoints(17, 2) + "]}",
          "annotation 8 is of image 9, which is not listed");
  refused(R"({"id": 8, "image_id": 4, "keypoints": [)" + keypoints(17, 2) + "]}",
          "annotation 8 is of image 4, which has no file_name");
}

TEST_CASE("COCO's photos are loaded, cropped and joined", "[datasets][shared]") {
  const auto folder = shared_folder("data/coco");
  if (!folder) return;
  const auto data = pk::read_coco_images(*folder / "person_keypoints.json", *folder);
  REQUIRE(data.images.size() >= 2);
  const auto load = [&](std::size_t i, std::uint64_t epoch) {
    return pk::augmented_crop(pk::load_pose_example(data.images[i]), data.images[i].box,
                              *data.skeleton, pk::draw_augmentation({.seed = 1}, epoch, i),
                              {.size = 48});
  };
  const auto join = [](std::span<const pk::PoseExample> examples,
                       std::span<const std::size_t> indices) {
    return pk::pose_batch<float>(examples, {}, indices);
  };
  pk::BatchLoader loader(data.images.size(), load, join, {.batch_size = 2}, {.workers = 2});
  std::size_t count = 0;
  while (const auto batch = loader.next()) {
    count += batch->indices.size();
    for (const float value : batch->three_dimensional) CHECK(value == 0);
    for (std::size_t i = 0; i < batch->visible.size(); ++i) {
      if (batch->visible.data()[i] == 0) continue;
      CHECK(std::abs(batch->targets.data()[3 * i]) <= 1);
      CHECK(std::abs(batch->targets.data()[3 * i + 1]) <= 1);
    }
  }
  CHECK(count == data.images.size());
}

TEST_CASE("A file_name that leads out of the folder is refused", "[datasets]") {
  const auto folder = scratch_folder("coco-outside");
  for (const std::string name : {"../a.jpg", "/etc/a.jpg", "x/../../a.jpg"}) {
    std::ofstream(folder / "a.json")
        << R"({"images":[{"id":1,"width":9,"height":9,"file_name":")" << name
        << R"("}],"annotations":[{"id":1,"image_id":1,"keypoints":[)" <<
        [] {
          std::string keypoints = "1,2,2";
          for (int i = 1; i < 17; ++i) keypoints += ",1,2,2";
          return keypoints;
        }()
        << "]}]}";
    CHECK_THROWS_WITH(pk::read_coco_images(folder / "a.json", folder),
                      Catch::Contains("image 1 has the file_name '" + name + "'"));
  }
}
