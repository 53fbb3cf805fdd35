#pragma once

// Where pictures of people come from: sources that look different, as a laboratory's pictures do
// from those of everyday life.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <posekit/batches/batch_loader.hpp>
#include <posekit/batches/pose_example.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/models/pose_attribute_loss.hpp>
#include <posekit/synthetic/synthetic_people.hpp>

#include "recordings.hpp"

enum class Domain : std::int32_t {
  lab,    ///< few people in plain clothes before a few plain walls, one kind of camera
  wild,   ///< anybody anywhere
  night,  ///< anywhere in dim, coloured light, behind more things, with a noisy sensor
};
inline constexpr std::size_t domain_count = 3;
inline constexpr std::array<std::string_view, domain_count> domain_names{"lab", "wild", "night"};

/// The domain of a name. Throws posekit::ValueError, which lists them.
Domain domain_of(std::string_view name);

/// The people of all domains.
struct PeopleOptions {
  std::size_t image_size = 64;
  std::uint64_t seed = 1;
  /// Recorded poses that people take; empty: generated ones. Domains differ in what is seen, not
  /// in what people do.
  RecordingSource poses{};
  double threshold = 50;  ///< mm, of the attributes
};

/// What is done with the pictures: those to train with are augmented.
enum class Use { training, test };

/// One picture of one person, of skeletons::pose_16.
struct DomainExample {
  Domain domain = Domain::lab;
  posekit::PoseExample example;           ///< every joint counts that is in the picture
  posekit::Tensor<float> positions;       ///< [16, 3] mm from the root, the camera's axes
  posekit::Tensor<std::int32_t> classes;  ///< [9], posekit::PoseAttribute
  double head_diagonal = 0;               ///< pixels, of the head's box, for PCKh
};

/// Pictures of a domain. Example i is a function of the options and of i.
///
/// Training changes scale (1 +- 0.2) and colours (1 +- 0.2 for each channel) everywhere, and turns
/// where only 2D positions are told (+- 30 degrees; Wang et al. 2019, section 4.2). It does not
/// mirror, as theirs does: people wear warm colours on the left and cool ones on the right, since
/// shape alone tells small networks too little of which side is which. Scale and rotation are the
/// camera's: no borders come into the picture.
class DomainPeople {
 public:
  DomainPeople(Domain domain, const PeopleOptions& options, std::size_t count, Use use);

  std::size_t size() const { return people_.size(); }
  DomainExample example(std::size_t index) const;
  /// Examples begin ... begin + count - 1.
  std::vector<DomainExample> examples(std::size_t begin, std::size_t count) const;

 private:
  DomainExample finish(std::size_t index, posekit::PoseExample example) const;

  Domain domain_;
  PeopleOptions options_;
  Use use_;
  posekit::SyntheticPeople people_;
};

/// N pictures as a multi-task network is trained on them.
struct DomainBatch {
  posekit::Tensor<float> images;  ///< [N, 3, S, S], normalised
  /// Attributes are known in the lab alone.
  posekit::PoseAttributeTargets<float> targets;
  posekit::Tensor<float> positions;       ///< [N, 16, 3], as DomainExample
  posekit::Tensor<double> known;          ///< [N, 16]: 1 where training may see `positions`
  posekit::Tensor<std::int32_t> classes;  ///< [N, 9], the true ones
  std::vector<double> head_diagonals;     ///< [N]
  std::vector<Domain> domains;            ///< [N]
};
DomainBatch join(std::span<const DomainExample> examples);

/// Which sources a training sees.
enum class Sources { lab, mixed };

/// Batches for training, new pictures in each epoch: of the lab, or half of each from the lab
/// (first) and from the wild.
class TrainingPictures {
 public:
  TrainingPictures(Sources sources, const PeopleOptions& options, std::size_t images_per_epoch,
                   std::uint64_t epochs);
  posekit::BatchLoader<DomainBatch> loader(std::size_t batch_size, int workers) const;

 private:
  Sources sources_;
  std::uint64_t seed_;
  std::size_t images_;
  DomainPeople lab_, wild_;
};

/// Pictures for measuring, which no training sees: other people and places, moving as the options'
/// poses; the lab's walls are those of the training.
DomainPeople test_people(Domain domain, const PeopleOptions& options, std::size_t count);
