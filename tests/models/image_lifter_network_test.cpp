#include <catch2/catch.hpp>

#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <tuple>

#include <posekit/attribution/explanation.hpp>
#include <posekit/autodiff/tape.hpp>
#include <posekit/batches/pose_batch.hpp>
#include <posekit/core/error.hpp>
#include <posekit/models/image_lifter.hpp>
#include <posekit/models/image_lifter_network.hpp>
#include <posekit/models/margipose_network.hpp>
#include <posekit/models/model_zoo.hpp>
#include <posekit/models/pose_attribute_network.hpp>
#include <posekit/models/prediction.hpp>
#include <posekit/models/progressive_network.hpp>
#include <posekit/nn/checkpoint.hpp>
#include <posekit/nn/module.hpp>
#include <posekit/testing/gradient_check.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

const pk::models::ImageLifterOptions described{
    .image = {.stacks = 1, .features = 8, .domain_features = 5, .input = {64, 64}, .seed = 3},
    .lifter = {.width = 12,
               .blocks = 1,
               .dropout = 0.25,
               .second_block = pk::models::SecondBlock::distal_first,
               .unit = 500},
    .beta = 12.5};

template <class T>
std::shared_ptr<pk::models::ImageLifter<T>> written_net() {
  return std::make_shared<pk::models::ImageLifter<T>>(described);
}

}  // namespace

TEMPLATE_TEST_CASE("A lifted pose is put where its joints are seen", "[models]", float, double) {
  using T = TestType;
  const auto positions = random_tensor<T>({3, 6, 3}, 2, -800, 800);
  pk::Tensor<T> joints = pk::make_tensor<T>({3, 6, 2});
  for (std::size_t n = 0; n < 3; ++n) {
    for (std::size_t j = 0; j < 6; ++j) {
      for (std::size_t a = 0; a < 2; ++a)
        joints(n, j, a) = positions(n, j, a) * T(0.05) * static_cast<T>(n + 1) + T(20) + T(a);
    }
  }
  pk::Tape<T> tape;
  const auto placed = pk::models::place_in_picture(tape.constant(pk::Tensor<T>(positions)),
                                                   tape.constant(pk::Tensor<T>(joints)), 4)
                          .value();
  for (std::size_t n = 0; n < 3; ++n) {
    for (std::size_t j = 0; j < 6; ++j) {
      CHECK(placed(n, j, 0) == Approx(joints(n, j, 0)).margin(1e-3));
      CHECK(placed(n, j, 1) == Approx(joints(n, j, 1)).margin(1e-3));
      const T z = (positions(n, j, 2) - positions(n, 4, 2)) * T(0.05) * static_cast<T>(n + 1);
      CHECK(placed(n, j, 2) == Approx(z).margin(1e-3));
    }
  }
  const auto flat = pk::models::place_in_picture(tape.constant(pk::zeros<T>({3, 6, 3})),
                                                 tape.constant(pk::Tensor<T>(joints)), 4);
  for (const T value : flat.value()) CHECK(std::isfinite(value));
  CHECK_THROWS_AS(pk::models::place_in_picture(tape.constant(pk::zeros<T>({3, 6, 3})),
                                               tape.constant(pk::zeros<T>({3, 5, 2})), 4),
                  pk::ShapeError);
  CHECK_THROWS_AS(pk::models::place_in_picture(tape.constant(pk::zeros<T>({3, 6, 3})),
                                               tape.constant(pk::zeros<T>({3, 6, 2})), 6),
                  pk::ShapeError);
}

TEST_CASE("The gradient of a placed pose is that of differences", "[models]") {
  const auto check = pk::testing::check_gradients(
      [](const auto& v) { return pk::models::place_in_picture(v[0], v[1], 2); },
      {random_tensor<double>({2, 5, 3}, 3), random_tensor<double>({2, 5, 2}, 4)});
  INFO(check.message);
  CHECK(check.ok);
}

