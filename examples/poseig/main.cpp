// posekit-explain: which pixels of a photo made a pose network put each joint where it did.

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <posekit/attribution.hpp>
#include <posekit/io.hpp>
#include <posekit/models/model_zoo.hpp>

#include "options.hpp"
#include "output.hpp"
#include "picture.hpp"
#include "report.hpp"
#include "subject.hpp"

namespace pk = posekit;

namespace {

std::atomic<bool> interrupted{false};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void stop_if_interrupted() {
  if (interrupted.load()) throw pk::Cancelled("stopped");
}

/// The attributions, with distances measured in the pixels the options ask for.
pk::PoseIgResult<float> attribute(const ExplainOptions& options, const Subject& subject,
                                  const pk::PoseModel<float>& model) {
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
  ProgressBar bar(options.quiet);
  integration.progress = [&](const pk::Progress& progress) {
    bar.update(progress);
    return !interrupted.load();
  };
  auto result = pk::pose_ig(chosen, subject.image, target, integration, baseline);
  for (auto* pose : {&result.pose, &result.pose_baseline}) {
    for (auto& v : *pose) v /= unit;
  }
  return result;
}

/// The indices of one joint's map [1, S, S] and its density [S, S], where they are defined.
std::optional<pk::Tensor<float>> measure(const pk::Tensor<float>& map, const Subject& subject,
                                         int threads, double locality, JointReport& joint) {
  joint.di = pk::diffusion_index(map, {.empty = pk::EmptyMap::nan})(0);
  if (!(*joint.di >= 0)) {
    joint.di.reset();
    joint.note = "no pixel has any influence: the likelihood is flat along the whole path";
    return std::nullopt;
  }
  joint.li = locality;
  if (subject.mask) joint.fi = pk::foreground_index(map, *subject.mask)(0);
  try {
    return pk::kde_map(pk::reshaped(pk::Tensor<float>(map), {map.shape()[1], map.shape()[2]}),
                       threads);
  } catch (const pk::ValueError& error) {
    joint.note = error.what();
    return std::nullopt;
  }
}

void explain(const ExplainOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  StagedOutput output(options.output);
  const auto model = pk::load_pose_model<float>(options.model, options.models, options.beta);
  const Subject subject = find_subject(options, model);
  stop_if_interrupted();

  const auto attribution_start = std::chrono::steady_clock::now();
  const auto result = attribute(options, subject, model);
  Report report;
  report.seconds_attribution = seconds_since(attribution_start);

  const auto maps = result.maps();
  const auto signed_maps = result.signed_maps();
  const std::size_t pixels = subject.crop.width * subject.crop.height;
  report.locality = pk::locality_index(maps, subject.target, {.empty = pk::EmptyMap::nan});
  const auto predicted_photo = pk::to_photo(subject.crop, pk::Tensor<float>(result.pose));
  const auto target_photo = pk::to_photo(subject.crop, pk::Tensor<float>(subject.target));
  std::vector<std::optional<pk::Tensor<float>>> densities;
  for (std::size_t k = 0; k < subject.joints.size(); ++k) {
    JointReport joint;
    joint.name = model.skeleton->joints[subject.joints[k]];
    for (std::size_t d = 0; d < 2; ++d) {
      joint.predicted_crop[d] = result.pose(k, d);
      joint.predicted_photo[d] = predicted_photo(k, d);
      joint.target_crop[d] = subject.target(k, d);
      joint.target_photo[d] = target_photo(k, d);
    }
    joint.confidence = subject.predicted.confidence(subject.joints[k]);
    joint.score = result.score(k);
    joint.score_baseline = result.score_baseline(k);
    joint.completeness_gap = result.completeness_gap(k);
    pk::Tensor<float> map = pk::make_tensor<float>({1, subject.crop.height, subject.crop.width});
    std::copy_n(maps.data() + k * pixels, pixels, map.data());
    densities.push_back(
        measure(map, subject, options.integration.threads, report.locality(k, k), joint));
    report.joints.push_back(std::move(joint));
    stop_if_interrupted();
  }

  const auto figure = make_figure(options, subject, model, result, report, signed_maps, densities);
  pk::save_png(output.file("overview.png"), pk::pose_ig_page(figure));
  for (const auto& panel : figure.panels) {
    pk::save_png(output.file("joint-" + panel.joint + ".png"),
                 pk::pose_ig_joint_picture(figure, panel));
    stop_if_interrupted();
  }
  pk::save_npy(output.file("attributions.npy"), result.attributions);
  report.seconds_total = seconds_since(start);
  pk::write_file(output.file("report.json"), report_json(report, options, subject, model));
  pk::write_file(output.file("report.csv"), report_csv(report));
  output.publish();

  if (!options.quiet) {
    std::printf("%s\n%zu files in %s (%.1f s); look at %s first\n", report_table(report).c_str(),
                output.count(), options.output.string().c_str(), report.seconds_total,
                (options.output / "overview.png").string().c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  const ExplainOptions options = parse_command_line(argc, argv);
  std::signal(SIGINT, [](int) { interrupted.store(true); });
  std::signal(SIGTERM, [](int) { interrupted.store(true); });
  try {
    explain(options);
    return 0;
  } catch (const pk::Cancelled&) {
    std::cerr << "posekit-explain: stopped; nothing was written\n";
    return 130;
  } catch (const std::bad_alloc&) {
    std::cerr << "posekit-explain: there is not enough memory\n";
  } catch (const std::exception& error) {
    std::cerr << "posekit-explain: " << error.what() << '\n';
  }
  return 1;
}
