#pragma once

// What an explanation says of each joint, as numbers, as a table and as JSON.

#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <posekit/attribution/explanation.hpp>
#include <posekit/attribution/pose_ig.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/image/box.hpp>
#include <posekit/models/pose_network.hpp>

namespace posekit::inline POSEKIT_ISA {

/// What is known of one explained joint. Positions are (x, y); "crop" is what the network saw.
struct JointExplanation {
  std::string name;
  std::array<double, 2> predicted_crop{}, predicted_photo{};
  std::array<double, 2> target_crop{}, target_photo{};
  double confidence = 0;
  double score = 0, score_baseline = 0, completeness_gap = 0;
  std::optional<double> fi{}, li{}, di{};  ///< absent: undefined
  std::string note{};                      ///< why something is absent

  /// Distances of the prediction from the target.
  double error_crop() const {
    return std::hypot(predicted_crop[0] - target_crop[0], predicted_crop[1] - target_crop[1]);
  }
  double error_photo() const {
    return std::hypot(predicted_photo[0] - target_photo[0], predicted_photo[1] - target_photo[1]);
  }
};

/// Of each explained joint, in the explanation's order.
template <class T>
std::vector<JointExplanation> joint_explanations(const Skeleton& skeleton,
                                                 const PoseExplanation<T>& explanation);

/// A row for each joint, with a heading.
std::string explanation_csv(const std::vector<JointExplanation>& joints);

/// FI, LI and DI as the last fields of a row: each after a comma, empty where it is undefined.
std::string index_fields(const JointExplanation& joint);

/// What a report says besides: where things came from.
struct ReportContext {
  std::string image;  ///< the photo's file
  std::size_t width = 0, height = 0;
  Box box{};                       ///< the person in the photo
  std::string truth{};             ///< where the targets come from
  std::string mask{};              ///< where the person's pixels come from
  std::string baseline{};          ///< of a straight path
  std::string distances = "crop";  ///< the pixels that the likelihood's distances are in
  double seconds_attribution = 0, seconds_total = 0;
};

/// All of it as a JSON document.
template <class T>
std::string explanation_json(const PoseNetworkDescription& network,
                             const PoseExplanation<T>& explanation,
                             const std::vector<JointExplanation>& joints,
                             const PoseIgOptions& integration, const ReportContext& context);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_ATTRIBUTION

#include <posekit/io/csv.hpp>
#include <posekit/io/json_document.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
std::vector<JointExplanation> joint_explanations(const Skeleton& skeleton,
                                                 const PoseExplanation<T>& e) {
  const Tensor<T> predicted_photo = to_photo(e.crop, Tensor<T>(e.attribution.pose));
  const Tensor<T> target_photo = to_photo(e.crop, Tensor<T>(e.target));
  const auto point = [](const Tensor<T>& points, std::size_t k) {
    return std::array{static_cast<double>(points(k, 0)), static_cast<double>(points(k, 1))};
  };
  const auto index = [](T value) {
    return std::isnan(value) ? std::nullopt : std::optional(static_cast<double>(value));
  };
  std::vector<JointExplanation> joints;
  for (std::size_t k = 0; k < e.joints.size(); ++k) {
    const std::size_t j = e.joints[k];
    JointExplanation joint{
        .name = std::string(skeleton.joints[j]),
        .predicted_crop = point(e.attribution.pose, k),
        .predicted_photo = point(predicted_photo, k),
        .target_crop = point(e.target, k),
        .target_photo = point(target_photo, k),
        .confidence = static_cast<double>(e.prediction.confidence(j)),
        .score = static_cast<double>(e.attribution.score(k)),
        .score_baseline = static_cast<double>(e.attribution.score_baseline(k)),
        .completeness_gap = static_cast<double>(e.attribution.completeness_gap(k)),
        .fi = index(e.foreground_index(k)),
        .li = index(e.locality_index(k)),
        .di = index(e.diffusion_index(k))};
    if (!joint.di) {
      joint.note = "no pixel has any influence: the likelihood is flat along the whole path";
    }
    joints.push_back(std::move(joint));
  }
  return joints;
}

POSEKIT_INLINE std::string explanation_csv(const std::vector<JointExplanation>& joints) {
  std::string text =
      "joint,predicted_x,predicted_y,target_x,target_y,predicted_photo_x,predicted_photo_y,"
      "target_photo_x,target_photo_y,confidence,score,score_baseline,completeness_gap,fi,li,di\n";
  for (const JointExplanation& j : joints) {
    text += csv_field(j.name);
    for (const auto& p : {j.predicted_crop, j.target_crop, j.predicted_photo, j.target_photo})
      text += ',' + csv_field(p[0]) + ',' + csv_field(p[1]);
    for (const double value : {j.confidence, j.score, j.score_baseline, j.completeness_gap})
      text += ',' + csv_field(value);
    text += index_fields(j) + '\n';
  }
  return text;
}

POSEKIT_INLINE std::string index_fields(const JointExplanation& joint) {
  std::string text;
  for (const auto& index : {joint.fi, joint.li, joint.di}) {
    text += ',' + csv_field(index.value_or(std::nan("")));
  }
  return text;
}

namespace internal {

inline JsonDocument point_json(const std::array<double, 2>& p) {
  return JsonDocument::array({rounded_json(p[0]), rounded_json(p[1])});
}

inline const char* rule_name(Quadrature rule) {
  switch (rule) {
    case Quadrature::left:
      return "left";
    case Quadrature::midpoint:
      return "midpoint";
    case Quadrature::trapezoid:
      return "trapezoid";
    case Quadrature::gauss_legendre:
      break;
  }
  return "gauss-legendre";
}

inline JsonDocument integration_json(const PoseIgOptions& ig, const ReportContext& context) {
  const bool blur = ig.path == PathKind::blur;
  JsonDocument path = {{"path", blur ? "blur" : "straight"}};
  if (blur) {
    path["sigma"] = ig.sigma;
    path["kernel"] = ig.kernel == BlurKernel::gaussian ? "gaussian" : "taps31";
  } else {
    path["baseline"] = context.baseline;
  }
  path["steps"] = ig.steps;
  path["rule"] = rule_name(ig.rule);
  path["integrand"] = ig.integrand == Integrand::path_derivative ? "path" : "endpoint";
  path["likelihood"] = {
      {"kind", ig.likelihood.kind == LikelihoodKind::squared_distance ? "squared" : "distance"},
      {"c", ig.likelihood.c},
      {"space", context.distances}};
  if (ig.noise_samples > 0) {
    path["noise"] = {{"samples", ig.noise_samples}, {"sigma", ig.noise_sigma}, {"seed", ig.seed}};
  }
  return path;
}

}  // namespace internal

template <class T>
std::string explanation_json(const PoseNetworkDescription& network,
                             const PoseExplanation<T>& explanation,
                             const std::vector<JointExplanation>& joints,
                             const PoseIgOptions& integration, const ReportContext& context) {
  JsonDocument root;
  root["model"] = {{"name", network.name},
                   {"reads", network.reads},
                   {"skeleton", std::string(network.skeleton->name)},
                   {"size", explanation.crop.width}};
  root["image"] = {{"file", context.image}, {"width", context.width}, {"height", context.height}};
  const Box& box = context.box;
  root["box"] = {rounded_json(box.x), rounded_json(box.y), rounded_json(box.width),
                 rounded_json(box.height)};
  const auto& m = explanation.crop.to_photo;
  root["crop_to_photo"] = {{m(0, 0), m(0, 1), m(0, 2)}, {m(1, 0), m(1, 1), m(1, 2)}};
  root["truth"] = context.truth;
  root["mask"] = context.mask;
  root["integration"] = internal::integration_json(integration, context);
  JsonDocument list = JsonDocument::array();
  for (const JointExplanation& j : joints) {
    JsonDocument entry = {{"name", j.name},
                          {"predicted_crop", internal::point_json(j.predicted_crop)},
                          {"predicted_photo", internal::point_json(j.predicted_photo)},
                          {"target_crop", internal::point_json(j.target_crop)},
                          {"target_photo", internal::point_json(j.target_photo)},
                          {"confidence", rounded_json(j.confidence)},
                          {"score", rounded_json(j.score)},
                          {"score_baseline", rounded_json(j.score_baseline)},
                          {"completeness_gap", rounded_json(j.completeness_gap)},
                          {"fi", rounded_json(j.fi)},
                          {"li", rounded_json(j.li)},
                          {"di", rounded_json(j.di)}};
    if (!j.note.empty()) entry["note"] = j.note;
    list.push_back(std::move(entry));
  }
  root["joints"] = list;
  JsonDocument matrix = JsonDocument::array();
  for (std::size_t a = 0; a < joints.size(); ++a) {
    JsonDocument row = JsonDocument::array();
    for (std::size_t x = 0; x < joints.size(); ++x) {
      row.push_back(rounded_json(static_cast<double>(explanation.locality(a, x))));
    }
    matrix.push_back(row);
  }
  root["locality"] = {{"about", "LI_A(X): row A, column X, in the order of joints"},
                      {"matrix", matrix}};
  root["seconds"] = {{"attribution", rounded_json(context.seconds_attribution)},
                     {"total", rounded_json(context.seconds_total)}};
  return json_text(root);
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_ATTRIBUTION
