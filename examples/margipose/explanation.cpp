#include "explanation.hpp"

#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <posekit/attribution/explanation.hpp>
#include <posekit/io/npy.hpp>
#include <posekit/models/model_zoo.hpp>
#include <posekit/viz/canvas.hpp>
#include <posekit/viz/overlay.hpp>

#include "output.hpp"
#include "program.hpp"

namespace pk = posekit;

namespace {

/// A panel for each joint: what raises and what lowers the likelihood of the place it was put.
pk::Bitmap draw(const pk::Tensor<float>& image, const pk::PoseExplanation<float>& why,
                const pk::Tensor<float>* truth) {
  const pk::PoseIgResult<float>& result = why.attribution;
  constexpr double side = 200, gap = 14, top = 24;
  constexpr std::size_t columns = 6;
  const auto& skeleton = pk::skeletons::margipose_17;
  const std::size_t rows = (skeleton.size() + columns) / columns;
  pk::Canvas canvas(
      static_cast<std::size_t>(columns * (side + gap) + gap),
      static_cast<std::size_t>(static_cast<double>(rows) * (side + top + gap) + gap + 60));
  const pk::Bitmap photo = pk::to_bitmap(image);
  const double zoom = side / static_cast<double>(photo.width);
  const auto& maps = why.signed_maps;
  const std::size_t pixels = photo.width * photo.height;
  const auto corner = [&](std::size_t cell) {
    return std::pair{gap + static_cast<double>(cell % columns) * (side + gap),
                     gap + top + static_cast<double>(cell / columns) * (side + top + gap)};
  };
  const auto [x0, y0] = corner(0);
  canvas.text(x0, y0 - 8, "the pose", 11, pk::colors::ink);
  canvas.draw(photo, x0, y0, zoom);
  pk::draw_pose(canvas, skeleton, result.pose, x0, y0, zoom, 2.4);
  for (std::size_t j = 0; j < skeleton.size(); ++j) {
    const auto place_of_panel = corner(j + 1);
    const double x = place_of_panel.first, y = place_of_panel.second;
    const float* map = maps.data() + j * pixels;
    char text[80];
    std::snprintf(
        text, sizeof text, "%s  LI %.1f  DI %.0f", std::string(skeleton.joints[j]).c_str(),
        static_cast<double>(why.locality_index(j)), static_cast<double>(why.diffusion_index(j)));
    canvas.text(x, y - 8, text, 9, pk::side_color(skeleton.joints[j]));
    canvas.draw(pk::signed_overlay(photo, map, pk::magnitude_quantile(map, pixels, 0.995)), x, y,
                zoom);
    const auto place = [&](const pk::Tensor<float>& points, std::size_t stride, std::size_t axis) {
      return pk::Canvas::drawn_position(
          axis == 0 ? x : y, static_cast<double>(points.data()[stride * j + axis]), zoom);
    };
    if (truth != nullptr)
      pk::draw_ring(canvas, place(*truth, 3, 0), place(*truth, 3, 1), 6, pk::colors::target);
    pk::draw_cross(canvas, place(result.pose, 2, 0), place(result.pose, 2, 1), 5, pk::colors::ink,
                   1.4);
  }
  pk::draw_colorbar(canvas, gap, static_cast<double>(canvas.bitmap().height) - 44, 240, 12,
                    pk::Colormap::diverging, "lowers S", "0", "raises S");
  canvas.text(gap + 280, static_cast<double>(canvas.bitmap().height) - 34,
              std::string("cross: prediction") + (truth != nullptr ? ", ring: truth" : "") +
                  "; S is the likelihood of the predicted place",
              10, pk::colors::muted);
  return canvas.bitmap();
}

}  // namespace

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
  pk::save_png(
      output.file("explanation.png"),
      draw(subject.example.image, why, subject.has_truth ? &subject.example.joints : nullptr));
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