TEMPLATE_TEST_CASE("An image lifter is a pose network", "[models]", float, double) {
  using T = TestType;
  const auto net = written_net<T>();
  const auto network = pk::models::pose_network(net);
  CHECK(network.skeleton().name == "pose_16");
  const auto images = random_tensor<T>({2, 3, 64, 64}, 5, 0, 1);
  pk::Tape<T> tape;
  const pk::PoseOutput<T> answer = network.run(tape.constant(pk::Tensor<T>(images)));
  REQUIRE(answer.positions.shape() == pk::Shape{2, 16, 3});
  REQUIRE(answer.heatmaps.has_value());
  CHECK(pk::shape_of(answer.heatmaps->value()) == pk::Shape{2, 16, 16, 16});
  REQUIRE(answer.confidence.has_value());
  for (const T value : *answer.confidence) CHECK((value >= 0 && value <= 1));
  // By hand: normalised, and the middle of what was lifted in the middle of what was seen.
  const auto out = (*net)(tape.constant(pk::normalize_images<T>(pk::cast<float>(images))));
  for (std::size_t n = 0; n < 2; ++n) {
    for (std::size_t a = 0; a < 2; ++a) {
      double seen = 0, placed = 0;
      for (std::size_t j = 0; j < 16; ++j) {
        seen += 32 * (static_cast<double>(out.joints.value()(n, j, a)) + 1) - 0.5;
        placed += static_cast<double>(answer.positions.value()(n, j, a));
      }
      CHECK(placed / 16 == Approx(seen / 16).epsilon(1e-3));
    }
    CHECK(answer.positions.value()(n, 0, 2) == 0);
  }
}

TEST_CASE("An image lifter can be predicted with and explained", "[models]") {
  const auto network = pk::models::pose_network(written_net<double>());
  const auto image = random_tensor<double>({3, 64, 64}, 6, 0, 1);
  CHECK(pk::shape_of(pk::predict(network, image).positions) == pk::Shape{16, 3});
  const auto why = pk::explain(network, image, {.sigma = 4, .steps = 8}, {.joints = {6, 15}});
  CHECK(pk::shape_of(why.maps) == pk::Shape{2, 64, 64});
  for (const double value : why.maps) CHECK(std::isfinite(value));
}

TEST_CASE("An image lifter is written with its description and read again", "[models]") {
  const auto folder = scratch_folder("image_lifter_network");
  const auto net = written_net<float>();
  const auto network = pk::models::pose_network(net);
  network.save(folder / "net.safetensors");
  const auto again = pk::load_pose_network<float>(folder / "net.safetensors");
  CHECK(again.name() == "net.safetensors");
  CHECK(again.input().size == 64);
  const auto image = random_tensor<float>({3, 64, 64}, 6, 0, 1);
  CHECK(identical(pk::predict(network, image).positions, pk::predict(again, image).positions));
  const auto loaded = pk::models::load_image_lifter<double>(folder / "net.safetensors");
  CHECK(to_metadata(loaded->options()) == to_metadata(described));
  CHECK(loaded->options().lifter.second_block == pk::models::SecondBlock::distal_first);

  pk::save_half_safetensors(folder / "half.safetensors", *net, to_metadata(described));
  const auto half = pk::load_pose_network<float>(folder / "half.safetensors");
  CHECK(relative_difference(pk::predict(half, image).positions,
                            pk::predict(network, image).positions) < 0.05);

  // Its parts, alone.
  pk::save_safetensors(folder / "image.safetensors", net->image, to_metadata(described.image));
  pk::save_safetensors(folder / "lifter.safetensors", net->lifter, to_metadata(described.lifter));
  CHECK(to_metadata(
            pk::models::load_pose_attribute_net<float>(folder / "image.safetensors")->options()) ==
        to_metadata(described.image));
  CHECK(to_metadata(
            pk::models::load_progressive_pose<float>(folder / "lifter.safetensors")->options()) ==
        to_metadata(described.lifter));
  CHECK_THROWS_WITH(pk::models::load_progressive_pose<float>(folder / "image.safetensors"),
                    Catch::Contains("holds weights of 'pose_attribute_net', expected "
                                    "progressive_pose"));
  CHECK_THROWS_WITH(pk::models::load_image_lifter<float>(folder / "lifter.safetensors"),
                    Catch::Contains("expected image_lifter"));
  CHECK_THROWS_WITH(pk::models::load_margipose<float>(folder / "net.safetensors"),
                    Catch::Contains("expected margipose"));
}

