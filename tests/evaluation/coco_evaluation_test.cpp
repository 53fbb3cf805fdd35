#include <catch2/catch.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include <posekit/datasets/coco_writer.hpp>
#include <posekit/evaluation/coco_evaluation.hpp>
#include <posekit/io/npy.hpp>

#include "support/mutations.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;

TEST_CASE("Average precision equals that of an independent implementation", "[evaluation]") {
  const auto truth = golden_file("coco/truth.json"), results = golden_file("coco/results.json");
  const auto expected = pk::load_npy<double>(golden_file("coco/values.npy"));
  for (const int threads : {1, 3}) {
    const auto e = pk::evaluate_coco(truth, results, {.threads = threads});
    const double found[] = {e.ap, e.ap50, e.ap75, e.ap_medium, e.ap_large,
                            e.ar, e.ar50, e.ar75, e.ar_medium, e.ar_large};
    for (std::size_t i = 0; i < 10; ++i) CHECK(found[i] == Approx(expected(i)).epsilon(1e-12));
    CHECK(e.precision[0].size() == 101);
  }
}

TEST_CASE("What was written is read again", "[evaluation]") {
  const auto folder = scratch_folder("coco-results");
  const auto truth = pk::load_coco(golden_file("coco/truth.json"));
  const auto results = pk::load_coco_results(golden_file("coco/results.json"));
  pk::save_coco(folder / "truth.json", truth);
  pk::save_coco_results(folder / "results.json", results);
  const auto before = pk::evaluate_coco(truth, results);
  const auto after = pk::evaluate_coco(folder / "truth.json", folder / "results.json");
  CHECK(after.ap == before.ap);
  CHECK(after.ar_large == before.ar_large);
  const auto again = pk::load_coco_results(folder / "results.json");
  REQUIRE(again.size() == results.size());
  CHECK(again[3].keypoints[5].x == results[3].keypoints[5].x);
  auto broken = results;
  broken[1].keypoints[2].y = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(pk::save_coco_results(folder / "broken.json", broken), pk::ValueError);
  CHECK_FALSE(std::filesystem::exists(folder / "broken.json"));
}

TEST_CASE("Nobody to find and nothing found", "[evaluation]") {
  pk::CocoDataset truth;
  truth.images.push_back({1, "a.jpg", 10, 10});
  CHECK(pk::evaluate_coco(truth, {}).ap == -1);
  pk::CocoAnnotation person;
  person.id = 1;
  person.image_id = 1;
  person.area = 2000;
  person.keypoints.assign(17, {5, 5, 2});
  truth.annotations.push_back(person);
  CHECK(pk::evaluate_coco(truth, {}).ap == 0);
  CHECK(pk::evaluate_coco(truth, {}).ap_large == -1);
  pk::CocoResult right{1, 1, std::vector<pk::CocoDetectedKeypoint>(17, {5, 5, 1}), 0.5};
  const auto perfect = pk::evaluate_coco(truth, {right});
  CHECK(perfect.ap == Approx(1));
  CHECK(perfect.ar_medium == 1);
  right.image_id = 2;
  CHECK_THROWS_WITH(pk::evaluate_coco(truth, {right}),
                    "evaluate_coco: result 0 is of image 2, which the truth does not list");
  right.image_id = 1;
  right.keypoints.resize(16);
  CHECK_THROWS_WITH(pk::evaluate_coco(truth, {right}),
                    "evaluate_coco: result 0 has 16 keypoints, expected 17");
  truth.annotations[0].area.reset();
  CHECK_THROWS_WITH(pk::evaluate_coco(truth, {}), "evaluate_coco: annotation 1 has no area");
}

TEST_CASE("Damaged results are refused with file, entry and field", "[evaluation]") {
  const auto folder = scratch_folder("coco-results");
  const auto refused = [&](const std::string& text, const std::string& why) {
    const auto path = folder / "results.json";
    std::ofstream(path) << text;
    INFO(text);
    CHECK_THROWS_WITH(pk::load_coco_results(path),
                      Catch::Contains("results.json: ") && Catch::Contains(why));
  };
  refused("[", "is not valid JSON");
  refused("{}", "holds no JSON array");
  refused("[{}]", "[0] has no integer 'image_id'");
  refused("[7]", "[0] has no integer 'image_id'");
  refused(R"([{"image_id":1,"category_id":1,"keypoints":[]}])", "[0] has no 'score'");
  refused(R"([{"image_id":1,"category_id":1,"score":"x","keypoints":[]}])",
          "[0].score is no number");
  refused(R"([{"image_id":1,"category_id":1,"score":1}])", "[0] has no 'keypoints'");
  refused(R"([{"image_id":1,"category_id":1,"score":1,"keypoints":[1,2]}])", "expected triples");
  refused(R"([{"image_id":1,"category_id":1,"score":1,"keypoints":[1,2,1e300]}])", "no position");
  CHECK_THROWS_AS(pk::load_coco_results(folder / "absent.json"), pk::FileError);
}

TEST_CASE("Damaged files end in an error or in an evaluation", "[evaluation]") {
  const auto folder = scratch_folder("coco-results-fuzz");
  const auto read = [&](const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return std::vector<std::uint8_t>(std::istreambuf_iterator<char>(stream), {});
  };
  const auto truth = pk::load_coco(golden_file("coco/truth.json"));
  std::vector<pk::CocoResult> few = pk::load_coco_results(golden_file("coco/results.json"));
  few.resize(3);
  pk::save_coco_results(folder / "few.json", few);
  std::size_t errors = 0, evaluated = 0;
  const auto path = folder / "damaged.json";
  for_each_mutation(
      read(folder / "few.json"), 2000, 6, [&](const std::vector<std::uint8_t>& bytes) {
        std::ofstream(path, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()),
                   static_cast<std::streamsize>(bytes.size()));
        try {
          const auto e = pk::evaluate_coco(truth, pk::load_coco_results(path), {.threads = 1});
          CHECK(e.ap <= 1);
          ++evaluated;
        } catch (const pk::Error&) {
          ++errors;
        }
      });
  CHECK(errors > 100);
  CHECK(evaluated > 100);
}
