// posekit-explain: which pixels of a photo made a pose network put each joint where it did.

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <new>
#include <optional>
#include <string>

#include <posekit/data/coco.hpp>
#include <posekit/io.hpp>

#include "explanation.hpp"
#include "folder.hpp"
#include "networks.hpp"
#include "options.hpp"
#include "output.hpp"
#include "picture.hpp"
#include "report.hpp"
#include "sanity.hpp"

namespace pk = posekit;

namespace {

std::atomic<bool> stop_requested{false};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void stop_if_interrupted() {
  if (stop_requested.load()) throw pk::Cancelled("stopped");
}

void explain_photo(const ExplainOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  StagedOutput output(options.output);
  const auto graph = read_graph(options);
  const auto model = make_model(options, graph);
  std::optional<pk::CocoDataset> dataset;
  if (!options.annotations.empty()) dataset = pk::load_coco(options.annotations);
  ProgressBar bar(options.quiet);
  const auto progress = [&](const pk::Progress& done) {
    bar.update(done);
    return !stop_requested.load();
  };
  Explanation e =
      explain_person(options, dataset ? &*dataset : nullptr, model, true, progress, stop_requested);
  bar.clear();
  const auto figure =
      make_figure(options, e.subject, model, e.result, e.report, e.signed_maps, e.densities);
  pk::save_png(output.file("overview.png"), pk::pose_ig_page(figure));
  for (const auto& panel : figure.panels) {
    pk::save_png(output.file("joint-" + panel.joint + ".png"),
                 pk::pose_ig_joint_picture(figure, panel));
    stop_if_interrupted();
  }
  pk::save_npy(output.file("attributions.npy"), e.result.attributions);
  std::string sanity_text;
  if (options.sanity) {
    const Sanity sanity = check_sanity(options, graph, model, e, progress, stop_requested);
    bar.clear();
    pk::save_png(output.file("sanity.png"), sanity_picture(sanity));
    pk::write_file(output.file("sanity.csv"), sanity_csv(sanity));
    sanity_text = "\n" + sanity_summary(sanity);
  }
  e.report.seconds_total = seconds_since(start);
  pk::write_file(output.file("report.json"), report_json(e.report, options, e.subject, model));
  pk::write_file(output.file("report.csv"), report_csv(e.report));
  output.publish();
  if (!options.quiet) {
    std::printf("%s%s\n%zu files in %s (%.1f s); look at %s first\n",
                report_table(e.report).c_str(), sanity_text.c_str(), output.count(),
                options.output.string().c_str(), e.report.seconds_total,
                (options.output / "overview.png").string().c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  const ExplainOptions options = parse_command_line(argc, argv);
  std::signal(SIGINT, [](int) { stop_requested.store(true); });
  std::signal(SIGTERM, [](int) { stop_requested.store(true); });
  try {
    if (std::filesystem::is_directory(options.image)) {
      explain_folder(options, stop_requested);
    } else {
      explain_photo(options);
    }
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
