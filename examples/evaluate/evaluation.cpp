#include "evaluation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>
#include <optional>

#include <posekit/core/statistics.hpp>
#include <posekit/io/csv.hpp>
#include <posekit/io/npy.hpp>
#include <posekit/io/npz.hpp>

namespace pk = posekit;

namespace {

constexpr double box_fraction = 0.2;

/// The fraction of all measured values that is below each of 31 thresholds.
pk::ChartSeries curve(const pk::PoseMetric& metric, double last) {
  const auto sorted = pk::sorted_values({metric.values.data(), metric.values.size()});
  pk::ChartSeries series{"", {}, {}};
  for (std::size_t i = 0; i <= 30; ++i) {
    const double threshold = last * static_cast<double>(i) / 30;
    const auto below = std::lower_bound(sorted.begin(), sorted.end(), threshold) - sorted.begin();
    series.x.push_back(threshold);
    series.y.push_back(sorted.empty()
                           ? std::nan("")
                           : static_cast<double>(below) / static_cast<double>(sorted.size()));
  }
  return series;
}

struct NamedIndex {
  const char *column, *heading;
};
constexpr NamedIndex indices[] = {{"fi", "FI"}, {"li", "LI"}, {"di", "DI"}};

/// A row of a table of attributions whose joint was looked for.
struct AttributedJoint {
  std::size_t person, joint;
  std::array<double, std::size(indices)> values;
};

/// Throws FileError for columns that are missing, and for what is no number in any row.
std::vector<AttributedJoint> join(const pk::CsvTable& table, const Evaluation& evaluation) {
  const auto& ids = evaluation.matches->annotation_ids;
  std::map<std::string, std::size_t> people;
  for (std::size_t p = 0; p < ids.size(); ++p) people[std::to_string(ids[p])] = p;
  const std::size_t annotation = table.column("annotation"), joint = table.column("joint");
  std::array<std::size_t, std::size(indices)> columns{};
  for (std::size_t i = 0; i < columns.size(); ++i) columns[i] = table.column(indices[i].column);
  std::vector<AttributedJoint> joined;
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    AttributedJoint row{};
    for (std::size_t i = 0; i < columns.size(); ++i) row.values[i] = table.number(r, columns[i]);
    const auto person = people.find(table.rows[r][annotation]);
    const auto at = evaluation.skeleton->find(table.rows[r][joint]);
    if (person == people.end() || !at) continue;
    row.person = person->second;
    row.joint = *at;
    joined.push_back(row);
  }
  return joined;
}

/// Errors beside the indices of the same joints.
std::vector<IndexRelation> relate(const std::vector<AttributedJoint>& joined,
                                  const Evaluation& evaluation) {
  std::vector<IndexRelation> relations;
  for (std::size_t i = 0; i < std::size(indices); ++i) {
    IndexRelation relation{indices[i].heading, {}, 0, 0};
    std::vector<double> values, errors;
    for (const AttributedJoint& row : joined) {
      const double error = evaluation.error().values(row.person, row.joint);
      const double index = row.values[i];
      if (std::isnan(error) || std::isnan(index)) continue;
      const std::string group(pk::joint_group(evaluation.skeleton->joints[row.joint]));
      auto series = std::find_if(relation.groups.begin(), relation.groups.end(),
                                 [&](const auto& s) { return s.name == group; });
      if (series == relation.groups.end()) {
        relation.groups.push_back({group, {}, {}});
        series = relation.groups.end() - 1;
      }
      series->x.push_back(index);
      series->y.push_back(error);
      values.push_back(index);
      errors.push_back(error);
    }
    relation.pairs = values.size();
    relation.rank_correlation = pk::rank_correlation(values, errors);
    relations.push_back(std::move(relation));
  }
  return relations;
}

/// The rate of right joints with a low FI, where there is any FI.
std::optional<pk::LowInterpretability> find_low_interpretability(
    const std::vector<AttributedJoint>& joined, const Evaluation& evaluation) {
  pk::Tensor<double> fi = pk::make_tensor<double>(pk::shape_of(evaluation.error().values));
  fi.fill(std::nan(""));
  bool any = false;
  for (const AttributedJoint& row : joined) {
    fi(row.person, row.joint) = row.values[0];
    any = any || !std::isnan(row.values[0]);
  }
  if (!any) return std::nullopt;
  return pk::low_interpretability(evaluation.error(), fi);
}

