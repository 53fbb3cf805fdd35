// posekit-evaluate: how good predicted poses are, and what is wrong with those that are not.

#include <cstdio>
#include <optional>

#include <posekit/io/file.hpp>

#include "evaluation.hpp"
#include "figures.hpp"
#include "options.hpp"
#include "output.hpp"
#include "program.hpp"
#include "report.hpp"

namespace {

void run(const EvaluateOptions& options) {
  StagedOutput output(options.output);
  std::optional<StagedOutput> figures;
  if (!options.figures.empty()) figures.emplace(options.figures);
  ProgressBar progress(options.quiet);
  const Evaluation evaluation = evaluate(options, progress);
  if (figures) progress.say("drawing");
  posekit::write_file(output.file("evaluation.json"), report_json(evaluation, options));
  posekit::write_file(output.file("evaluation.csv"), report_csv(evaluation));
  if (figures) draw_figures(evaluation, *figures);
  progress.clear();
  stop_if_requested();
  if (figures) figures->require_clear();
  output.publish();
  if (figures) figures->publish();
  if (options.quiet) return;
  std::printf("%s\nwritten: evaluation.json and evaluation.csv in %s\n",
              report_table(evaluation).c_str(), options.output.string().c_str());
  if (figures) {
    std::printf("         %zu pictures in %s\n", figures->count(),
                options.figures.string().c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  const EvaluateOptions options = parse_command_line(argc, argv);
  return run_program("posekit-evaluate", [&] { run(options); });
}
