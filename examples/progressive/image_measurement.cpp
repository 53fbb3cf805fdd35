#include "image_measurement.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <utility>

#include <posekit/autodiff/softmax.hpp>
#include <posekit/autodiff/tape.hpp>
#include <posekit/core/error.hpp>
#include <posekit/models/image_lifter_network.hpp>
#include <posekit/models/pose_attribute_network.hpp>
#include <posekit/models/progressive_network.hpp>
#include <posekit/pose/pck.hpp>
#include <posekit/pose/position_errors.hpp>
#include <posekit/pose/skeletons.hpp>

namespace pk = posekit;

namespace {

constexpr std::size_t trained_domain_count = 2;  // lab and wild

/// Runs `answer` on parts of the pictures and puts the rows of what it says together.
template <class Answer>
ImageAnswers in_parts(const pk::Tensor<float>& images, const Answer& answer) {
  constexpr std::size_t together = 32;
  const pk::Shape shape = pk::shape_of(images);
  const std::size_t count = shape[0], size = shape[1] * shape[2] * shape[3];
  ImageAnswers all;
  pk::Tape<float> tape;
  for (std::size_t first = 0; first < count; first += together) {
    const std::size_t part = std::min(together, count - first);
    pk::Tensor<float> some = pk::make_tensor<float>({part, shape[1], shape[2], shape[3]});
    std::copy_n(images.data() + first * size, part * size, some.data());
    const ImageAnswers said = answer(tape.constant(std::move(some)));
    for (const auto field : {&ImageAnswers::joints, &ImageAnswers::probabilities,
                             &ImageAnswers::domain, &ImageAnswers::positions}) {
      const pk::Tensor<float>& rows = said.*field;
      if (rows.size() == 0) continue;
      pk::Shape whole = pk::shape_of(rows);
      whole[0] = count;
      if (first == 0) all.*field = pk::make_tensor<float>(whole);
      std::copy_n(rows.data(), rows.size(), (all.*field).data() + first * (rows.size() / part));
    }
    tape.clear();
  }
  return all;
}

void require_pose_16(const std::filesystem::path& weights, const pk::Skeleton& skeleton) {
  if (&skeleton == &pk::skeletons::pose_16) return;
  throw pk::FileError(pk::error_text(weights.string(), ": lifts poses of ", skeleton.name,
                                     ", expected ", pk::skeletons::pose_16.name));
}

void require_usual(const std::filesystem::path& weights,
                   const pk::models::PoseAttributeNetOptions& o) {
  if (o.joints == pk::skeletons::pose_16.size() && o.attributes == pk::pose_attribute_count &&
      o.classes == pk::pose_attribute_class_count && o.domains == trained_domain_count &&
      o.input[0] == o.input[1])
    return;
  throw pk::FileError(pk::error_text(weights.string(), ": sees ", o.joints, " joints, ",
                                     o.attributes, " attributes of ", o.classes, " classes and ",
                                     o.domains, " domains in pictures of ", o.input[0], " x ",
                                     o.input[1], ", expected 16, 9 of 3 and 2 in square ones"));
}

}  // namespace

std::shared_ptr<ImageNetwork> load_image_network(const std::filesystem::path& weights) {
  auto network = pk::models::load_pose_attribute_net<float>(weights);
  require_usual(weights, network->options());
  return network;
}

std::shared_ptr<JoinedNetwork> load_joined_network(const std::filesystem::path& weights) {
  auto network = pk::models::load_image_lifter<float>(weights);
  require_pose_16(weights, *network->options().lifter.skeleton);
  require_usual(weights, network->options().image);
  return network;
}

std::shared_ptr<pk::models::ProgressivePose<float>> load_lifter(
    const std::filesystem::path& weights) {
  auto network = pk::models::load_progressive_pose<float>(weights);
  require_pose_16(weights, *network->options().skeleton);
  return network;
}

ImageAnswers answers_of(const ImageNetwork& network, const pk::Tensor<float>& images, double beta) {
  return in_parts(images, [&](const pk::Var<float>& x) {
    const auto out = network(x);
    return ImageAnswers{pk::models::read_peaks(out.heatmaps.back(), beta).value(),
                        pk::softmax(out.attributes).value(), out.domain.value(),
                        pk::zeros<float>({0})};
  });
}

ImageAnswers answers_of(const JoinedNetwork& network, const pk::Tensor<float>& images) {
  return in_parts(images, [&](const pk::Var<float>& x) {
    const auto out = network(x);
    return ImageAnswers{out.joints.value(), out.attributes.value(), out.seen.domain.value(),
                        out.lifted.positions.value()};
  });
}

