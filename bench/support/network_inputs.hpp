#pragma once

// The networks that are timed, and what is fed to them.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <posekit/graph/tensorflow/tfjs.hpp>
#include <posekit/image/crop.hpp>
#include <posekit/io/image.hpp>
#include <posekit/testing/random_tensor.hpp>

namespace bench {

namespace pk = posekit;

struct NetworkCase {
  std::string name;
  std::string pose_model;  ///< as load_pose_model knows it
  std::string heatmaps;    ///< the node that joints are read from
  std::size_t size;
  std::size_t joints;
  float low, high;  ///< range of the input
};

inline const std::vector<NetworkCase>& network_cases() {
  static const std::vector<NetworkCase> cases{
      {"posenet", "posenet", "MobilenetV1/heatmap_2/BiasAdd", 257, 17, -1.f, 1.f},
      {"blazepose-lite", "blazepose-lite-heatmaps",
       "StatefulPartitionedCall/model/activation_heatmap/Sigmoid", 256, 17, 0.f, 1.f},
  };
  return cases;
}

/// Tells why a network is not timed.
inline void skip(const NetworkCase& c) {
  std::fprintf(stderr,
               "%s is not timed: scripts/fetch_models.sh --all and scripts/fetch_photo.sh fetch "
               "what it takes\n",
               c.name.c_str());
}

/// The file of a network; nothing where it was not fetched.
inline std::optional<std::filesystem::path> network_file(const std::string& name) {
  const char* given = std::getenv("POSEKIT_MODELS");
  const std::filesystem::path folder = given != nullptr ? given : POSEKIT_SOURCE_DIR "/models";
  const auto file = folder / (name + ".json");
  if (std::filesystem::exists(file)) return file;
  return std::nullopt;
}

/// The demo's photo, cut to the person, [1, S, S, 3]; nothing where it was not fetched. Noise would
/// leave the rectifiers in a state that no photo does.
inline std::optional<pk::Tensor<float>> network_input(const NetworkCase& c) {
  const std::filesystem::path file = POSEKIT_SOURCE_DIR "/photos/person.jpg";
  if (!std::filesystem::exists(file)) return std::nullopt;
  const auto photo =
      pk::crop_image(pk::load_image<float>(file), pk::square_crop({180, 90, 100, 300}, c.size));
  pk::Tensor<float> image = pk::make_tensor<float>({1, c.size, c.size, 3});
  for (std::size_t y = 0; y < c.size; ++y) {
    for (std::size_t x = 0; x < c.size; ++x) {
      for (std::size_t k = 0; k < 3; ++k)
        image(0, y, x, k) = c.low + (c.high - c.low) * photo(k, y, x);
    }
  }
  return image;
}

/// One cotangent per joint, [J, 1, h, w, C], each 0 outside its joint's channel.
inline pk::Tensor<float> joint_seeds(const pk::Shape& output, std::size_t joints) {
  pk::Shape shape = output;
  shape.insert(shape.begin(), joints);
  pk::Tensor<float> seeds = pk::zeros<float>(shape);
  const std::size_t channels = output.back();
  const std::size_t size = output[1] * output[2] * channels;
  const auto noise = pk::testing::random_tensor<float>({joints, size}, 11, -1, 1);
  for (std::size_t j = 0; j < joints; ++j) {
    for (std::size_t i = j; i < size; i += channels) seeds.data()[j * size + i] = noise(j, i);
  }
  return seeds;
}

}  // namespace bench
