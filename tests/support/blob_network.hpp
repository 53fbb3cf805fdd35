#pragma once

// A pose network without weights: three joints, at the red, the green and the blue of a picture.

#include <array>
#include <atomic>
#include <memory>
#include <string_view>

#include <posekit/heatmap/soft_argmax.hpp>
#include <posekit/models/pose_network.hpp>

namespace blobs {

namespace pk = posekit;

inline constexpr std::array<std::string_view, 3> joints{"red", "green", "blue"};
inline constexpr std::array<std::int8_t, 3> parents{-1, 0, 1};
inline constexpr std::array<std::uint8_t, 3> flips{0, 1, 2};
inline const pk::Skeleton skeleton{"blobs", joints, {}, parents, flips};

/// Where a colour is, and how bright it is at most.
template <class T>
struct Brightest {
  std::shared_ptr<std::atomic<int>> calls = std::make_shared<std::atomic<int>>(0);

  pk::PoseOutput<T> operator()(const pk::Var<T>& images) const {
    ++*calls;
    const pk::Shape shape = images.shape();
    const std::size_t pixels = shape[2] * shape[3];
    pk::Tensor<T> peaks = pk::zeros<T>({shape[0], 3});
    const pk::Tensor<T>& values = images.value();
    for (std::size_t i = 0; i < values.size(); ++i) {
      T& peak = peaks.data()[i / pixels];
      peak = std::max(peak, values.data()[i]);
    }
    return {
        .positions = pk::soft_argmax(images, {.beta = 40, .coordinates = pk::Coordinates::pixel}),
        .confidence = std::move(peaks),
        .heatmaps = images};
  }
};

template <class T>
pk::PoseNetwork<T> network(std::size_t size, const Brightest<T>& model = {}) {
  return {{.name = "blobs", .skeleton = &skeleton, .input = {.size = size}}, model};
}

/// A picture [3, height, width] with a square of each colour, 5 pixels wide, around (x, y).
template <class T>
pk::Tensor<T> picture(std::size_t height, std::size_t width,
                      const std::array<std::array<std::size_t, 2>, 3>& places) {
  pk::Tensor<T> image = pk::zeros<T>({3, height, width});
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t y = places[c][1] - 2; y <= places[c][1] + 2; ++y) {
      for (std::size_t x = places[c][0] - 2; x <= places[c][0] + 2; ++x) image(c, y, x) = 1;
    }
  }
  return image;
}

}  // namespace blobs
