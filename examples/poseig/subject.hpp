#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <posekit/core/tensor.hpp>
#include <posekit/datasets/coco.hpp>
#include <posekit/image/crop.hpp>
#include <posekit/io/image.hpp>
#include <posekit/models/pose_model.hpp>

#include "options.hpp"

/// Positions [J, 2] in a crop's pixels and confidences [J].
struct Prediction {
  posekit::Tensor<float> positions, confidence;
};

Prediction predict(const posekit::PoseModel<float>& model, const posekit::Tensor<float>& crop,
                   int threads);

/// What is explained: a person in a photo, as one network sees it.
struct Subject {
  posekit::Bitmap bitmap;                      ///< the photo
  posekit::Tensor<float> photo;                ///< the same, [3, H, W] in [0, 1]
  posekit::Box box;                            ///< the person in the photo
  posekit::Crop crop;                          ///< what the network is shown
  posekit::Tensor<float> image;                ///< that, [3, S, S]
  Prediction predicted;                        ///< all joints
  std::vector<std::size_t> joints;             ///< those that are explained
  posekit::Tensor<float> target;               ///< [joints, 2], where they should be, in the crop
  std::optional<posekit::Tensor<float>> mask;  ///< [S, S], 1 on the person
  std::string mask_source;
};

/// Finds all of that. `dataset` holds the options' annotations, and is null where they name none.
/// Throws posekit::Error with a sentence for the user.
Subject find_subject(const ExplainOptions& options, const posekit::CocoDataset* dataset,
                     const posekit::PoseModel<float>& model);
