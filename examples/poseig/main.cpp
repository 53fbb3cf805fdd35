// posekit-explain: which pixels of a photo made a pose network put each joint where it did.

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <posekit/posekit.hpp>

#include "options.hpp"
#include "report.hpp"

namespace pk = posekit;
namespace fs = std::filesystem;

namespace {

std::atomic<bool> interrupted{false};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// A bar with the time left, on a terminal; nothing in a pipe.
class ProgressBar {
 public:
  explicit ProgressBar(bool quiet) : shown_(!quiet && isatty(STDERR_FILENO) != 0) {}
  ~ProgressBar() { clear(); }
  void update(const pk::Progress& progress) {
    if (!shown_) return;
    const double done = static_cast<double>(progress.done) / static_cast<double>(progress.total);
    const double left = seconds_since(start_) * (1.0 / done - 1.0);
    const int width = 30;
    const int full = static_cast<int>(std::lround(done * width));
    std::fprintf(stderr, "\r\033[Kexplaining [%s%s] %zu/%zu steps, %.0f s left",
                 std::string(static_cast<std::size_t>(full), '#').c_str(),
                 std::string(static_cast<std::size_t>(width - full), '.').c_str(), progress.done,
                 progress.total, std::ceil(left));
    std::fflush(stderr);
    drawn_ = true;
  }
  void clear() {
    if (drawn_) std::fprintf(stderr, "\r\033[K");
    drawn_ = false;
  }

 private:
  bool shown_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// A folder in the output folder that takes all files until they are complete.
class StagedOutput {
 public:
  explicit StagedOutput(const fs::path& folder) : folder_(folder) {
    std::error_code error;
    created_ = !fs::exists(folder, error);
    fs::create_directories(folder, error);
    if (error || !fs::is_directory(folder)) {
      throw pk::FileError(pk::error_text(folder.string(), ": the output folder cannot be made: ",
                                         error ? error.message() : "a file is in the way"));
    }
    staging_ = folder / pk::error_text(".unfinished-", getpid());
    fs::create_directory(staging_, error);
    if (error) {
      throw pk::FileError(pk::error_text(folder.string(), ": the output folder cannot be written: ", error.message()));
    }
  }
  ~StagedOutput() {
    std::error_code ignored;
    fs::remove_all(staging_, ignored);
    if (created_ && !published_) fs::remove(folder_, ignored);  // succeeds only where it is empty
  }
  StagedOutput(const StagedOutput&) = delete;
  StagedOutput& operator=(const StagedOutput&) = delete;

