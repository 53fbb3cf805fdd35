#include "ablation.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <posekit/io/csv.hpp>
#include <posekit/io/file.hpp>
#include <posekit/io/folder.hpp>
#include <posekit/viz/canvas.hpp>

#include "drawing.hpp"
#include "prediction.hpp"
#include "spread.hpp"

namespace pk = posekit;

namespace {

struct Row {
  std::string name;
  Configuration configuration;
  std::vector<Errors> errors;  // one per seed
};

std::vector<Row> table_rows(const Configuration& full) {
  const auto variant = [&](const char* name, bool permuted, bool regularised, std::size_t stages) {
    Row row{name, full, {}};
    row.configuration.network.axis_permutation = permuted;
    row.configuration.network.pixelwise_loss =
        regularised ? pk::PixelwiseLoss::jsd : pk::PixelwiseLoss::none;
    row.configuration.network.stages = stages;
    return row;
  };
  return {variant("minimal", false, false, 1), variant("+ axis permutation", true, false, 1),
          variant("+ regularisation", true, true, 1),
          variant("+ stages", true, true, full.network.stages)};
}

/// The xz heatmaps of some right wrists, without regularisation above and with it below (Fig. 7).
pk::Bitmap draw_figure_7(Network& bare, Network& regularised, const Batch& test) {
  constexpr double side = 180, gap = 14, top = 34;
  const std::size_t people = std::min<std::size_t>(6, test.images.shape()[0]);
  pk::Canvas canvas(static_cast<std::size_t>(static_cast<double>(people) * (side + gap) + gap),
                    static_cast<std::size_t>(2 * (side + top) + 2 * gap));
  const std::size_t joint = joint_index("right_wrist"), size = test.images.shape()[2];
  pk::Tensor<float> images = pk::make_tensor<float>({people, 3, size, size});
  std::copy_n(test.images.data(), images.size(), images.data());
  double y = top;
  for (const auto& [network, title] :
       {std::pair<Network*, const char*>{&bare, "right wrist, xz: distance only"},
        {&regularised, "right wrist, xz: with Jensen-Shannon divergence"}}) {
    pk::Tape<float> tape;
    const auto out = (*network)(tape.constant(images));
    canvas.text(gap, y - 10, title, 13, pk::colors::ink);
    for (std::size_t i = 0; i < people; ++i) {
      const auto at = [&](std::size_t axis) {
        return static_cast<double>(out.xyz.value()(i, joint, axis));
      };
      canvas.draw(
          draw_heatmap(heatmap_of(out.stages.back().xz.value(), i, joint), at(0), at(2), side),
          gap + static_cast<double>(i) * (side + gap), y, 1);
    }
    y += side + top + gap;
  }
  return canvas.bitmap();
}

}  // namespace

void run_ablation(const AblationOptions& options) {
  std::vector<Row> rows = table_rows(options.training.configuration);
  Batch test;  // the same for all
  const pk::OutputFolder folder(options.folder);
  std::vector<std::unique_ptr<Network>> first_seed;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t seed = 0; seed < options.seeds; ++seed) {
      TrainingOptions training = options.training;
      training.configuration = rows[r].configuration;
      training.configuration.network.seed = seed + 1;
      training.samples.seed = seed + 1;
      // Each in a folder of its own: an ablation that is stopped goes on where it was.
      training.folder =
          options.folder / ("row" + std::to_string(r + 1) + "-seed" + std::to_string(seed + 1));
      training.quiet = true;
      TrainedNetwork trained = train_network(training);
      if (trained.result.end == pk::TrainingEnd::stopped) {
        std::printf("stopped; the same command goes on from there\n");
        return;
      }
      test = std::move(trained.test);
      rows[r].errors.push_back(measure(predict(*trained.network, test.images), test));
      std::printf("%-20s seed %zu   PA-MPJPE %6.1f mm\n", rows[r].name.c_str(), seed + 1,
                  rows[r].errors.back().pa_mpjpe);
      std::fflush(stdout);
      if (seed == 0) first_seed.push_back(std::move(trained.network));
    }
  }
  std::string csv = "row,seed,pck,mpjpe,pa_mpjpe\n";
  std::printf("\n%-20s %17s %17s %17s\n", "", "PCK (PA) %", "PA-MPJPE mm", "MPJPE mm");
  for (const Row& row : rows) {
    const Spread pck = spread(row.errors, &Errors::pck), pa = spread(row.errors, &Errors::pa_mpjpe),
                 plain = spread(row.errors, &Errors::mpjpe);
    std::printf("%-20s %8.1f +- %5.1f %8.1f +- %5.1f %8.1f +- %5.1f\n", row.name.c_str(),
                100 * pck.mean, 100 * pck.deviation, pa.mean, pa.deviation, plain.mean,
                plain.deviation);
    for (std::size_t s = 0; s < row.errors.size(); ++s) {
      csv += pk::csv_field(row.name) + "," + std::to_string(s + 1) + "," +
             pk::csv_field(row.errors[s].pck) + "," + pk::csv_field(row.errors[s].mpjpe) + "," +
             pk::csv_field(row.errors[s].pa_mpjpe) + "\n";
    }
  }
  pk::write_file(options.folder / "ablation.csv", csv);
  pk::save_png(options.folder / "figure7.png", draw_figure_7(*first_seed[1], *first_seed[2], test));
  std::printf("in %s: ablation.csv, figure7.png, and a folder for each training\n",
              options.folder.c_str());
}
