#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include <posekit/core/tensor.hpp>
#include <posekit/models/image_lifter.hpp>
#include <posekit/models/pose_attribute_net.hpp>
#include <posekit/pose/pose_attributes.hpp>

#include "domains.hpp"

using ImageNetwork = posekit::models::PoseAttributeNet<float>;
using JoinedNetwork = posekit::models::ImageLifter<float>;

/// Weights of a network that sees square pictures of people of skeletons::pose_16, with nine
/// attributes and two domains; the second one's lifter has that skeleton too. Throws
/// posekit::FileError for others.
std::shared_ptr<ImageNetwork> load_image_network(const std::filesystem::path& weights);
std::shared_ptr<JoinedNetwork> load_joined_network(const std::filesystem::path& weights);
/// A lifter of skeletons::pose_16. Throws posekit::FileError for others.
std::shared_ptr<posekit::models::ProgressivePose<float>> load_lifter(
    const std::filesystem::path& weights);

/// What a network says of pictures, of which only numbers are kept.
struct ImageAnswers {
  posekit::Tensor<float> joints;         ///< [N, 16, 2] in the picture, whose sides are at -1 and 1
  posekit::Tensor<float> probabilities;  ///< [N, 9, 3]
  posekit::Tensor<float> domain;         ///< [N, 2], logits
  /// [N, 16, 3], mm; of size 0 without a lifter
  posekit::Tensor<float> positions = posekit::zeros<float>({0});
};
ImageAnswers answers_of(const ImageNetwork& network, const posekit::Tensor<float>& images,
                        double beta);
ImageAnswers answers_of(const JoinedNetwork& network, const posekit::Tensor<float>& images);

/// How good a network is on one domain.
struct ImageMeasures {
  double pckh = 0;  ///< PCKh@0.5
  posekit::AttributeAccuracy attributes{};
  /// Of the classifier of domains; NaN for a domain that it does not know.
  double domain_accuracy = 0;
  double mpjpe = 0, pa_mpjpe = 0;  ///< mm; NaN without a lifter
};
ImageMeasures measure(const ImageAnswers& answers, const DomainBatch& truth);

/// What somebody gets right who says each joint's commonest class, whatever the picture.
posekit::AttributeAccuracy commonest_classes(const DomainBatch& truth);

/// The pictures of all domains that a network is measured with.
std::vector<DomainBatch> test_batches(const PeopleOptions& options, std::size_t count,
                                      const std::vector<Domain>& domains);

/// How heatmaps are read where weights do not say.
inline constexpr double usual_beta = 20;

/// Measures `answers(images)` on pictures of all domains and prints it, with what somebody gets
/// right who knows nothing but the commonest classes.
void print_domains(const PeopleOptions& people, std::size_t images,
                   const std::function<ImageAnswers(const posekit::Tensor<float>&)>& answers);

/// A line for each domain, under a header.
void print_measures(const std::vector<Domain>& domains, const std::vector<ImageMeasures>& measures);