  fs::path file(const std::string& name) {
    names_.push_back(name);
    return staging_ / name;
  }
  void publish() {
    for (const std::string& name : names_) fs::rename(staging_ / name, folder_ / name);
    published_ = true;
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  fs::path folder_, staging_;
  bool created_ = false, published_ = false;
  std::vector<std::string> names_;
};

pk::Tensor<float> batch_of_one(const pk::Tensor<float>& image) {
  return pk::reshaped(pk::Tensor<float>(image), {1, image.shape()[0], image.shape()[1], image.shape()[2]});
}

/// Positions [J, 2] in the crop and confidences [J].
struct Prediction {
  pk::Tensor<float> positions, confidence;
};

Prediction predict(const pk::PoseModel<float>& model, const pk::Tensor<float>& crop, int threads) {
  pk::Tape<float> tape({.threads = threads});
  const auto x = tape.constant(batch_of_one(crop));
  const std::size_t joints = model.skeleton->size();
  return {pk::reshaped(pk::Tensor<float>(model(x).value()), {joints, 2}),
          pk::reshaped(model.confidence(x), {joints})};
}

/// The whole photo, as large as fits a square.
pk::Box photo_box(const pk::Tensor<float>& photo) {
  return {0, 0, static_cast<double>(photo.shape()[2]), static_cast<double>(photo.shape()[1])};
}

/// Looks for the person with the network itself: first in the whole photo, then twice more around
/// the joints it is sure of.
pk::Box find_person(const pk::PoseModel<float>& model, const pk::Tensor<float>& photo, std::size_t size,
                    int threads) {
  pk::Box box = photo_box(photo);
  double margin = 1.0;
  for (int round = 0; round < 3; ++round) {
    const pk::Crop crop = pk::square_crop(box, size, margin);
    const Prediction found = predict(model, pk::crop_image(photo, crop), threads);
    const auto points = pk::to_photo(crop, pk::Tensor<float>(found.positions));
    double x0 = 1e9, y0 = 1e9, x1 = -1e9, y1 = -1e9;
    std::size_t sure = 0;
    for (std::size_t j = 0; j < points.shape()[0]; ++j) {
      if (found.confidence(j) < 0.25f) continue;
      ++sure;
      x0 = std::min<double>(x0, points(j, 0));
      x1 = std::max<double>(x1, points(j, 0));
      y0 = std::min<double>(y0, points(j, 1));
      y1 = std::max<double>(y1, points(j, 1));
    }
    if (sure < 3 || !(x1 - x0 > 4) || !(y1 - y0 > 4)) {
      if (round > 0) break;
      throw pk::ValueError(pk::error_text(
          "the network found no person in the photo (it is sure of ", sure,
          " joints); give the person's box with --box x,y,width,height"));
    }
    // Joints lie inside the silhouette: ears and ankles are not the ends of a person.
    const double grow = 0.1 * std::max(x1 - x0, y1 - y0);
    box = {x0 - grow, y0 - grow, x1 - x0 + 2 * grow, y1 - y0 + 2 * grow};
    margin = model.crop_margin;
  }
  return box;
}

pk::Box parse_box(const std::string& text, const pk::Tensor<float>& photo) {
  pk::Box box;
  char rest = 0;
  if (std::sscanf(text.c_str(), "%lf,%lf,%lf,%lf%c", &box.x, &box.y, &box.width, &box.height, &rest) != 4) {
    throw pk::ValueError(pk::error_text("--box is '", text,
                                        "', expected auto, photo or x,y,width,height in photo pixels"));
  }
  const double width = static_cast<double>(photo.shape()[2]), height = static_cast<double>(photo.shape()[1]);
  if (!(box.width > 0) || !(box.height > 0) || !std::isfinite(box.x + box.y + box.width + box.height)) {
    throw pk::ValueError(pk::error_text("--box ", text, " is empty"));
  }
  if (box.x >= width || box.y >= height || box.x + box.width <= 0 || box.y + box.height <= 0 ||
      box.width > 20 * width || box.height > 20 * height) {
    throw pk::ValueError(pk::error_text("--box ", text, " lies outside the photo, which is ", width, " x ",
                                        height, " pixels"));
  }
  return box;
}

/// The mask [H, W] of the crop, and a word on where it comes from; empty where there is none.
std::optional<pk::Tensor<float>> foreground(const ExplainOptions& options, const pk::Tensor<float>& photo,
                                            const pk::Crop& crop, const pk::CocoAnnotation* annotation,
                                            std::string& description) {
  const std::size_t height = photo.shape()[1], width = photo.shape()[2];
  std::string source = options.mask;
  const bool segmented = annotation != nullptr && (!annotation->polygons.empty() || !annotation->runs.empty());
  if (source == "auto") source = segmented ? "coco" : "none";
  description = source;
  if (source == "none") return std::nullopt;

  pk::Tensor<float> mask;
  if (source == "selfie") {
    // The network sees the same square in its own resolution.
    pk::Crop view = crop;
    const double ratio = static_cast<double>(crop.width) / 256.0;
    view.width = view.height = 256;
    view.to_photo.leftCols<2>() = crop.to_photo.leftCols<2>() * ratio;
    view.to_photo.col(2) = crop.photo_point({0.5 * ratio - 0.5, 0.5 * ratio - 0.5});
    const auto network = pk::load_tfjs<float>(options.models / "selfie.json");
    pk::Tape<float> tape({.threads = options.integration.threads});
    const auto x = pk::to_channels_last(tape.constant(batch_of_one(pk::crop_image(photo, view))));
    const auto probability = pk::reshaped(pk::Tensor<float>(network(x)[0].value()), {1, 256, 256});
    pk::Crop back;
    back.width = crop.width;
    back.height = crop.height;
    back.to_photo.leftCols<2>() = Eigen::Matrix2d::Identity() / ratio;
    back.to_photo.col(2).setConstant(0.5 / ratio - 0.5);
    mask = pk::crop_image(probability, back);
  } else {
    pk::Tensor<float> whole = pk::zeros<float>({1, height, width});
    if (source == "coco") {
      if (annotation == nullptr) {
        throw pk::ValueError("--mask coco needs a COCO file: give it with --truth FILE --annotation ID");
      }
      const auto pixels = pk::segmentation_mask(*annotation, height, width);
      std::copy_n(pixels.data(), pixels.size(), whole.data());
    } else {
      const pk::Bitmap picture = pk::load_bitmap(source, 1);
      if (picture.width != width || picture.height != height) {
        throw pk::ValueError(pk::error_text(source, ": the mask is ", picture.width, " x ", picture.height,
                                            " pixels, the photo ", width, " x ", height));
      }
      for (std::size_t i = 0; i < whole.size(); ++i) whole.data()[i] = picture.samples[i] > 127 ? 1.0f : 0.0f;
    }
    mask = pk::crop_image(whole, crop);
  }
  std::size_t set = 0;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    mask.data()[i] = mask.data()[i] >= 0.5f ? 1.0f : 0.0f;
    set += mask.data()[i] > 0 ? 1 : 0;
  }
  if (set == 0) throw pk::ValueError(pk::error_text("the mask (", source, ") holds no pixel of the person"));
  return pk::reshaped(std::move(mask), {crop.height, crop.width});
}

/// An index of one map, or why it has none.
template <class Compute>
std::optional<double> index_or_note(std::string& note, const Compute& compute) {
  try {
    return static_cast<double>(compute());
  } catch (const pk::ValueError& error) {
    note = error.what();
    return std::nullopt;
  }
}

int explain(const ExplainOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  StagedOutput output(options.output);
  const auto photo_bitmap = pk::load_bitmap(options.image);
  const auto photo = pk::to_tensor<float>(photo_bitmap);
  const auto model = pk::load_pose_model<float>(options.model, options.models, options.beta);
  const int threads = options.integration.threads;
  std::size_t size = model.size;
  if (options.size) {
    if (!model.any_size && *options.size != size) {
      throw pk::ValueError(pk::error_text("--size: ", model.name, " takes ", size, " pixels only"));
    }
    if (*options.size < 32 || *options.size > 4096) {
      throw pk::ValueError(pk::error_text("--size is ", *options.size, ", expected 32 to 4096"));
    }
    size = *options.size;
  }

  // The person and the truth.
  std::optional<pk::CocoDataset> dataset;
  const pk::CocoAnnotation* annotation = nullptr;
  if (options.truth != "self") {
    dataset = pk::load_coco(options.truth);
    if (options.annotation) {
      annotation = &pk::find_annotation(*dataset, *options.annotation);
    } else if (dataset->annotations.size() == 1) {
      annotation = &dataset->annotations[0];
    } else {
      throw pk::ValueError(pk::error_text(options.truth, ": has ", dataset->annotations.size(),
                                          " annotations; say which with --annotation ID"));
    }
  } else if (options.annotation) {
    throw pk::ValueError("--annotation needs a COCO file: give it with --truth FILE");
  }
  pk::Box box;
  double margin = model.crop_margin;
  if (options.box == "photo") {
    box = photo_box(photo);
    margin = 1.0;
  } else if (options.box != "auto") {
    box = parse_box(options.box, photo);
  } else if (annotation != nullptr && annotation->box.width > 0) {
    box = annotation->box;
  } else {
    box = find_person(model, photo, size, threads);
  }
  const pk::Crop crop = pk::square_crop(box, size, margin);
  const pk::Tensor<float> image = pk::crop_image(photo, crop);
  const Prediction predicted = predict(model, image, threads);

  // The joints, and where they should be, in crop pixels.
  std::vector<std::size_t> joints;
  const pk::Skeleton& skeleton = *model.skeleton;
  if (options.joints.empty()) {
    for (std::size_t j = 0; j < skeleton.size(); ++j) joints.push_back(j);
  } else {
    for (const std::string& name : options.joints) joints.push_back(skeleton.index(name));
  }
  pk::Tensor<float> target = predicted.positions;
  if (annotation != nullptr) {
    if (annotation->keypoints.size() != pk::skeletons::coco_17.size()) {
      throw pk::ValueError(pk::error_text(options.truth, ": annotation ", annotation->id, " has ",
                                          annotation->keypoints.size(), " keypoints, expected 17"));
    }
    std::vector<std::size_t> labelled;
    for (const std::size_t j : joints) {
      const auto in_coco = pk::skeletons::coco_17.find(skeleton.joints[j]);
      if (!in_coco || annotation->keypoints[*in_coco].visibility == 0) {
        if (options.joints.empty()) continue;
        throw pk::ValueError(pk::error_text(options.truth, ": annotation ", annotation->id,
                                            " has no label for the joint ", skeleton.joints[j]));
      }
      const pk::CocoKeypoint& point = annotation->keypoints[*in_coco];
      const Eigen::Vector2d in_crop = crop.crop_point({point.x, point.y});
      target(j, 0) = static_cast<float>(in_crop.x());
      target(j, 1) = static_cast<float>(in_crop.y());
      labelled.push_back(j);
    }
    joints = labelled;
    if (joints.empty()) {
      throw pk::ValueError(pk::error_text(options.truth, ": annotation ", annotation->id,
                                          " labels no joint that ", model.name, " has"));
    }
  }
  const std::size_t count = joints.size();
  pk::Tensor<float> truth = pk::make_tensor<float>({count, 2});
  for (std::size_t k = 0; k < count; ++k) {
    for (std::size_t d = 0; d < 2; ++d) truth(k, d) = target(joints[k], d);
  }
  std::string mask_source;
  const auto mask = foreground(options, photo, crop, annotation, mask_source);

  // The explanation.
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
      pk::require_shape(picture, pk::shape_of(photo), "--baseline", "the picture");
      integration.baseline = pk::Baseline::image;
      baseline = pk::crop_image(picture, crop);
    }
  }
  // Distances in photo pixels are those in crop pixels times the crop's scale.
  const auto unit = options.space == "photo" ? static_cast<float>(crop.scale()) : 1.0f;
  const auto chosen = [&](const pk::Var<float>& x) {
    const auto pose = pk::select_joints(model(x), joints);
    return unit == 1.0f ? pose : pose * unit;
  };
  pk::Tensor<float> scaled_truth = truth;
  for (std::size_t i = 0; i < scaled_truth.size(); ++i) scaled_truth.data()[i] *= unit;
  ProgressBar bar(options.quiet);
  integration.progress = [&](const pk::Progress& progress) {
    bar.update(progress);
    return !interrupted.load();
  };
  const auto attribution_start = std::chrono::steady_clock::now();
  auto result = pk::pose_ig(chosen, image, scaled_truth, integration, baseline);
  for (auto* pose : {&result.pose, &result.pose_baseline}) {
    for (std::size_t i = 0; i < pose->size(); ++i) pose->data()[i] /= unit;
  }
  bar.clear();

