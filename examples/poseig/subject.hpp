#pragma once

#include <string>

#include <posekit/attribution/explanation.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/datasets/coco.hpp>
#include <posekit/image/crop.hpp>
#include <posekit/io/image.hpp>
#include <posekit/models/pose_network.hpp>

#include "options.hpp"

/// What is explained: a person in a photo, as one network sees it.
struct Subject {
  posekit::Bitmap photo;
  posekit::Box box;              ///< the person in the photo
  posekit::Crop crop;            ///< what the network is shown
  posekit::Tensor<float> image;  ///< that, [3, S, S]
  std::string mask_source;
  /// Joints, truth, mask and baseline, in pixels of `image`.
  posekit::ExplanationOptions<float> what;
};

/// Finds all of that. `dataset` holds the options' annotations, and is null where they name none.
/// Throws posekit::Error with a sentence for the user.
Subject find_subject(const ExplainOptions& options, const posekit::CocoDataset* dataset,
                     const posekit::PoseNetwork<float>& network);
