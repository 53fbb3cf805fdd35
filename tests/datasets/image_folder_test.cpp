#include <catch2/catch.hpp>

#include <cmath>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include <posekit/batches/augmentation.hpp>
#include <posekit/batches/batch_loader.hpp>
#include <posekit/datasets/image_folder.hpp>
#include <posekit/io/file.hpp>
#include <posekit/io/image.hpp>

#include "batches/pose_batch_examples.hpp"
#include "support/close.hpp"
#include "support/mutations.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;
namespace fs = std::filesystem;

namespace {

const pk::Skeleton& folder_skeleton = pk::skeletons::human36m_17;

/// [[x, y, z], ...] of the first `axes` coordinates.
std::string points(const pk::Tensor<float>& tensor, std::size_t axes = 3) {
  std::string text = "[";
  for (std::size_t j = 0; j < tensor.shape()[0]; ++j) {
    text += j == 0 ? "[" : ", [";
    for (std::size_t a = 0; a < axes; ++a) {
      text += a == 0 ? "" : ", ";
      text += std::isnan(tensor(j, a)) ? "null" : std::to_string(tensor(j, a));
    }
    text += "]";
  }
  return text + "]";
}

const char* const camera = R"("camera": {"fx": 400, "fy": 400, "cx": 70, "cy": 41})";

fs::path write_folder(const std::string& examples, const std::string& name = "human36m_17") {
  const auto folder = scratch_folder("image_folder");
  std::ofstream(folder / "annotations.json")
      << R"({"skeleton": ")" << name << R"(", "examples": [)" << examples << "]}";
  return folder;
}

pk::PoseExample person(std::uint64_t seed) {
  return scattered_example(folder_skeleton, 40, 30, seed);
}

/// A folder of `count` pictures with joints, positions and cameras.
fs::path write_people(std::size_t count) {
  std::string examples;
  for (std::size_t i = 0; i < count; ++i) {
    examples +=
        pk::error_text(i == 0 ? "" : ",\n", R"({"image": ")", i, R"(.png", "joints": )",
                       points(person(i).joints), R"(, "positions": )", points(person(i).positions),
                       R"(, "root_depth": 4000, )", camera, "}");
  }
  const auto folder = write_folder(examples);
  for (std::size_t i = 0; i < count; ++i) {
    pk::save_png(folder / pk::error_text(i, ".png"), pk::to_bitmap(person(i).image));
  }
  return folder;
}

std::string read_error(const std::string& examples, const std::string& name = "human36m_17") {
  const auto folder = write_folder(examples, name);
  try {
    (void)pk::read_image_folder(folder);
  } catch (const pk::FileError& error) {
    const std::string text = error.what();
    CHECK(text.rfind((folder / "annotations.json").string() + ": ", 0) == 0);
    return text;
  }
  return "no error";
}

auto loader_over(const pk::AnnotatedImages& data, pk::LoadingOptions options) {
  const auto load = [&data](std::size_t i, std::uint64_t epoch) {
    return pk::augmented_crop(pk::load_pose_example(data.images[i]), {5, 5, 30, 20}, *data.skeleton,
                              pk::draw_augmentation({.seed = 2}, epoch, i), {.size = 24});
  };
  const auto join = [](std::span<const pk::PoseExample> examples,
                       std::span<const std::size_t> indices) {
    return pk::pose_batch<float>(examples, {}, indices);
  };
  return pk::BatchLoader(data.images.size(), load, join, {.batch_size = 3, .seed = 6}, options);
}

}  // namespace

