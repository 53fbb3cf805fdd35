#include "prediction.hpp"

#include <algorithm>
#include <cstdio>
#include <span>

#include <posekit/batches/pose_batch.hpp>
#include <posekit/io/image.hpp>
#include <posekit/io/npy.hpp>
#include <posekit/pose/skeletons.hpp>

#include "drawing.hpp"
#include "measurement.hpp"
#include "output.hpp"
#include "pose_drawing.hpp"

namespace pk = posekit;

std::size_t joint_index(const std::string& name) { return pk::skeletons::margipose_17.index(name); }

Subject find_subject(const SubjectOptions& options, std::size_t image_size) {
  Subject subject;
  if (options.photo.empty()) {
    const SampleOptions samples{.image_size = image_size, .poses = options.poses};
    // The same people as `eval` measures.
    const std::size_t count = std::max(options.example + 1, MeasurementOptions().images);
    subject.example = test_people(samples, count).example(options.example);
    subject.has_truth = true;
    return subject;
  }
  subject.example.image = crop_of_photo(options.photo, options.box, image_size).image;
  return subject;
}

void run_prediction(const SubjectOptions& options) {
  const auto loaded = pk::models::load_margipose<float>(options.weights);
  const std::size_t size = loaded.configuration.image_size, joint = joint_index(options.joint);
  StagedOutput output(options.folder);
  const Subject subject = find_subject(options, size);
  pk::Tensor<float> image = pk::normalize_images<float>(subject.example.image);
  image.reshape(pk::Shape{1, 3, size, size});
  pk::Tape<float> tape;
  const auto out = (*loaded.network)(tape.constant(std::move(image)));

  PredictionPicture picture;
  picture.image = subject.example.image;
  picture.joints = pk::reshaped(pk::denormalize_joints(out.xyz.value(), size, size),
                                {loaded.configuration.network.joints, 3});
  picture.joint = joint;
  const auto& maps = out.stages.back();
  picture.maps = {heatmap_of(maps.xy.value(), 0, joint), heatmap_of(maps.zy.value(), 0, joint),
                  heatmap_of(maps.xz.value(), 0, joint)};
  if (subject.has_truth) {
    picture.truth = subject.example.joints;
    const Batch truth = pk::pose_batch<float>(std::span(&subject.example, 1));
    const Errors errors = measure(out.xyz.value(), truth);
    char note[100];
    std::snprintf(note, sizeof note, "MPJPE %.0f mm, PA-MPJPE %.0f mm", errors.mpjpe,
                  errors.pa_mpjpe);
    picture.note = note;
  }
  pk::save_png(output.file("prediction.png"),
               draw_prediction(pk::skeletons::margipose_17, picture));
  pk::save_npy(output.file("xyz.npy"), out.xyz.value());
  output.publish();
  if (options.quiet) return;
  std::printf("%-16s %8s %8s %8s   pixels\n", "joint", "x", "y", "z");
  for (std::size_t j = 0; j < picture.joints.shape()[0]; ++j) {
    std::printf(
        "%-16s %8.1f %8.1f %8.1f\n", std::string(pk::skeletons::margipose_17.joints[j]).c_str(),
        static_cast<double>(picture.joints(j, 0)), static_cast<double>(picture.joints(j, 1)),
        static_cast<double>(picture.joints(j, 2)));
  }
  if (!picture.note.empty()) std::printf("%s\n", picture.note.c_str());
  std::printf("in %s: prediction.png, xyz.npy\n", options.folder.c_str());
}
