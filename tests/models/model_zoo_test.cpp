#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

#include <posekit/datasets/coco.hpp>
#include <posekit/graph/graph_file.hpp>
#include <posekit/image/crop.hpp>
#include <posekit/io/image.hpp>
#include <posekit/models/model_zoo.hpp>
#include <posekit/models/prediction.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;

TEST_CASE("Names that are not known are answered with those that are", "[models]") {
  CHECK_THROWS_WITH(
      pk::load_pose_model<float>("bodynet", "models"),
      Catch::Contains("there is no model named 'bodynet'; there are movenet-lightning"));
  CHECK_THROWS_AS(pk::load_pose_model<float>("posenet", "/nowhere"), pk::FileError);
}

TEST_CASE("Each network finds an annotated person's joints", "[models][shared]") {
  const auto folder = shared_folder("data/coco");
  if (!folder) return;
  const auto photo = pk::load_image<float>(*folder / "000000000785.jpg");
  const auto data = pk::load_coco(*folder / "person_keypoints.json");
  const auto& person = pk::find_annotation(data, 442619);
  for (const pk::PoseModelEntry& entry : pk::pose_model_entries) {
    const std::string file(entry.file.substr(0, entry.file.size() - 5));
    if (entry.summary.substr(0, 4) != "body" || !model_file(file)) continue;
    INFO(entry.name);
    const auto model = pk::load_pose_model<float>(entry.name, models_folder());
    const auto crop = pk::square_crop(person.box, model.input().size, model.input().crop_margin);
    pk::Tape<float> tape;
    const auto x = tape.constant(
        pk::reshaped(pk::crop_image(photo, crop), {1, 3, model.input().size, model.input().size}));
    const auto answer = model.run(x);
    const auto found = pk::to_photo(crop, pk::Tensor<float>(answer.positions.value()));
    REQUIRE(answer.confidence.has_value());
    const auto& confidence = *answer.confidence;
    CHECK(model.name() == entry.name);
    CHECK(answer.heatmaps.has_value() == (entry.summary.find("heatmaps") != std::string::npos));
    CHECK(pk::shape_of(found) == pk::Shape{1, model.skeleton().size(), 2});
    CHECK(pk::shape_of(confidence) == pk::Shape{1, model.skeleton().size()});
    std::vector<double> errors;
    double offset_x = 0, offset_y = 0;
    for (std::size_t k = 0; k < 17; ++k) {
      const auto joint = model.skeleton().find(pk::skeletons::coco_17.joints[k]);
      if (!joint) continue;
      const double dx = found(0, *joint, 0) - person.keypoints[k].x,
                   dy = found(0, *joint, 1) - person.keypoints[k].y;
      errors.push_back(std::hypot(dx, dy));
      offset_x += dx;
      offset_y += dy;
      CHECK((confidence(0, *joint) >= 0 && confidence(0, *joint) <= 1));
    }
    std::sort(errors.begin(), errors.end());
    // The person is 304 pixels tall.
    CHECK(errors[errors.size() / 2] < 12);
    CHECK(std::abs(offset_x / static_cast<double>(errors.size())) < 11);
    CHECK(std::abs(offset_y / static_cast<double>(errors.size())) < 8);
  }
}

TEST_CASE("Hand networks find an annotated hand's joints", "[models][shared]") {
  const auto folder = shared_folder("data/freihand");
  if (!folder) return;
  const auto photo = pk::load_image<float>(*folder / "00017620.jpg");
  const auto data = pk::load_coco(*folder / "freihand.json");
  const auto image = std::find_if(data.images.begin(), data.images.end(),
                                  [](const auto& i) { return i.file_name == "00017620.jpg"; });
  REQUIRE(image != data.images.end());
  const auto hand = std::find_if(data.annotations.begin(), data.annotations.end(),
                                 [&](const auto& a) { return a.image_id == image->id; });
  REQUIRE(hand != data.annotations.end());
  REQUIRE(hand->keypoints.size() == 21);
  for (const std::string name : {"handlandmark-lite", "handlandmark-full", "handskeleton"}) {
    if (!model_file(name)) continue;
    INFO(name);
    const auto model = pk::load_pose_model<float>(name, models_folder());
    // The networks expect fingers that point up.
    const double angle = std::atan2(hand->keypoints[9].y - hand->keypoints[0].y,
                                    hand->keypoints[9].x - hand->keypoints[0].x) *
                             180 / 3.14159265 +
                         90;
    const auto crop =
        pk::square_crop(hand->box, model.input().size, model.input().crop_margin, angle);
    pk::Tape<float> tape;
    const auto x = tape.constant(
        pk::reshaped(pk::crop_image(photo, crop), {1, 3, model.input().size, model.input().size}));
    const auto answer = model.run(x);
    const auto found = pk::to_photo(crop, pk::Tensor<float>(answer.positions.value()));
    CHECK((*answer.confidence)(0, 0) > 0.5f);
    std::vector<double> errors;
    for (std::size_t k = 0; k < 21; ++k)
      errors.push_back(
          std::hypot(found(0, k, 0) - hand->keypoints[k].x, found(0, k, 1) - hand->keypoints[k].y));
    std::sort(errors.begin(), errors.end());
    CHECK(errors[10] < 12);
  }
}

