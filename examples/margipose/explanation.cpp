#include "explanation.hpp"

#include <cstdio>
#include <string>

#include <posekit/attribution/explanation.hpp>
#include <posekit/io/npy.hpp>
#include <posekit/models/model_zoo.hpp>

#include "output.hpp"
#include "pose_drawing.hpp"
#include "program.hpp"

namespace pk = posekit;

void run_explanation(const SubjectOptions& options, std::size_t steps) {
  const pk::PoseNetwork<float> network = pk::load_pose_network<float>(options.weights);
  const std::size_t size = network.input().size;
  StagedOutput output(options.folder);
  const Subject subject = find_subject(options, size);
  ProgressBar bar(options.quiet);
  // The likelihood of where the network itself puts the joints.
  const auto why = pk::explain(network, subject.example.image,
                               {.sigma = 19.0 * static_cast<double>(size) / 256.0,
                                .steps = steps,
                                .progress = [&](const pk::Progress& p) {
                                  bar.update(p);
                                  return !stop_requested().load();
                                }});
  bar.clear();
  pk::save_png(output.file("explanation.png"),
               draw_explanation(pk::skeletons::margipose_17, subject.example.image, why,
                                subject.has_truth ? &subject.example.joints : nullptr));
  pk::save_npy(output.file("attributions.npy"), why.maps);
  output.publish();
  if (options.quiet) return;
  std::printf("%-16s %8s %8s %14s\n", "joint", "LI", "DI", "completeness");
  for (std::size_t j = 0; j < why.joints.size(); ++j) {
    std::printf(
        "%-16s %8.2f %8.1f %14.2g\n", std::string(pk::skeletons::margipose_17.joints[j]).c_str(),
        static_cast<double>(why.locality_index(j)), static_cast<double>(why.diffusion_index(j)),
        static_cast<double>(why.attribution.completeness_gap(j)));
  }
  std::printf("in %s: explanation.png, attributions.npy\n", options.folder.c_str());
}
