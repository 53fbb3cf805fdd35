#include <catch2/catch.hpp>

#include <cstddef>
#include <map>
#include <string>

#include <posekit/core/error.hpp>
#include <posekit/models/progressive_network.hpp>
#include <posekit/models/progressive_pose.hpp>
#include <posekit/nn/checkpoint.hpp>
#include <posekit/nn/initialization.hpp>
#include <posekit/pose/skeletons.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;
using Catch::Matchers::Contains;
using pk::models::Dependencies;
using pk::models::ProgressivePoseOptions;
using pk::testing::random_tensor;

TEST_CASE("A lifting network is what was saved", "[models]") {
  const auto path = scratch_folder("progressive_network") / "net.safetensors";
  const auto joints = random_tensor<float>({4, 16, 2}, 1),
             seen = random_tensor<float>({4, 9, 3}, 2);
  for (const auto order : {Dependencies::none, Dependencies::forward, Dependencies::backward,
                           Dependencies::both, Dependencies::unconnected}) {
    for (const std::size_t blocks : {0u, 2u}) {
      const ProgressivePoseOptions options{.attributes = blocks == 2,
                                           .width = 7,
                                           .blocks = blocks,
                                           .dropout = 0.25,
                                           .order = order,
                                           .second_block = pk::models::SecondBlock::distal_first,
                                           .unit = 150};
      pk::models::ProgressivePose<float> net(options);
      pk::nn::initialize(net, {.seed = 3});
      pk::save_safetensors(path, net, pk::models::to_metadata(options));
      net.eval();
      const auto loaded = pk::models::load_progressive_pose<float>(path);
      CHECK(loaded->options().order == order);
      CHECK(loaded->options().second_block == pk::models::SecondBlock::distal_first);
      CHECK(loaded->options().dropout == 0.25);
      CHECK(loaded->options().skeleton == &pk::skeletons::pose_16);
      CHECK(identical(loaded->lift(joints, seen), net.lift(joints, seen)));
    }
  }
}

TEST_CASE("Files that hold no lifting network are refused in one line", "[models]") {
  const auto path = scratch_folder("progressive_network") / "bad.safetensors";
  const ProgressivePoseOptions options{.width = 5, .blocks = 1};
  pk::models::ProgressivePose<float> net(options);
  const auto refused = [&](const std::string& key, const std::string& value, const char* what) {
    auto metadata = pk::models::to_metadata(options);
    if (value.empty()) {
      metadata.erase(key);
    } else {
      metadata[key] = value;
    }
    pk::save_safetensors(path, net, metadata);
    CHECK_THROWS_WITH(pk::models::load_progressive_pose<float>(path),
                      Contains("bad.safetensors: ") && Contains(what) && !Contains("\n"));
  };
  refused("architecture", "margipose", "holds weights of 'margipose', expected progressive_pose");
  refused("architecture", "", "has no 'architecture'");
  refused("skeleton", "centaur", "centaur");
  refused("skeleton", "hand_21", "hand_21 has no torso joints");
  refused("width", "wide", "'wide' for 'width', expected a number");
  refused("width", "0", "tensor 'g11.w1.weight'");
  refused("width", "999999", "has shape [5, 59], its metadata describe [999999, 59]");
  refused("blocks", "99999", "its metadata describe a network of more than");
  refused("dropout", "nan", "0 to less than 1");
  refused("unit", "-1", "and a positive number");
  refused("order", "sideways", "expected one of none, forward");
  refused("second_block", "", "has no 'second_block'");
  // Other weights under the right name.
  pk::models::ProgressivePose<float> wide({.width = 6, .blocks = 1});
  pk::save_safetensors(path, wide, pk::models::to_metadata(options));
  CHECK_THROWS_AS(pk::models::load_progressive_pose<float>(path), pk::FileError);
  CHECK_THROWS_AS(pk::models::load_progressive_pose<float>("nowhere.safetensors"), pk::FileError);
}
