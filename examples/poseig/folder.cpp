#include "folder.hpp"

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include <posekit/data.hpp>
#include <posekit/io.hpp>

#include "explanation.hpp"
#include "networks.hpp"
#include "output.hpp"
#include "people.hpp"

namespace pk = posekit;

namespace {

/// A network's prediction as a COCO result, where it has all joints that are annotated.
std::optional<pk::CocoResult> coco_result(const pk::PoseNetwork<float>& network,
                                          const pk::PoseExplanation<float>& explanation,
                                          const pk::CocoAnnotation& person) {
  pk::CocoResult result{person.image_id, person.category_id, {}, 0};
  const auto photo =
      pk::to_photo(explanation.crop, pk::plane_positions(explanation.prediction.positions));
  const pk::Skeleton& labels = pk::keypoint_skeleton(person);
  for (const auto joint : labels.joints) {
    const auto at = network.skeleton().find(joint);
    if (!at) return std::nullopt;
    const double sure = explanation.prediction.confidence(*at);
    result.keypoints.push_back({photo(*at, 0), photo(*at, 1), sure});
    result.score += sure / static_cast<double>(labels.size());
  }
  return result;
}

}  // namespace

void explain_folder(const ExplainOptions& options, const std::atomic<bool>& interrupted) {
  StagedOutput output(options.output);
  const auto dataset = pk::load_coco(options.annotations);
  const pk::PoseNetwork<float> network = load_network(options);
  const Photos photos = find_photos(dataset, options.image);
  const auto people = people_in(dataset, photos);
  if (people.empty()) {
    throw pk::FileError(pk::error_text(
        options.image.string(), ": holds none of the ", dataset.images.size(), " photos of ",
        options.annotations.string(), " with labelled people in them"));
  }
  std::string table = "image,annotation,joint,group,error,confidence,fi,li,di\n";
  std::vector<pk::CocoResult> results;
  std::size_t done = 0, joints = 0;
  ProgressBar bar(options.quiet);
  for (const pk::CocoAnnotation* person : people) {
    ExplainOptions one = options;
    one.image = photos.at(person->image_id);
    one.annotation = person->id;
    const auto progress = [&](const pk::Progress& step) {
      bar.update({done * step.total + step.done, people.size() * step.total});
      return !interrupted.load();
    };
    const Explanation e = explain_person(one, &dataset, network, false, progress, interrupted);
    for (const pk::JointExplanation& j : e.joints) {
      table += pk::csv_field(one.image.filename().string()) + ',' + std::to_string(person->id) +
               ',' + j.name + ',' + std::string(pk::joint_group(j.name)) + ',' +
               pk::csv_field(j.error_photo()) + ',' + pk::csv_field(j.confidence) +
               pk::index_fields(j) + '\n';
      ++joints;
    }
    if (const auto result = coco_result(network, e.result, *person)) results.push_back(*result);
    ++done;
  }
  bar.clear();
  pk::write_file(output.file("attributions.csv"), table);
  const bool has_results = results.size() == people.size();
  if (has_results) pk::save_coco_results(output.file("results.json"), results);
  output.publish();
  if (options.quiet) return;
  std::printf("%zu joints of %zu people in %zu photos: %s\n", joints, people.size(), photos.size(),
              (options.output / "attributions.csv").string().c_str());
  if (has_results) {
    std::printf(
        "errors and indices together:\n  posekit-evaluate --truth %s --results %s "
        "--attributions %s\n",
        options.annotations.string().c_str(), (options.output / "results.json").string().c_str(),
        (options.output / "attributions.csv").string().c_str());
  } else {
    std::printf("(%s lacks joints that are annotated, so that there is no results.json)\n",
                network.name().c_str());
  }
}
