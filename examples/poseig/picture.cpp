#include "picture.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <posekit/models/prediction.hpp>

namespace pk = posekit;

namespace {

std::vector<std::string> make_notes(const ExplainOptions& options, const Explanation& e) {
  const pk::PoseIgOptions& ig = options.integration;
  std::vector<std::string> notes;
  char line[160];
  if (ig.path == pk::PathKind::blur) {
    std::snprintf(line, sizeof line, "blur path, sigma %g px, %zu steps", ig.sigma, ig.steps);
  } else {
    std::snprintf(line, sizeof line, "straight path from %s, %zu steps", options.baseline.c_str(),
                  ig.steps);
  }
  notes.emplace_back(line);
  std::snprintf(line, sizeof line, "likelihood S = exp(-%g d%s), d in %s pixels", ig.likelihood.c,
                ig.likelihood.kind == pk::LikelihoodKind::squared_distance ? "^2" : "",
                options.space.c_str());
  notes.emplace_back(line);
  notes.emplace_back(options.truth == "self" ? "target: the network's own prediction"
                                             : "target: the annotation");
  notes.push_back(e.subject.what.mask ? "the person's pixels: " + e.subject.mask_source
                                      : "no mask of the person: FI is n/a");
  if (ig.integrand == pk::Integrand::path_derivative) {
    std::vector<double> gaps;
    for (const pk::JointExplanation& joint : e.joints) gaps.push_back(joint.completeness_gap);
    std::sort(gaps.begin(), gaps.end());
    std::snprintf(line, sizeof line, "completeness gap in S: median %.2g, worst %.2g",
                  gaps[gaps.size() / 2], gaps.back());
    notes.emplace_back(line);
  }
  return notes;
}

}  // namespace

pk::PoseIgFigure<float> make_figure(const ExplainOptions& options,
                                    const pk::PoseNetwork<float>& network, const Explanation& e) {
  const pk::Crop& crop = e.subject.crop;
  const pk::PoseIgResult<float>& attribution = e.result.attribution;
  pk::PoseIgFigure<float> figure;
  figure.title = "Why " + network.name() + " put each joint where it did";
  figure.notes = make_notes(options, e);
  figure.photo = e.subject.photo;
  const double right = static_cast<double>(crop.width) - 0.5;
  const double bottom = static_cast<double>(crop.height) - 0.5;
  figure.photo_corners = pk::to_photo(
      crop, pk::tensor_from<float>(
                {4, 2}, std::vector<double>{-0.5, -0.5, right, -0.5, right, bottom, -0.5, bottom}));
  figure.skeleton = &network.skeleton();
  figure.crop_pose = pk::plane_positions(e.result.prediction.positions);
  figure.photo_pose = pk::to_photo(crop, pk::Tensor<float>(figure.crop_pose));
  figure.crop = pk::to_bitmap(e.subject.image);
  figure.baseline = pk::to_bitmap(attribution.baseline);
  // Where all joints are explained, what the network says of the baseline is known.
  figure.baseline_pose =
      e.joints.size() == network.skeleton().size() && options.joints.empty()
          ? attribution.pose_baseline
          : pk::plane_positions(
                pk::predict(network, attribution.baseline, options.integration.threads).positions);
  figure.baseline_caption = options.integration.path == pk::PathKind::blur
                                ? "blurred baseline, and the pose in it"
                                : "baseline, and the pose in it";
  const std::size_t pixels = crop.width * crop.height;
  for (std::size_t k = 0; k < e.joints.size(); ++k) {
    const pk::JointExplanation& joint = e.joints[k];
    pk::PoseIgPanel<float> panel;
    panel.joint = joint.name;
    panel.predicted_x = joint.predicted_crop[0];
    panel.predicted_y = joint.predicted_crop[1];
    panel.target_x = joint.target_crop[0];
    panel.target_y = joint.target_crop[1];
    panel.attribution = e.result.signed_maps.data() + k * pixels;
    panel.density = e.densities[k] ? e.densities[k]->data() : nullptr;
    panel.fi = joint.fi;
    panel.li = joint.li;
    panel.di = joint.di;
    panel.score = joint.score;
    panel.score_baseline = joint.score_baseline;
    figure.panels.push_back(panel);
  }
  return figure;
}
