#include "lift_measurement.hpp"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include <posekit/pose/position_errors.hpp>
#include <posekit/pose/skeletons.hpp>

#include "test_seed.hpp"

namespace pk = posekit;

namespace {

/// The part of the body as Table 6 of the paper has it, without its side.
std::string part_of(std::string_view joint) {
  for (const std::string_view side : {"left_", "right_"})
    if (joint.starts_with(side)) joint.remove_prefix(side.size());
  return std::string(joint);
}

double mean_of(const LiftingErrors::Named& named) {
  double sum = 0;
  for (const auto& [name, value] : named) sum += value;
  return named.empty() ? 0 : sum / static_cast<double>(named.size());
}

}  // namespace

LiftingErrors measure_lifting(const pk::Tensor<float>& prediction, const pk::Tensor<float>& truth,
                              const std::vector<std::string>& actions, std::size_t draws) {
  const auto& skeleton = pk::skeletons::pose_16;
  const auto said = pk::cast<double>(prediction), expected = pk::cast<double>(truth);
  const pk::PoseMetric errors = pk::mpjpe(said, expected, skeleton);
  LiftingErrors result{
      .mpjpe = errors.mean,
      .pa_mpjpe = pk::pa_mpjpe(said, expected, skeleton).mean,
      .rigid =
          pk::position_error(said, expected, skeleton, {.alignment = pk::Alignment::rigid}).mean,
      .freedom = errors.per_group(pk::JointGrouping::freedom)};
  // Left and right are measured in as many frames; the root is where it is by definition.
  for (const char* part :
       {"hip", "spine", "thorax", "shoulder", "head", "elbow", "knee", "wrist", "ankle"}) {
    double sum = 0, count = 0;
    for (std::size_t j = 0; j < errors.joints.size(); ++j) {
      if (part_of(errors.joints[j]) != part) continue;
      sum += errors.per_joint[j];
      count += 1;
    }
    result.parts.emplace_back(part, sum / count);
  }
  result.by_parts = mean_of(result.parts);
  if (actions.empty()) return result;
  std::vector<std::string> labels;
  for (std::size_t draw = 0; draw < draws; ++draw)
    labels.insert(labels.end(), actions.begin(), actions.end());
  result.actions = errors.per_action(labels);
  result.by_actions = mean_of(result.actions);
  return result;
}

void print_errors(const LiftingErrors& e) {
  std::printf("  MPJPE     %6.1f mm  (P1, roots together)\n", e.mpjpe);
  std::printf(
      "  PA-MPJPE  %6.1f mm  (P2, after a similarity transform; %.1f mm after a rigid one)\n",
      e.pa_mpjpe, e.rigid);
  const auto line = [](const char* title, const LiftingErrors::Named& named, double mean) {
    std::printf("  %s", title);
    for (const auto& [name, value] : named) std::printf("  %s %.1f", name.c_str(), value);
    if (mean > 0) std::printf("  mean %.1f", mean);
    std::printf("\n");
  };
  line("by part:   ", e.parts, e.by_parts);
  line("by freedom:", e.freedom, 0);
  if (!e.actions.empty()) line("by action: ", e.actions, e.by_actions);
}

pk::LiftingBatch<float> test_pairs(const pk::MotionCapture& recordings, pk::LiftingOptions options,
                                   std::size_t draws) {
  options.seed = test_seed;
  options.mirror = false;
  const pk::LiftingExamples<float> pairs(recordings.poses, pk::skeletons::pose_16, options);
  std::vector<std::size_t> frames(pairs.size());
  std::iota(frames.begin(), frames.end(), std::size_t{0});
  auto all = pairs.at(frames, 0);
  for (std::size_t draw = 1; draw < draws; ++draw) {
    const auto more = pairs.at(frames, draw);
    const auto append = [](auto& to, const auto& from) {
      pk::Shape shape = pk::shape_of(to);
      shape[0] += from.shape()[0];
      auto both = pk::make_tensor<typename std::decay_t<decltype(to)>::value_type>(shape);
      std::copy(from.begin(), from.end(), std::copy(to.begin(), to.end(), both.data()));
      to = std::move(both);
    };
    append(all.joints, more.joints);
    append(all.attributes, more.attributes);
    append(all.positions, more.positions);
    append(all.classes, more.classes);
    all.frames.insert(all.frames.end(), more.frames.begin(), more.frames.end());
  }
  return all;
}