ImageMeasures measure(const ImageAnswers& answers, const DomainBatch& truth) {
  const auto& skeleton = pk::skeletons::pose_16;
  const std::size_t count = truth.domains.size();
  const double half = static_cast<double>(truth.images.shape()[2]) / 2;
  ImageMeasures result;
  std::vector<double> heads;  // in the unit of the joints
  for (const double pixels : truth.head_diagonals) heads.push_back(std::max(1.0, pixels) / half);
  std::vector<std::uint8_t> visible;
  for (const float v : truth.targets.visible) visible.push_back(v > 0 ? 1 : 0);
  pk::RelativePckOptions pckh;
  pckh.common.visible = visible;
  result.pckh = pk::pckh(answers.joints, truth.targets.positions, skeleton, heads, pckh).mean;
  result.attributes =
      pk::attribute_accuracy(pk::attribute_classes(answers.probabilities), truth.classes);
  std::size_t right = 0, known = 0;
  for (std::size_t n = 0; n < count; ++n) {
    const std::int64_t domain = truth.targets.domains(n);
    if (domain < 0) continue;
    ++known;
    right += (answers.domain(n, 1) > answers.domain(n, 0) ? 1 : 0) == domain ? 1 : 0;
  }
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  result.domain_accuracy =
      known == 0 ? unknown : static_cast<double>(right) / static_cast<double>(known);
  result.mpjpe = result.pa_mpjpe = unknown;
  if (answers.positions.size() != 0) {
    result.mpjpe = pk::mpjpe(answers.positions, truth.positions, skeleton).mean;
    result.pa_mpjpe = pk::pa_mpjpe(answers.positions, truth.positions, skeleton).mean;
  }
  return result;
}

pk::AttributeAccuracy commonest_classes(const DomainBatch& truth) {
  pk::Tensor<std::int32_t> guess = truth.classes;
  for (std::size_t i = 0; i < pk::pose_attribute_count; ++i) {
    std::array<std::size_t, pk::pose_attribute_class_count> counts{};
    for (std::size_t n = 0; n < guess.shape()[0]; ++n) {
      if (truth.classes(n, i) >= 0) ++counts[static_cast<std::size_t>(truth.classes(n, i))];
    }
    const auto most = std::max_element(counts.begin(), counts.end()) - counts.begin();
    for (std::size_t n = 0; n < guess.shape()[0]; ++n)
      guess(n, i) = static_cast<std::int32_t>(most);
  }
  return pk::attribute_accuracy(guess, truth.classes);
}

std::vector<DomainBatch> test_batches(const PeopleOptions& options, std::size_t count,
                                      const std::vector<Domain>& domains) {
  std::vector<DomainBatch> result;
  for (const Domain domain : domains) {
    const auto examples = test_people(domain, options, count).examples(0, count);
    result.push_back(join(examples));
  }
  return result;
}

void print_measures(const std::vector<Domain>& domains,
                    const std::vector<ImageMeasures>& measures) {
  std::printf("%-6s %8s %10s %6s %6s %6s %6s %6s %8s", "", "PCKh@0.5", "attributes", "head",
              "elbow", "wrist", "knee", "ankle", "domain");
  const bool lifts = !measures.empty() && !std::isnan(measures[0].mpjpe);
  if (lifts) std::printf(" %9s %9s", "MPJPE", "PA-MPJPE");
  std::printf("\n");
  for (std::size_t i = 0; i < measures.size(); ++i) {
    const ImageMeasures& m = measures[i];
    const pk::AttributeAccuracy& a = m.attributes;
    std::printf("%-6s %7.1f%% %9.1f%% %5.1f%% %5.1f%% %5.1f%% %5.1f%% %5.1f%%",
                std::string(domain_names[static_cast<std::size_t>(domains[i])]).c_str(),
                100 * m.pckh, 100 * a.average, 100 * a.head, 100 * a.elbow, 100 * a.wrist,
                100 * a.knee, 100 * a.ankle);
    if (std::isnan(m.domain_accuracy)) {
      std::printf(" %8s", "");
    } else {
      std::printf(" %7.1f%%", 100 * m.domain_accuracy);
    }
    if (lifts) std::printf(" %6.1f mm %6.1f mm", m.mpjpe, m.pa_mpjpe);
    std::printf("\n");
  }
}

void print_domains(const PeopleOptions& people, std::size_t images,
                   const std::function<ImageAnswers(const pk::Tensor<float>&)>& answers) {
  const std::vector<Domain> all{Domain::lab, Domain::wild, Domain::night};
  std::printf("%zu pictures of each domain, which no training sees:\n", images);
  std::vector<ImageMeasures> measures;
  std::string guesses;
  for (const DomainBatch& test : test_batches(people, images, all)) {
    measures.push_back(measure(answers(test.images), test));
    char text[60];
    std::snprintf(text, sizeof text, "%s %s %.1f %%", guesses.empty() ? "" : ",",
                  std::string(domain_names[static_cast<std::size_t>(test.domains[0])]).c_str(),
                  100 * commonest_classes(test).average);
    guesses += text;
  }
  print_measures(all, measures);
  std::printf("(attributes of somebody who always says the commonest:%s)\n", guesses.c_str());
}