Evaluation evaluate_people(const EvaluateOptions& options, ProgressBar& progress) {
  progress.say("reading " + options.truth.string());
  const auto truth = pk::load_coco(options.truth);
  progress.say("reading " + options.results.string());
  const auto results = pk::load_coco_results(options.results);
  progress.say(pk::error_text("evaluating ", results.size(), " detections in ", truth.images.size(),
                              " images"));
  Evaluation e;
  e.skeleton = &pk::keypoint_skeleton(truth);
  const std::vector<double> sigmas(e.skeleton->oks_sigmas.begin(), e.skeleton->oks_sigmas.end());
  e.coco = pk::evaluate_coco(truth, results, {.sigmas = sigmas, .threads = options.threads});
  e.matches = pk::match_coco(truth, results, {.sigmas = sigmas});
  const auto& m = *e.matches;
  const std::size_t joints = e.skeleton->size();
  std::vector<double> sides;
  std::vector<std::uint8_t> boxed = m.visible;
  std::vector<std::string> by_keypoints, by_occlusion, by_size;
  for (std::size_t p = 0; p < m.boxes.size(); ++p) {
    sides.push_back(std::max(m.boxes[p].width, m.boxes[p].height));
    const auto first = m.visible.begin() + static_cast<std::ptrdiff_t>(joints * p);
    const auto last = first + static_cast<std::ptrdiff_t>(joints);
    by_keypoints.push_back(
        pk::difficulty_by_keypoints(static_cast<std::size_t>(std::count(first, last, 1))) +
        " keypoints");
    by_occlusion.push_back(pk::difficulty_by_occlusion(m.hidden[p]) + " hidden");
    if (sides.back() > 0) {
      by_size.push_back(pk::difficulty_by_size(sides.back()) + " px");
    } else {
      // Without a box nothing relative to it is measured.
      by_size.push_back("no box");
      std::fill_n(boxed.begin() + static_cast<std::ptrdiff_t>(joints * p), joints, std::uint8_t{0});
      sides.back() = 1;
    }
  }
  const pk::PoseMetricOptions measured{.visible = m.visible, .threads = options.threads};
  e.columns.push_back({"error px", pk::epe(m.prediction, m.truth, *e.skeleton, measured), 1, 2});
  e.columns.push_back({"PCK@0.2 %",
                       pk::relative_pck(m.prediction, m.truth, *e.skeleton, sides,
                                        {.fraction = box_fraction,
                                         .common = {.visible = boxed, .threads = options.threads}}),
                       100, 1});
  e.columns.push_back(
      {"OKS %", pk::oks(m.prediction, m.truth, *e.skeleton, m.areas, measured), 100, 1});
  e.inversions = pk::find_inversions(m.prediction, m.truth, *e.skeleton,
                                     {.epsilon = options.epsilon, .visible = m.visible});
  e.kinds = pk::classify_errors(m.prediction, m.truth, *e.skeleton, m.areas,
                                {.visible = m.visible, .images = m.image_ids, .others = m.missed});
  for (const auto& [heading, labels] :
       {std::pair{"keypoints present", by_keypoints}, std::pair{"occlusion", by_occlusion},
        std::pair{"longer side of the box", by_size}}) {
    e.splits.emplace_back(heading, e.error().per_action(labels));
  }
  // Relative to the box.
  pk::PoseMetric relative = e.error();
  for (std::size_t i = 0; i < relative.values.size(); ++i) {
    relative.values.data()[i] =
        boxed[i] == 0 ? std::nan("") : relative.values.data()[i] / sides[i / joints];
  }
  e.pck_curve = curve(relative, 0.5);
  e.threshold_label = "threshold, fraction of the box's longer side";
  return e;
}

const pk::Skeleton& skeleton_of(const EvaluateOptions& options, std::size_t joints) {
  if (!options.skeleton.empty()) return pk::find_skeleton(options.skeleton);
  try {
    return pk::find_skeleton(joints);
  } catch (const pk::ValueError& error) {
    throw pk::ValueError(pk::error_text(
        "the poses have ", joints, " joints; say with --skeleton which they are: ", error.what()));
  }
}

/// An npy file, or the array `poses` of an npz file.
pk::Tensor<double> load_poses(const std::filesystem::path& path) {
  return path.extension() == ".npz" ? pk::load_npz<double>(path, "poses")
                                    : pk::load_npy<double>(path);
}