TEST_CASE("A folder's examples are read", "[datasets]") {
  const auto truth = person(1);
  const auto folder = write_folder(
      pk::error_text(R"({"image": "images/a.png", "mask": "m.png", "box": [1, 2, 30, 20],
                        "joints": )",
                     points(truth.joints), R"(, "visible": [0, 1, 1, 1, 1, 1, 1, 1,
                        1, 1, 1, 1, 1, 1, 1, 1, 1]},
                       {"image": "b.png", "joints": )",
                     points(truth.joints, 2), R"(},
                       {"image": "c.png", "positions": )",
                     points(truth.positions), R"(, "root_depth": 4000, )", camera, R"(},
                       {"image": "d.png", "joints": )",
                     points(truth.joints, 2), R"(, "positions": )", points(truth.positions),
                     R"(, "camera": {"fx": 400, "fy": 400, "cx": 70, "cy": 41,
                       "radial": [0.1, 0.2, 0.3], "tangential": [0, 0.5],
                       "distortion": "opencv"}})"));
  const auto data = pk::read_image_folder(folder);
  CHECK(data.skeleton == &folder_skeleton);
  REQUIRE(data.images.size() == 4);
  const auto& a = data.images[0];
  CHECK(a.image == folder / "images/a.png");
  CHECK(a.mask == folder / "m.png");
  CHECK(a.box.height == 20);
  CHECK(a.three_dimensional);
  CHECK(relative_difference(a.joints, truth.joints) < 1e-6);
  CHECK(a.visible(0) == 0);
  CHECK(a.visible(16) == 1);
  CHECK_FALSE(pk::is_known(a.positions));

  const auto& b = data.images[1];
  CHECK_FALSE(b.three_dimensional);
  CHECK(std::isnan(b.joints(4, 2)));
  CHECK(b.box.x == Approx(pk::joints_box(truth.joints, truth.visible).x));

  // Projected from the positions.
  const auto& c = data.images[2];
  CHECK(c.three_dimensional);
  CHECK(relative_difference(c.joints, truth.joints) < 1e-4);
  CHECK(c.root_depth == 4000);

  // Its root's depth is that of the pelvis; z comes from the positions.
  const auto& d = data.images[3];
  CHECK(d.root_depth == Approx(truth.positions(0, 2)));
  CHECK(d.joints(2, 0) == Approx(truth.joints(2, 0)));
  CHECK(d.joints(2, 2) ==
        Approx((truth.positions(2, 2) / truth.positions(0, 2) - 1) * 400).margin(1e-3));
  CHECK(d.camera.radial[2] == 0.3);
  CHECK(d.camera.tangential[1] == 0.5);
  CHECK(d.camera.distortion == pk::Distortion::opencv);
}

TEST_CASE("null is what is not known", "[datasets]") {
  auto truth = person(2);
  truth.joints(5, 0) = truth.joints(5, 1) = truth.joints(5, 2) = std::nanf("");
  const auto one = [&](const std::string& visible) {
    const auto folder = write_folder(
        pk::error_text(R"({"image": "a.png", "joints": )", points(truth.joints), visible, "}"));
    pk::save_png(folder / "a.png", pk::to_bitmap(truth.image));
    return pk::read_image_folder(folder).images[0];
  };
  const auto image = one("");
  CHECK(image.visible(5) == 0);
  CHECK(image.visible(6) == 1);
  CHECK_NOTHROW(pk::load_pose_example(image));
  // It cannot count.
  const auto wrong = one(R"(, "visible": [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1])");
  CHECK_THROWS_WITH(pk::load_pose_example(wrong),
                    Catch::Contains("a.png: ") && Catch::Contains("x of joint 5, which counts"));
}

