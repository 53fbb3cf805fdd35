#include "explanation.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include <posekit/attribution/kde.hpp>

namespace pk = posekit;

namespace {

/// The density of one joint's map, where it is defined; otherwise the joint's note says why not.
std::optional<pk::Tensor<float>> density(const pk::Tensor<float>& maps, std::size_t k, int threads,
                                         pk::JointExplanation& joint) {
  if (!joint.di) return std::nullopt;
  pk::Tensor<float> map = pk::make_tensor<float>({maps.shape()[1], maps.shape()[2]});
  std::copy_n(maps.data() + k * map.size(), map.size(), map.data());
  try {
    return pk::kde_map(map, {.threads = threads});
  } catch (const pk::ValueError& error) {
    joint.note = error.what();
    return std::nullopt;
  }
}

}  // namespace

Explanation explain_person(const ExplainOptions& options, const pk::CocoDataset* dataset,
                           const pk::PoseNetwork<float>& network, bool with_densities,
                           const pk::ProgressCallback& progress,
                           const std::atomic<bool>& interrupted) {
  const auto stop_if_interrupted = [&] {
    if (interrupted.load()) throw pk::Cancelled("stopped");
  };
  Explanation e;
  e.subject = find_subject(options, dataset, network);
  stop_if_interrupted();
  const auto start = std::chrono::steady_clock::now();
  pk::PoseIgOptions integration = options.integration;
  integration.progress = progress;
  e.result = pk::explain(network, e.subject.image, integration, e.subject.what);
  e.result.crop = e.subject.crop;
  e.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  e.joints = pk::joint_explanations(network.skeleton(), e.result);
  for (std::size_t k = 0; k < e.joints.size(); ++k) {
    e.densities.emplace_back();
    if (with_densities)
      e.densities.back() = density(e.result.maps, k, options.integration.threads, e.joints[k]);
    stop_if_interrupted();
  }
  return e;
}

std::string report_json(const ExplainOptions& options, const Explanation& e,
                        const pk::PoseNetwork<float>& network, double seconds) {
  return pk::explanation_json(network.description(), e.result, e.joints, options.integration,
                              {.image = options.image.string(),
                               .width = e.subject.photo.width,
                               .height = e.subject.photo.height,
                               .box = e.subject.box,
                               .truth = options.truth,
                               .mask = e.subject.mask_source,
                               .baseline = options.baseline,
                               .distances = options.space,
                               .seconds_attribution = e.seconds,
                               .seconds_total = seconds});
}

std::string report_table(const std::vector<pk::JointExplanation>& joints) {
  std::string text;
  char line[200];
  std::snprintf(line, sizeof line, "%-18s %8s %8s %8s   %s\n", "joint", "FI", "LI", "DI",
                "confidence");
  text += line;
  const auto number = [](const std::optional<double>& value) {
    char digits[32] = "n/a";
    if (value) std::snprintf(digits, sizeof digits, "%.2f", *value);
    return std::string(digits);
  };
  for (const pk::JointExplanation& joint : joints) {
    std::snprintf(line, sizeof line, "%-18s %8s %8s %8s   %.2f", joint.name.c_str(),
                  number(joint.fi).c_str(), number(joint.li).c_str(), number(joint.di).c_str(),
                  joint.confidence);
    text += line;
    if (!joint.note.empty()) text += "   " + joint.note;
    text += '\n';
  }
  return text;
}
