// posekit-explain: which pixels of a photo made a pose network put each joint where it did.

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>

#include <posekit/datasets/coco.hpp>
#include <posekit/io.hpp>

#include "explanation.hpp"
#include "folder.hpp"
#include "networks.hpp"
#include "options.hpp"
#include "output.hpp"
#include "picture.hpp"
#include "program.hpp"
#include "sanity.hpp"

namespace pk = posekit;

namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void explain_photo(const ExplainOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  StagedOutput output(options.output);
  const pk::PoseNetwork<float> network = load_network(options);
  std::optional<pk::CocoDataset> dataset;
  if (!options.annotations.empty()) dataset = pk::load_coco(options.annotations);
  ProgressBar bar(options.quiet);
  const auto progress = [&](const pk::Progress& done) {
    bar.update(done);
    return !stop_requested().load();
  };
  const Explanation e = explain_person(options, dataset ? &*dataset : nullptr, network, true,
                                       progress, stop_requested());
  bar.clear();
  const auto figure = make_figure(options, network, e);
  pk::save_png(output.file("overview.png"), pk::pose_ig_page(figure));
  for (const auto& panel : figure.panels) {
    pk::save_png(output.file("joint-" + panel.joint + ".png"),
                 pk::pose_ig_joint_picture(figure, panel));
    stop_if_requested();
  }
  pk::save_npy(output.file("attributions.npy"), e.result.attribution.attributions);
  std::string sanity_text;
  if (options.sanity) {
    const Sanity sanity = check_sanity(options, network, e, progress, stop_requested());
    bar.clear();
    pk::save_png(output.file("sanity.png"), sanity_picture(sanity));
    pk::write_file(output.file("sanity.csv"), sanity_csv(sanity));
    sanity_text = "\n" + sanity_summary(sanity);
  }
  const double seconds = seconds_since(start);
  pk::write_file(output.file("report.json"), report_json(options, e, network, seconds));
  pk::write_file(output.file("report.csv"), pk::explanation_csv(e.joints));
  output.publish();
  if (!options.quiet) {
    std::printf("%s%s\n%zu files in %s (%.1f s); look at %s first\n",
                report_table(e.joints).c_str(), sanity_text.c_str(), output.count(),
                options.output.string().c_str(), seconds,
                (options.output / "overview.png").string().c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  const ExplainOptions options = parse_command_line(argc, argv);
  return run_program("posekit-explain", [&] {
    if (pk::is_folder(options.image)) {
      explain_folder(options, stop_requested());
    } else {
      explain_photo(options);
    }
  });
}
