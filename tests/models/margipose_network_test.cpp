#include <catch2/catch.hpp>

#include <posekit/batches/pose_batch.hpp>
#include <posekit/models/margipose_network.hpp>
#include <posekit/models/model_zoo.hpp>
#include <posekit/models/prediction.hpp>
#include <posekit/nn/checkpoint.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;
using pk::models::FeatureExtractor;

namespace {

const pk::models::MargiPoseConfiguration small{
    .image_size = 64,
    .network = {
        .stages = 2, .feature_extractor = FeatureExtractor::resnet18, .width = 16, .seed = 4}};

}  // namespace

TEMPLATE_TEST_CASE("MargiPose is a pose network", "[models]", float, double) {
  using T = TestType;
  const auto net = std::make_shared<pk::models::MargiPose<T>>(small.network);
  const auto network = pk::models::pose_network(net, 64);
  const auto images = pk::testing::random_tensor<T>({2, 3, 64, 64}, 5, 0, 1);
  pk::Tape<T> tape;
  const pk::PoseOutput<T> answer = network.run(tape.constant(pk::Tensor<T>(images)));
  // By hand: normalised, through the network, to pixels.
  pk::Tensor<T> input = images;
  const double mean[3] = {0.485, 0.456, 0.406}, deviation[3] = {0.229, 0.224, 0.225};
  for (std::size_t i = 0; i < input.size(); ++i) {
    const std::size_t c = i / (64 * 64) % 3;
    input.data()[i] =
        static_cast<T>((static_cast<double>(input.data()[i]) - mean[c]) / deviation[c]);
  }
  const auto out = (*net)(tape.constant(pk::Tensor<T>(input)));
  const auto pixels = pk::denormalize_joints(pk::Tensor<T>(out.xyz.value()), 64, 64);
  const double close = sizeof(T) == 4 ? 2e-3 : 1e-9;
  for (std::size_t i = 0; i < pixels.size(); ++i)
    CHECK(std::abs(static_cast<double>(pixels.data()[i] - answer.positions.value().data()[i])) <
          close);
  REQUIRE(answer.heatmaps.has_value());
  CHECK(pk::shape_of(answer.heatmaps->value()) == pk::Shape{2, 17, 8, 8});
  REQUIRE(answer.confidence.has_value());
  for (const T value : *answer.confidence) CHECK((value > 0 && value <= 1));
  CHECK(network.skeleton().name == "margipose_17");
}

TEST_CASE("MargiPose is written with its description and read again", "[models]") {
  const auto folder = scratch_folder("margipose_network");
  const auto net = std::make_shared<pk::models::MargiPose<float>>(small.network);
  const auto network = pk::models::pose_network(net, 64);
  network.save(folder / "net.safetensors");
  const auto again = pk::load_pose_network<float>(folder / "net.safetensors");
  CHECK(again.name() == "net.safetensors");
  CHECK(again.input().size == 64);
  const auto image = pk::testing::random_tensor<float>({3, 64, 64}, 6, 0, 1);
  CHECK((pk::predict(network, image).positions == pk::predict(again, image).positions));
  const auto loaded = pk::models::load_margipose<double>(folder / "net.safetensors");
  CHECK(loaded.configuration.network.width == 16);
  CHECK(to_metadata(loaded.configuration) == to_metadata(small));

  CHECK_THROWS_AS(pk::load_pose_network<float>(folder / "none.safetensors"), pk::FileError);
  pk::save_safetensors(folder / "bare.safetensors", *net);
  CHECK_THROWS_WITH(pk::load_pose_network<float>(folder / "bare.safetensors"),
                    Catch::Contains("its metadata has no"));
  auto metadata = to_metadata(small);
  const auto written = [&](const std::string& key, const std::string& value) {
    auto changed = metadata;
    changed[key] = value;
    pk::save_safetensors(folder / "changed.safetensors", *net, changed);
    return folder / "changed.safetensors";
  };
  for (const auto& [key, value, text] :
       {std::tuple{"image_size", "96x", "expected a number"},
        std::tuple{"image_size", "100", "expected a multiple of 32"},
        std::tuple{"joints", "16", "expected the 17 of margipose_17"},
        std::tuple{"stages", "3", "no tensors of 3 stages"},
        std::tuple{"stages", "999999", "no tensors of 999999 stages"},
        std::tuple{"width", "999999", "no tensors of 2 stages of width 999999"},
        std::tuple{"feature_extractor", "vgg", "there is no feature extractor 'vgg'"},
        std::tuple{"architecture", "hourglass", "weights of 'hourglass'"}}) {
    INFO(key);
    CHECK_THROWS_WITH(pk::load_pose_network<float>(written(key, value)), Catch::Contains(text));
  }
}

TEST_CASE("Sizes that do not go together are refused", "[models]") {
  const auto net = std::make_shared<pk::models::MargiPose<float>>(small.network);
  CHECK_THROWS_WITH(pk::models::pose_network(net, 100), Catch::Contains("a multiple of 32"));
  CHECK_THROWS_WITH(pk::models::pose_network(net, 160), Catch::Contains("axis permutation"));
  CHECK_THROWS_WITH(pk::models::pose_network(net, 64, pk::skeletons::hand_21),
                    Catch::Contains("MargiPose has 17 joints, hand_21 has 21"));
  // A file would not say whose joints these are.
  CHECK_THROWS_AS(pk::models::pose_network(net, 64, pk::skeletons::coco_17).save("other"),
                  pk::ValueError);
  CHECK(to_string(pk::models::feature_extractor("resnet50")) == "resnet50");
}

TEST_CASE("MargiPose forgets from its last stage down", "[models]") {
  const auto net = std::make_shared<pk::models::MargiPose<float>>(small.network);
  const auto network = pk::models::pose_network(net, 64);
  std::size_t convolutions = 0;
  for (const auto& [name, parameter] : pk::nn::parameters(*net))
    convolutions += parameter->value().dimension() >= 2 ? 1 : 0;
  REQUIRE(network.weighted_layers() == convolutions);
  pk::Tape<float> tape;
  const auto image = tape.constant(pk::testing::random_tensor<float>({1, 3, 64, 64}, 6, 0, 1));
  const auto maps = [&](const pk::PoseNetwork<float>& n) { return n.run(image).heatmaps->value(); };
  const auto before = maps(network);
  CHECK(identical(maps(network.randomized(0)), before));
  // The last stage's column of xy comes first; its other columns do not change xy.
  std::size_t column = 0;
  for (const auto& [name, parameter] : pk::nn::parameters(*net))
    column += name.starts_with("inner.xy_hm_cnns.1.") && parameter->value().dimension() >= 2;
  const auto once = maps(network.randomized(1)), all = maps(network.randomized(column));
  CHECK(!identical(once, before));
  CHECK(identical(maps(network.randomized(1)), once));
  CHECK(!identical(all, once));
  CHECK(identical(maps(network.randomized(3 * column)), all));
  CHECK(!identical(maps(network.randomized(3 * column + 1)), all));
  CHECK(!identical(maps(network.randomized(1000, 1)), maps(network.randomized(1000, 2))));
  CHECK(identical(maps(network), before));  // it is its copies that forget
}