TEST_CASE("Files that describe no image lifter are refused in one line", "[models]") {
  const auto folder = scratch_folder("image_lifter_network");
  const auto net = written_net<float>();
  const auto with = [&](const std::string& key, const std::string& value) {
    auto changed = to_metadata(described);
    changed[key] = value;
    if (value.empty()) changed.erase(key);
    pk::save_safetensors(folder / "changed.safetensors", *net, changed);
    return folder / "changed.safetensors";
  };
  for (const auto& [key, value, text] :
       {std::tuple{"image.height", "96", "expected multiples of 64"},
        std::tuple{"image.height", "128", "attribute_head.linear.weight' has shape [27, 8], its"},
        std::tuple{"image.joints", "17", "17 joints"},
        std::tuple{"image.joints", "999999", "describe a network of more than"},
        std::tuple{"image.features", "999996", "linear.weight' has shape"},
        std::tuple{"image.features", "x", "expected a number"},
        std::tuple{"image.stacks", "0", "0 stacks"},
        std::tuple{"image.stacks", "999999", "describe a network of more than"},
        std::tuple{"image.architecture", "hourglass", "weights of 'hourglass'"},
        std::tuple{"lifter.width", "13", "g11.w1.weight' has shape [12, 59], its metadata"},
        std::tuple{"lifter.attributes", "0", "its metadata describe [12, 32]"},
        std::tuple{"lifter.blocks", "99999", "describe a network of more than"},
        std::tuple{"lifter.order", "sideways", "expected one of none, forward"},
        std::tuple{"lifter.order", "backward", "'lifter.g13.w1.weight' has shape [12, 95]"},
        std::tuple{"lifter.skeleton", "nobody", "'nobody'"},
        std::tuple{"lifter.skeleton", "margipose_17", "its metadata describe [12, 61]"},
        std::tuple{"lifter.dropout", "1", "dropout 1"},
        std::tuple{"beta", "0", "beta is 0"},
        std::tuple{"beta", "", "has no 'beta', expected weights that posekit-progressive wrote"},
        std::tuple{"crop", "nan", "crop is"}}) {
    INFO(key << " " << value);
    std::string said;
    try {
      pk::models::load_image_lifter<float>(with(key, value));
    } catch (const pk::FileError& error) {
      said = error.what();
    }
    CHECK_THAT(said, Catch::Contains(text));
    CHECK(said.find('\n') == std::string::npos);
  }
  pk::models::ImageLifterOptions other = described;
  other.image.input = {64, 128};
  CHECK_THROWS_WITH(
      pk::models::pose_network(std::make_shared<pk::models::ImageLifter<float>>(other)),
      Catch::Contains("64 x 128 pixels, expected square ones"));
}

TEST_CASE("An image lifter forgets from its lifter's end", "[models]") {
  const auto net = written_net<float>();
  const auto network = pk::models::pose_network(net);
  std::size_t weighted = 0, of_domains = 0;
  for (const auto& [name, parameter] : pk::nn::parameters(*net)) {
    weighted += parameter->value().dimension() >= 2 ? 1 : 0;
    of_domains +=
        name.starts_with("image.domain_classifier.") && parameter->value().dimension() >= 2;
  }
  REQUIRE(of_domains == 2);
  REQUIRE(network.weighted_layers() == weighted - of_domains);
  const auto image = random_tensor<float>({3, 64, 64}, 6, 0, 1);
  const auto said = [&](const pk::PoseNetwork<float>& n) { return pk::predict(n, image); };
  const auto before = said(network);
  CHECK(identical(said(network.randomized(0)).positions, before.positions));
  const auto once = said(network.randomized(1));
  CHECK(!identical(once.positions, before.positions));
  CHECK(identical(*once.heatmaps, *before.heatmaps));
  CHECK(!identical(*said(network.randomized(1000)).heatmaps, *before.heatmaps));
  CHECK(identical(said(network).positions, before.positions));
}
