#include <catch2/catch.hpp>

#include <fstream>

#include <posekit/datasets/coco.hpp>

#include "support/mutations.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;

namespace {

std::filesystem::path write_json(const std::string& text) {
  const auto path = scratch_folder("coco") / "a.json";
  std::ofstream(path) << text;
  return path;
}

const char* const example_json =
    R"({"images": [{"id": 3, "file_name": "a.jpg", "width": 9, "height": 6}], "annotations": [
  {"id": 7, "image_id": 3, "bbox": [1, 2, 3.5, 4], "keypoints": [1, 2, 2, 0, 0, 0, 5, 6.5, 1], "segmentation": [[1, 1, 5, 1, 5, 4, 1, 4]]},
  {"id": 8, "image_id": 3, "segmentation": {"size": [6, 9], "counts": [7, 3, 44]}},
  {"id": 9, "image_id": 3, "segmentation": {"size": [6, 9], "counts": "73\\1"}}]})";

std::string load_error(const std::string& text) {
  try {
    (void)pk::load_coco(write_json(text));
  } catch (const pk::FileError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("Annotations are read", "[datasets]") {
  const auto data = pk::load_coco(write_json(example_json));
  REQUIRE(data.images.size() == 1);
  CHECK(data.images[0].file_name == "a.jpg");
  const auto& a = pk::find_annotation(data, 7);
  CHECK(a.box.width == 3.5);
  REQUIRE(a.keypoints.size() == 3);
  CHECK(a.keypoints[2].y == 6.5);
  CHECK(a.keypoints[1].visibility == 0);
  CHECK_THROWS_WITH(pk::find_annotation(data, 1),
                    Catch::Contains("there is no annotation with id 1; there are 7, 8, 9"));
}

TEST_CASE("Outlines and runs become masks", "[datasets]") {
  const auto data = pk::load_coco(write_json(example_json));
  // The rectangle covers pixels 1 ... 4 by 1 ... 3.
  const auto rectangle = pk::segmentation_mask(pk::find_annotation(data, 7), 6, 9);
  for (std::size_t y = 0; y < 6; ++y) {
    for (std::size_t x = 0; x < 9; ++x)
      CHECK(rectangle(y, x) == (x >= 1 && x < 5 && y >= 1 && y < 4 ? 1 : 0));
  }
  // Runs go down the columns: 7 zeros end in column 1 at row 1.
  const auto runs = pk::segmentation_mask(pk::find_annotation(data, 8), 6, 9);
  for (std::size_t y = 0; y < 6; ++y) {
    for (std::size_t x = 0; x < 9; ++x) CHECK(runs(y, x) == (x == 1 && y >= 1 && y < 4 ? 1 : 0));
  }
  // The same runs in COCO's text form.
  const auto& text = pk::find_annotation(data, 9);
  CHECK(text.runs == std::vector<std::size_t>{7, 3, 44});
  CHECK_THROWS_AS(pk::segmentation_mask(text, 9, 6), pk::ValueError);
  pk::CocoAnnotation bare;
  CHECK_THROWS_AS(pk::segmentation_mask(bare, 6, 9), pk::ValueError);
}

TEST_CASE("What is wrong with an annotation file is told in words", "[datasets]") {
  CHECK(load_error("nope").find("is not valid JSON") != std::string::npos);
  CHECK(load_error("[]").find("holds no JSON object") != std::string::npos);
  CHECK(load_error(R"({"images": []})").find("has no array 'annotations'") != std::string::npos);
  const auto annotation = [](const std::string& fields) {
    return load_error(R"({"images": [], "annotations": [{"id": 1, "image_id": 2, )" + fields +
                      "}]}");
  };
  CHECK(annotation(R"("bbox": [1, 2])").find("annotations[0].bbox has 2 numbers, expected 4") !=
        std::string::npos);
  CHECK(annotation(R"("keypoints": [1, 2])").find("annotations[0].keypoints has 2 numbers") !=
        std::string::npos);
  CHECK(annotation(R"("keypoints": [1, 2, 3])").find("visibility 3") != std::string::npos);
  CHECK(annotation(R"("keypoints": [1, "a", 2])").find("no number") != std::string::npos);
  CHECK(annotation(R"("segmentation": [[1, 2, 3]])").find("at least three points") !=
        std::string::npos);
  CHECK(annotation(R"("segmentation": {"size": [2, 2], "counts": [1, 2]})")
            .find("the runs leave 1 pixels of its size of 2 x 2 uncovered") != std::string::npos);
  CHECK(annotation(R"("segmentation": {"size": [2, 2], "counts": "o"})").find("damaged") !=
        std::string::npos);
  // Sums that wrap around, and numbers that no image has.
  CHECK(annotation(R"("segmentation": {"size": [2, 2], "counts": [1, 1000000000000, 3]})")
            .find("cover more pixels") != std::string::npos);
  CHECK(annotation(R"("bbox": [0, 0, 1e300, 1])").find("no position or size") != std::string::npos);
  CHECK(annotation(R"("segmentation": 5)").find("neither outlines nor") != std::string::npos);
  CHECK(load_error(R"({"images": [], "annotations": [{"id": "x"}]})")
            .find("annotations[0] has no integer 'id'") != std::string::npos);
}

TEST_CASE("Damaged annotation files end in an error or in data", "[datasets]") {
  const std::string text = example_json;
  const auto path = scratch_folder("coco-fuzz") / "a.json";
  std::size_t errors = 0, read = 0;
  for_each_mutation({text.begin(), text.end()}, 4000, 5,
                    [&](const std::vector<std::uint8_t>& bytes) {
                      std::ofstream(path, std::ios::binary)
                          .write(reinterpret_cast<const char*>(bytes.data()),
                                 static_cast<std::streamsize>(bytes.size()));
                      try {
                        const auto data = pk::load_coco(path);
                        for (const auto& a : data.annotations) {
                          if (!a.polygons.empty() || !a.runs.empty())
                            (void)pk::segmentation_mask(a, 6, 9);
                        }
                        ++read;
                      } catch (const pk::Error&) {
                        ++errors;
                      }
                    });
  CHECK(errors > 1000);
  CHECK(read > 100);
}

TEST_CASE("The real sample is read", "[datasets][shared]") {
  const auto folder = shared_folder("data/coco");
  if (!folder) return;
  const auto data = pk::load_coco(*folder / "person_keypoints.json");
  CHECK(data.images.size() == 2);
  const auto& skier = pk::find_annotation(data, 442619);
  CHECK(skier.keypoints.size() == 17);
  const auto mask = pk::segmentation_mask(skier, 425, 640);
  std::size_t inside = 0, keypoints_inside = 0;
  for (const auto v : mask) inside += v;
  for (const auto& point : skier.keypoints)
    keypoints_inside += mask(static_cast<std::size_t>(point.y), static_cast<std::size_t>(point.x));
  CHECK(inside > 15000);
  CHECK(inside < 40000);
  CHECK(keypoints_inside >= 15);
}

TEST_CASE("Hands of FreiHAND are read, with their 21 keypoints", "[datasets][shared]") {
  const auto folder = shared_folder("data/freihand");
  if (!folder) return;
  const auto hands = pk::load_coco(*folder / "freihand.json");
  REQUIRE(hands.annotations.size() == 4);
  for (const auto& hand : hands.annotations) {
    CHECK(hand.keypoints.size() == pk::skeletons::hand_21.size());
  }
}

TEST_CASE("Negative boxes and areas are refused", "[datasets]") {
  const auto folder = scratch_folder("coco-negative");
  const auto error_of = [&](const std::string& field) {
    std::ofstream(folder / "a.json")
        << R"({"images":[{"id":1,"width":9,"height":9}],"annotations":[{"id":1,"image_id":1,)"
        << field << "}]}";
    try {
      (void)pk::load_coco(folder / "a.json");
    } catch (const pk::FileError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(error_of(R"("bbox":[1,2,0,0],"area":0)").empty());
  CHECK_THAT(error_of(R"("bbox":[1,2,-3,4])"),
             Catch::Contains("annotations[0].bbox is -3 x 4 pixels"));
  CHECK_THAT(error_of(R"("bbox":[1,2,3,-4])"), Catch::Contains("expected no negative extent"));
  CHECK_THAT(error_of(R"("area":-1)"), Catch::Contains("annotations[0].area is -1"));
}