TEST_CASE("An imported network is written, read again and answers the same", "[models]") {
  if (!model_file("movenet-lightning")) return;
  const auto folder = scratch_folder("model_zoo");
  const auto network =
      pk::load_pose_network<float>("movenet-lightning", models_folder(), {.beta = 2.5});
  const auto image = pk::testing::random_tensor<float>({3, 192, 192}, 3, 0, 1);
  const auto before = pk::predict(network, image);
  const auto path = folder / "mine.safetensors";
  network.save(path);
  const auto again = pk::load_pose_network<float>(path);
  CHECK(again.name() == "mine.safetensors");
  CHECK(again.skeleton().name == "coco_17");
  CHECK(again.weighted_layers() == network.weighted_layers());
  CHECK(network.weighted_layers() > 40);
  const auto after = pk::predict(again, image);
  CHECK(identical(after.positions, before.positions));
  CHECK(identical(after.confidence, before.confidence));
  // Another beta than the one it was saved with.
  const auto sharper = pk::load_pose_network<float>(path, {.beta = 9});
  CHECK(!identical(pk::predict(sharper, image).positions, before.positions));
  CHECK_THROWS_AS(pk::load_pose_network<float>(path, {.beta = -1}), pk::ValueError);
  // The network's own beta is written too.
  pk::load_pose_network<float>("movenet-lightning", models_folder()).save(path);
  CHECK(pk::SafetensorsFile(path).metadata().at("beta") == "3");
  // One that has forgotten is written as it is.
  const auto forgetful = network.randomized(3, 7);
  CHECK(again.randomized(3).name() == "mine.safetensors");
  const auto changed = pk::predict(forgetful, image);
  CHECK(!identical(changed.positions, before.positions));
  forgetful.save(folder / "forgetful.safetensors");
  const auto read = pk::load_pose_network<float>(folder / "forgetful.safetensors");
  CHECK(identical(pk::predict(read, image).positions, changed.positions));
}

TEST_CASE("Files of imported networks are looked at before they are believed", "[models]") {
  const auto folder = scratch_folder("model_zoo_errors");
  pk::Graph graph;
  graph.nodes = {{"x", "input"}};
  const auto error = [&](const std::map<std::string, std::string>& metadata) -> std::string {
    const auto path = folder / "net.safetensors";
    pk::save_graph(path, graph, metadata);
    try {
      (void)pk::load_pose_network<float>(path);
    } catch (const pk::Error& e) {
      return e.what();
    }
    return "";
  };
  const auto contains = [](const std::string& text, const std::string& part) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
  };
  contains(error({{"architecture", "graph"}}), "net.safetensors: there is no model named ''");
  contains(error({{"architecture", "graph"}, {"network", "bodynet"}}), "no model named 'bodynet'");
  contains(error({{"architecture", "graph"}, {"network", "posenet"}, {"beta", "-1"}}),
           "'-1' for 'beta', expected a positive number");
  contains(error({{"architecture", "graph"}, {"network", "movenet-lightning"}}),
           "no node or output named");
  contains(error({{"architecture", "hourglass"}}), "'hourglass'");
  CHECK_THROWS_AS(pk::load_pose_network<float>(folder / "nothing.safetensors"), pk::FileError);
}

TEST_CASE("What a saved network could not be read with is not saved", "[models]") {
  pk::Graph graph;
  graph.nodes = {{"image", "input", {}}, {"activation_heatmap", "Mine", {{"image"}}}};
  graph.outputs = {{"activation_heatmap", {"activation_heatmap", 0}}};
  auto operations = pk::GraphOperations<float>::built_in();
  operations.add("Mine", pk::unary_operation<float>([](const pk::Var<float>& x) { return x; }));
  const auto network = pk::make_pose_network<float>("blazepose-lite-heatmaps",
                                                    pk::Network<float>(graph, {}, operations));
  CHECK_THROWS_WITH(network.save("mine.safetensors"), Catch::Contains("'Mine' is not posekit's"));
  CHECK_THROWS_WITH(pk::make_pose_network<float>("blazepose-lite",
                                                 pk::Network<float>(graph, {}, operations), 2.0),
                    Catch::Contains("blazepose-lite has none"));
}