Evaluation evaluate_arrays(const EvaluateOptions& options, ProgressBar& progress) {
  progress.say("measuring " + options.results.string());
  const auto truth = load_poses(options.truth);
  const auto prediction = load_poses(options.results);
  pk::require_rank(truth, 3, options.truth.string().c_str(), "the truth", "[F, J, 2 or 3]");
  Evaluation e;
  e.skeleton = &skeleton_of(options, truth.shape()[1]);
  pk::PoseMetricOptions measured{.unit = options.unit, .threads = options.threads};
  if (!options.visible.empty()) {
    const auto mask = pk::load_npy<std::uint8_t>(options.visible);
    pk::require_shape(mask, {truth.shape()[0], truth.shape()[1]}, "--visible", "the mask [F, J]");
    measured.visible.emplace(mask.begin(), mask.end());
  }
  const bool flat = truth.shape()[2] == 2;
  const bool rooted = !flat && !e.skeleton->root.empty();
  const auto add = [&](const char* heading, pk::PoseMetric metric, double factor, int digits) {
    const std::string unit = factor == 100 ? "%" : metric.unit;
    e.columns.push_back({heading + (" " + unit), std::move(metric), factor, digits});
  };
  if (flat) {
    add("error", pk::epe(prediction, truth, *e.skeleton, measured), 1, 2);
    e.inversions = pk::find_inversions(prediction, truth, *e.skeleton,
                                       {.epsilon = options.epsilon, .visible = measured.visible});
  } else if (rooted) {
    add("MPJPE", pk::mpjpe(prediction, truth, *e.skeleton, measured), 1, 2);
    add("N-MPJPE", pk::n_mpjpe(prediction, truth, *e.skeleton, measured), 1, 2);
  } else {
    add("error", pk::position_error(prediction, truth, *e.skeleton, {.common = measured}), 1, 2);
  }
  add(flat ? "aligned" : "PA-MPJPE", pk::pa_mpjpe(prediction, truth, *e.skeleton, measured), 1, 2);
  // Thresholds are in mm: what that is in another unit has to be known.
  const std::string unit = e.error().unit;
  const double mm = unit == "m" ? 1e-3 : unit == "cm" ? 0.1 : 1.0;
  const double last = flat ? 50.0 : 150.0 * mm;
  if (!flat && (mm != 1.0 || unit == "mm")) {
    const auto alignment = rooted ? pk::Alignment::root : pk::Alignment::none;
    add("PCK@150mm",
        pk::pck(prediction, truth, *e.skeleton,
                {.threshold = last, .alignment = alignment, .common = measured}),
        100, 1);
    add("AUC",
        pk::auc(prediction, truth, *e.skeleton,
                {.last = last, .alignment = alignment, .common = measured}),
        100, 1);
  }
  if (!flat && mm == 1.0 && unit != "mm") {
    throw pk::ValueError("--unit is '" + unit + "', expected mm, cm or m for poses in space");
  }
  e.pck_curve = curve(e.error(), last);
  e.threshold_label = "threshold, " + e.error().unit;
  return e;
}

}  // namespace

Evaluation evaluate(const EvaluateOptions& options, ProgressBar& progress) {
  const auto is_array = [](const std::filesystem::path& path) {
    return path.extension() == ".npy" || path.extension() == ".npz";
  };
  if (is_array(options.truth) != is_array(options.results)) {
    throw pk::ValueError(
        pk::error_text(options.truth.string(), " and ", options.results.string(),
                       " are of different kinds, expected two .json, or arrays (.npy, .npz)"));
  }
  if (is_array(options.truth)) {
    if (!options.attributions.empty()) {
      throw pk::ValueError("--attributions needs COCO annotations, whose ids it refers to");
    }
    return evaluate_arrays(options, progress);
  }
  if (!options.visible.empty() || !options.skeleton.empty()) {
    throw pk::ValueError("--visible and --skeleton are for arrays; COCO files say it themselves");
  }
  Evaluation e = evaluate_people(options, progress);
  if (!options.attributions.empty()) {
    const auto table = pk::load_csv(options.attributions);
    const auto joined = join(table, e);
    e.relations = relate(joined, e);
    if (e.relations[0].pairs == 0 && e.relations[1].pairs == 0) {
      throw pk::FileError(pk::error_text(
          table.source, ": none of its ", table.rows.size(),
          " rows is of a joint that was measured (annotations are found by their ids)"));
    }
    e.low_interpretability = find_low_interpretability(joined, e);
  }
  return e;
}
