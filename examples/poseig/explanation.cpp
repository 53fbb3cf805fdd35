#include "explanation.hpp"

#include <algorithm>
#include <chrono>

#include <posekit/attribution.hpp>
#include <posekit/image/crop.hpp>
#include <posekit/io/image.hpp>

namespace pk = posekit;

namespace {

/// The indices of one joint's map [1, S, S] and its density [S, S], where they are defined.
std::optional<pk::Tensor<float>> measure(const pk::Tensor<float>& map, const Subject& subject,
                                         int threads, double locality, bool with_density,
                                         JointReport& joint) {
  joint.di = pk::diffusion_index(map, {.empty = pk::EmptyMap::nan})(0);
  if (!(*joint.di >= 0)) {
    joint.di.reset();
    joint.note = "no pixel has any influence: the likelihood is flat along the whole path";
    return std::nullopt;
  }
  joint.li = locality;
  if (subject.mask) joint.fi = pk::foreground_index(map, *subject.mask)(0);
  if (!with_density) return std::nullopt;
  try {
    return pk::kde_map(pk::reshaped(pk::Tensor<float>(map), {map.shape()[1], map.shape()[2]}),
                       threads);
  } catch (const pk::ValueError& error) {
    joint.note = error.what();
    return std::nullopt;
  }
}

}  // namespace

pk::PoseIgResult<float> attribute(const ExplainOptions& options, const Subject& subject,
                                  const pk::PoseModel<float>& model,
                                  const pk::ProgressCallback& progress) {
  pk::PoseIgOptions integration = options.integration;
  std::optional<pk::Tensor<float>> baseline;
  if (integration.path == pk::PathKind::straight) {
    if (options.baseline == "black") {
      integration.baseline = pk::Baseline::black;
    } else if (options.baseline == "mean") {
      integration.baseline = pk::Baseline::mean;
    } else if (options.baseline == "constant") {
      integration.baseline = pk::Baseline::constant;
    } else {
      const auto picture = pk::load_image<float>(options.baseline);
      pk::require_shape(picture, pk::shape_of(subject.photo), "--baseline",
                        "the picture [3, height, width]");
      integration.baseline = pk::Baseline::image;
      baseline = pk::crop_image(picture, subject.crop);
    }
  }
  // Distances in photo pixels are those in crop pixels times the crop's scale.
  const auto unit = options.space == "photo" ? static_cast<float>(subject.crop.scale()) : 1.0f;
  const auto chosen = [&](const pk::Var<float>& x) {
    const auto pose = pk::select_joints(model(x), subject.joints);
    return unit == 1.0f ? pose : pose * unit;
  };
  pk::Tensor<float> target = subject.target;
  for (auto& v : target) v *= unit;
  integration.progress = progress;
  auto result = pk::pose_ig(chosen, subject.image, target, integration, baseline);
  for (auto* pose : {&result.pose, &result.pose_baseline}) {
    for (auto& v : *pose) v /= unit;
  }
  return result;
}

Explanation explain_person(const ExplainOptions& options, const pk::CocoDataset* dataset,
                           const pk::PoseModel<float>& model, bool with_densities,
                           const pk::ProgressCallback& progress,
                           const std::atomic<bool>& interrupted) {
  const auto stop_if_interrupted = [&] {
    if (interrupted.load()) throw pk::Cancelled("stopped");
  };
  Explanation e;
  e.subject = find_subject(options, dataset, model);
  stop_if_interrupted();
  const Subject& subject = e.subject;
  const auto start = std::chrono::steady_clock::now();
  e.result = attribute(options, subject, model, progress);
  e.report.seconds_attribution =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  e.maps = e.result.maps();
  e.signed_maps = e.result.signed_maps();
  const std::size_t pixels = subject.crop.width * subject.crop.height;
  e.report.locality = pk::locality_index(e.maps, subject.target, {.empty = pk::EmptyMap::nan});
  const auto predicted_photo = pk::to_photo(subject.crop, pk::Tensor<float>(e.result.pose));
  const auto target_photo = pk::to_photo(subject.crop, pk::Tensor<float>(subject.target));
  for (std::size_t k = 0; k < subject.joints.size(); ++k) {
    JointReport joint;
    joint.name = model.skeleton->joints[subject.joints[k]];
    for (std::size_t d = 0; d < 2; ++d) {
      joint.predicted_crop[d] = e.result.pose(k, d);
      joint.predicted_photo[d] = predicted_photo(k, d);
      joint.target_crop[d] = subject.target(k, d);
      joint.target_photo[d] = target_photo(k, d);
    }
    joint.confidence = subject.predicted.confidence(subject.joints[k]);
    joint.score = e.result.score(k);
    joint.score_baseline = e.result.score_baseline(k);
    joint.completeness_gap = e.result.completeness_gap(k);
    pk::Tensor<float> map = pk::make_tensor<float>({1, subject.crop.height, subject.crop.width});
    std::copy_n(e.maps.data() + k * pixels, pixels, map.data());
    e.densities.push_back(measure(map, subject, options.integration.threads,
                                  e.report.locality(k, k), with_densities, joint));
    e.report.joints.push_back(std::move(joint));
    stop_if_interrupted();
  }
  return e;
}
