#pragma once

#include <optional>
#include <string>
#include <vector>

#include <posekit/core/tensor.hpp>
#include <posekit/heatmap/marginals.hpp>
#include <posekit/io/image.hpp>
#include <posekit/pose/skeletons.hpp>

/// What a picture of a prediction shows.
struct PredictionPicture {
  posekit::Tensor<float> image;                 ///< [3, S, S] in [0, 1]
  posekit::Tensor<float> joints;                ///< [J, 3], pixels of the image
  std::optional<posekit::Tensor<float>> truth;  ///< the same
  /// One joint's heatmaps [h, w] each, and where the network puts it, as in Fig. 8 of the paper.
  posekit::Marginals<posekit::Tensor<float>> maps;
  std::size_t joint = 0;
  std::string note;
};

/// Photo with the pose; the pose from the front, the side and above; the joint's three heatmaps.
posekit::Bitmap draw_prediction(const posekit::Skeleton& skeleton,
                                const PredictionPicture& picture);

/// A heatmap [h, w] in sequential colours, `side` pixels high, with a dashed cross at (x, y) in
/// [-1, 1].
posekit::Bitmap draw_heatmap(const posekit::Tensor<float>& map, double x, double y, double side);

/// Joint `joint` of one example of maps [N, J, h, w].
posekit::Tensor<float> heatmap_of(const posekit::Tensor<float>& maps, std::size_t example,
                                  std::size_t joint);