  Report report;
  report.options = options;
  report.model = &model;
  report.photo_width = photo_bitmap.width;
  report.photo_height = photo_bitmap.height;
  report.box = box;
  report.crop = crop;
  report.truth = annotation != nullptr ? options.truth : "self";
  report.mask = mask_source;
  report.seconds_attribution = seconds_since(attribution_start);

  // Indices and densities.
  const auto maps = result.maps();
  const auto signed_maps = result.signed_maps();
  const std::size_t pixels = crop.width * crop.height;
  report.locality = pk::locality_index(maps, truth, {.empty = pk::EmptyMap::nan});
  std::vector<std::optional<pk::Tensor<float>>> densities(count);
  const auto photo_points = pk::to_photo(crop, pk::Tensor<float>(result.pose));
  const auto photo_targets = pk::to_photo(crop, pk::Tensor<float>(truth));
  for (std::size_t k = 0; k < count; ++k) {
    JointReport joint;
    joint.name = skeleton.joints[joints[k]];
    for (std::size_t d = 0; d < 2; ++d) {
      joint.predicted_crop[d] = result.pose(k, d);
      joint.predicted_photo[d] = photo_points(k, d);
      joint.target_crop[d] = truth(k, d);
      joint.target_photo[d] = photo_targets(k, d);
    }
    joint.confidence = predicted.confidence(joints[k]);
    joint.score = result.score(k);
    joint.score_baseline = result.score_baseline(k);
    joint.completeness_gap = result.completeness_gap(k);
    pk::Tensor<float> map = pk::make_tensor<float>({1, crop.height, crop.width});
    std::copy_n(maps.data() + k * pixels, pixels, map.data());
    joint.di = index_or_note(joint.note, [&] { return pk::diffusion_index(map)(0); });
    if (joint.di) {
      joint.li = report.locality(k, k);
      if (mask) {
        joint.fi = index_or_note(joint.note, [&] { return pk::foreground_index(map, *mask)(0); });
      }
      try {
        densities[k] = pk::kde_map(pk::reshaped(std::move(map), {crop.height, crop.width}), threads);
      } catch (const pk::ValueError& error) {
        joint.note = error.what();
      }
    } else {
      joint.note = "no pixel has any influence: the likelihood is 0 along the whole path";
    }
    report.joints.push_back(std::move(joint));
    if (interrupted.load()) throw pk::Cancelled("stopped");
  }