TEST_CASE("What is wrong with a folder's annotations is told in words", "[datasets]") {
  const auto truth = person(3);
  const std::string joints = R"("joints": )" + points(truth.joints);
  const std::string positions = R"("positions": )" + points(truth.positions);
  const auto error = [](const std::string& fields) { return read_error("{" + fields + "}"); };
  const auto contains = [](const std::string& text, const std::string& part) {
    UNSCOPED_INFO(text);
    return text.find(part) != std::string::npos;
  };
  CHECK(contains(read_error("", "elf_9"), "there is no skeleton 'elf_9'; there are coco_17, "));
  CHECK(contains(read_error("5"), "examples[0] is no object"));
  CHECK(contains(error(joints), "examples[0] has no string 'image'"));
  const std::string image = R"("image": "a.png", )";
  CHECK(contains(error(image + R"("visible": [])"), "neither 'joints' nor 'positions'"));
  CHECK(contains(error(image + R"("joints": [[1, 2], [3, 4]])"),
                 "examples[0].joints has 2 points, the skeleton human36m_17 has 17 joints"));
  CHECK(contains(error(image + R"("joints": 5)"), "joints has 0 points"));
  std::string uneven = points(truth.joints, 2);
  uneven.replace(uneven.rfind("["), std::string::npos, "[1, 2, 3]]");
  CHECK(contains(error(image + R"("joints": )" + uneven), "joints[16] has 3 numbers"));
  CHECK(contains(error(image + R"("positions": )" + points(truth.positions, 2) + ", " + camera),
                 "positions[0] has 2 numbers, expected 3"));
  CHECK(contains(error(image + joints + R"(, "visible": [1, 0])"), "visible has 2 numbers"));
  CHECK(contains(error(image + joints + R"(, "visible": [2,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1])"),
                 "visible[0] is 2, expected 0 or 1"));
  CHECK(contains(error(image + joints + R"(, "box": [1, 2, 0, 4])"), ".box is no"));
  CHECK(contains(error(image + positions), "'positions' but no 'camera'"));
  CHECK(contains(error(image + positions + R"(, "camera": {"fx": 1, "fy": 1, "cx": 0})"),
                 "camera has no number 'cy'"));
  CHECK(contains(error(image + positions + R"(, "camera": {"fx": 0, "fy": 1, "cx": 0, "cy": 0})"),
                 "focal lengths 0 and 1"));
  CHECK(contains(error(image + joints + R"(, "root_depth": -3)"), "root_depth is -3"));
  auto behind = truth;
  behind.positions(0, 2) = -1;
  CHECK(contains(error(image + R"("positions": )" + points(behind.positions) + ", " + camera),
                 "no root joint in front of the camera"));
  CHECK_THROWS_WITH(pk::read_image_folder("/nowhere"),
                    Catch::Contains("annotations.json: no such file"));
}

TEST_CASE("Damaged annotations are read or refused, nothing else", "[datasets]") {
  const auto folder = write_people(1);
  const auto file = pk::read_file(folder / "annotations.json");
  std::size_t refused = 0, tried = 0;
  for_each_mutation(file, 100, 5, [&](const std::vector<std::uint8_t>& bytes) {
    ++tried;
    std::ofstream(folder / "annotations.json", std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    try {
      (void)pk::read_image_folder(folder);
    } catch (const pk::FileError&) {
      ++refused;
    }
  });
  CHECK(tried > 250);
  CHECK(refused > 200);
  CHECK(refused < tried);
}

TEST_CASE("A folder is loaded in batches, with what is broken left out", "[datasets]") {
  const auto folder = write_people(8);
  const auto data = pk::read_image_folder(folder);
  // The same for one and three workers.
  std::vector<pk::PoseBatch<float>> batches;
  for (const int workers : {1, 3}) {
    auto loader = loader_over(data, {.workers = workers});
    loader.start(1);
    std::size_t at = 0;
    while (auto batch = loader.next()) {
      if (workers == 1) {
        batches.push_back(std::move(*batch));
        continue;
      }
      REQUIRE(at < batches.size());
      CHECK(identical(batch->images, batches[at].images));
      CHECK(identical(batch->targets, batches[at].targets));
      CHECK(identical(batch->positions, batches[at].positions));
      CHECK(batch->indices == batches[at].indices);
      ++at;
    }
    CHECK(loader.failures().empty());
  }
  REQUIRE(batches.size() == 3);
  CHECK(pk::shape_of(batches[0].images) == pk::Shape{3, 3, 24, 24});

  fs::resize_file(folder / "2.png", 300);
  fs::remove(folder / "5.png");
  for (const int workers : {0, 3}) {
    auto stopping = loader_over(data, {.workers = workers});
    const auto all = [&] {
      while (stopping.next()) {
      }
    };
    CHECK_THROWS_AS(all(), pk::FileError);
    auto skipping = loader_over(data, {.workers = workers, .on_error = pk::OnError::skip});
    std::vector<std::size_t> seen;
    while (const auto batch = skipping.next()) {
      seen.insert(seen.end(), batch->indices.begin(), batch->indices.end());
    }
    std::sort(seen.begin(), seen.end());
    CHECK(seen == std::vector<std::size_t>{0, 1, 3, 4, 6, 7});
    REQUIRE(skipping.failures().size() == 2);
    for (const auto& failure : skipping.failures()) {
      const std::string name = (folder / pk::error_text(*failure.index, ".png")).string();
      CHECK(failure.message.rfind(name + ": ", 0) == 0);
    }
  }
}