  // Pictures.
  pk::PoseIgFigure<float> figure;
  figure.title = "Why " + model.name + " put each joint where it did";
  char line[160];
  const bool blur = integration.path == pk::PathKind::blur;
  if (blur) {
    std::snprintf(line, sizeof line, "blur path, sigma %g px, %zu steps", integration.sigma, integration.steps);
  } else {
    std::snprintf(line, sizeof line, "straight path from %s, %zu steps", options.baseline.c_str(), integration.steps);
  }
  figure.notes.push_back(line);
  std::snprintf(line, sizeof line, "likelihood exp(-%g d%s), d in %s pixels", integration.likelihood.c,
                integration.likelihood.kind == pk::LikelihoodKind::squared_distance ? "^2" : "",
                options.space.c_str());
  figure.notes.push_back(line);
  figure.notes.push_back(annotation != nullptr ? "target: the annotation" : "target: the network's own prediction");
  figure.notes.push_back(mask ? "person's pixels: " + mask_source : "no mask of the person: FI is n/a");
  double gap = 0, change = 0;
  for (const JointReport& joint : report.joints) {
    gap = std::max(gap, joint.completeness_gap);
    change = std::max(change, std::abs(joint.score - joint.score_baseline));
  }
  if (integration.integrand == pk::Integrand::path_derivative) {
    std::snprintf(line, sizeof line, "completeness gap at most %.2g of %.2g", gap, change);
    figure.notes.push_back(line);
  }
  figure.photo = photo_bitmap;
  const double edge_x = static_cast<double>(crop.width) - 0.5, edge_y = static_cast<double>(crop.height) - 0.5;
  figure.photo_corners = pk::make_tensor<float>({4, 2});
  const double corners[4][2] = {{-0.5, -0.5}, {edge_x, -0.5}, {edge_x, edge_y}, {-0.5, edge_y}};
  for (std::size_t i = 0; i < 4; ++i) {
    const Eigen::Vector2d p = crop.photo_point({corners[i][0], corners[i][1]});
    figure.photo_corners(i, 0) = static_cast<float>(p.x());
    figure.photo_corners(i, 1) = static_cast<float>(p.y());
  }
  figure.skeleton = &skeleton;
  figure.crop_pose = predicted.positions;
  figure.photo_pose = pk::to_photo(crop, pk::Tensor<float>(predicted.positions));
  figure.crop = pk::to_bitmap(image);
  figure.baseline = pk::to_bitmap(result.baseline);
  figure.baseline_pose = predict(model, result.baseline, threads).positions;
  figure.baseline_caption = blur ? "blurred baseline, and the pose in it" : "baseline, and the pose in it";
  for (std::size_t k = 0; k < count; ++k) {
    const JointReport& joint = report.joints[k];
    pk::PoseIgPanel<float> panel;
    panel.joint = joint.name;
    panel.predicted_x = joint.predicted_crop[0];
    panel.predicted_y = joint.predicted_crop[1];
    panel.target_x = joint.target_crop[0];
    panel.target_y = joint.target_crop[1];
    panel.attribution = signed_maps.data() + k * pixels;
    panel.density = densities[k] ? densities[k]->data() : nullptr;
    panel.fi = joint.fi;
    panel.li = joint.li;
    panel.di = joint.di;
    panel.score = joint.score;
    panel.score_baseline = joint.score_baseline;
    figure.panels.push_back(panel);
  }
  pk::save_png(output.file("overview.png"), pk::pose_ig_page(figure));
  for (const auto& panel : figure.panels) {
    pk::save_png(output.file("joint-" + panel.joint + ".png"), pk::pose_ig_joint_picture(figure, panel));
  }
  pk::save_npy(output.file("attributions.npy"), result.attributions);
  report.seconds_total = seconds_since(start);
  pk::write_file(output.file("report.json"), report_json(report));
  pk::write_file(output.file("report.csv"), report_csv(report));
  if (interrupted.load()) throw pk::Cancelled("stopped");
  output.publish();

  if (!options.quiet) {
    std::printf("%-18s %8s %8s %8s   %s\n", "joint", "FI", "LI", "DI", "confidence");
    for (const JointReport& joint : report.joints) {
      const auto number = [](const std::optional<double>& v) {
        char text[32] = "n/a";
        if (v) std::snprintf(text, sizeof text, "%.2f", *v);
        return std::string(text);
      };
      std::printf("%-18s %8s %8s %8s   %.2f%s%s\n", joint.name.c_str(), number(joint.fi).c_str(),
                  number(joint.li).c_str(), number(joint.di).c_str(), joint.confidence,
                  joint.note.empty() ? "" : "   ", joint.note.c_str());
    }
    std::printf("\n%zu files in %s (%.1f s); look at %s first\n", output.names().size(),
                options.output.string().c_str(), seconds_since(start),
                (options.output / "overview.png").string().c_str());
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const ExplainOptions options = parse_command_line(argc, argv);
  std::signal(SIGINT, [](int) { interrupted.store(true); });
  std::signal(SIGTERM, [](int) { interrupted.store(true); });
  try {
    return explain(options);
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
