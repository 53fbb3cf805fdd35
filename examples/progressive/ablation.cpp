#include "ablation.hpp"

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <posekit/io/csv.hpp>
#include <posekit/io/file.hpp>
#include <posekit/io/folder.hpp>
#include <posekit/models/residual_regressor.hpp>

#include "spread.hpp"

namespace pk = posekit;

namespace {

using pk::models::Dependencies;
using pk::models::ProgressivePoseOptions;

/// A network with as many parameters as the full one without attributes, and what it is shown.
struct LiftingRow {
  std::string name, folder;
  std::function<LiftingNetwork()> make;
  double attribute_errors = 0;
  std::size_t parameters = 0;           // once it has been made
  std::vector<LiftingErrors> errors{};  // one per seed
};

std::vector<LiftingRow> table_rows(const LiftAblationOptions& options) {
  ProgressivePoseOptions full = options.network;
  full.attributes = false;
  const auto progressive = [](const ProgressivePoseOptions& network) {
    return [network] {
      return LiftingNetwork{std::make_shared<pk::models::ProgressivePose<float>>(network)};
    };
  };
  // As many parameters as `whole`.
  const auto in_order = [](Dependencies order, const ProgressivePoseOptions& whole) {
    ProgressivePoseOptions network = whole;
    network.order = order;
    network.width = pk::models::equal_width(network, whole);
    return network;
  };
  const auto changed = [&](const auto& change) {
    ProgressivePoseOptions network = full;
    change(network);
    return network;
  };
  const auto plain = [&] {
    const LiftingNetwork whole = progressive(full)();
    pk::models::PoseLifterOptions network{.skeleton = full.skeleton,
                                          .blocks = full.blocks,
                                          .dropout = full.dropout,
                                          .unit = full.unit};
    network.width =
        pk::models::width_of_size({pk::models::regressor_options(network)}, whole.parameters());
    return [network] {
      return LiftingNetwork{{}, std::make_shared<pk::models::PoseLifter<float>>(network)};
    };
  };
  ProgressivePoseOptions seeing = full;
  seeing.attributes = true;
  const auto seeing_baseline = in_order(Dependencies::none, seeing);
  return {
      {"Martinez et al.", "martinez", plain()},
      {"baseline, Eq. 7", "baseline", progressive(in_order(Dependencies::none, full))},
      {"six unconnected", "unconnected", progressive(in_order(Dependencies::unconnected, full))},
      {"forward alone", "forward", progressive(in_order(Dependencies::forward, full))},
      {"backward alone", "backward", progressive(in_order(Dependencies::backward, full))},
      {"progressive", "progressive", progressive(full)},
      {"  distal first", "distal-first", progressive(changed([](ProgressivePoseOptions& o) {
         o.second_block = pk::models::SecondBlock::distal_first;
       }))},
      {"  dropout 0.1", "dropout",
       progressive(changed([](ProgressivePoseOptions& o) { o.dropout = 0.1; }))},
      {"baseline + predicted attr", "baseline-predicted", progressive(seeing_baseline),
       options.attribute_errors},
      {"progressive + predicted attr", "progressive-predicted", progressive(seeing),
       options.attribute_errors},
      {"baseline + true attr", "baseline-true", progressive(seeing_baseline)},
      {"progressive + true attr", "progressive-true", progressive(seeing)}};
}

std::string table(const std::vector<LiftingRow>& rows) {
  const auto& parts = rows[0].errors[0].parts;
  char text[96];
  std::string out = std::string(29, ' ');
  for (const auto& [name, error] : parts) {
    std::snprintf(text, sizeof(text), " %8s", name.c_str());
    out += text;
  }
  out += "      parts     frames    actions   PA frames\n";
  for (const LiftingRow& row : rows) {
    std::snprintf(text, sizeof(text), "%-29s", row.name.c_str());
    out += text;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      const Spread s =
          spread(row.errors, [p](const LiftingErrors& e) { return e.parts[p].second; });
      std::snprintf(text, sizeof(text), " %8.1f", s.mean);
      out += text;
    }
    for (const auto field : {&LiftingErrors::by_parts, &LiftingErrors::mpjpe,
                             &LiftingErrors::by_actions, &LiftingErrors::pa_mpjpe}) {
      const Spread s = spread(row.errors, [field](const LiftingErrors& e) { return e.*field; });
      std::snprintf(text, sizeof(text), "  %5.1f+-%3.1f", s.mean, s.deviation);
      out += text;
    }
    out += "\n";
  }
  return out;
}

std::string csv(const std::vector<LiftingRow>& rows) {
  std::string text = "row,seed,parameters,mpjpe,pa_mpjpe,rigid,by_parts,by_actions";
  for (const auto* named :
       {&rows[0].errors[0].parts, &rows[0].errors[0].freedom, &rows[0].errors[0].actions}) {
    for (const auto& [name, error] : *named) text += "," + pk::csv_field(name);
  }
  text += "\n";
  for (const LiftingRow& row : rows) {
    for (std::size_t s = 0; s < row.errors.size(); ++s) {
      const LiftingErrors& e = row.errors[s];
      text += pk::csv_field(row.folder) + "," + std::to_string(s + 1) + "," +
              std::to_string(row.parameters);
      for (const double value : {e.mpjpe, e.pa_mpjpe, e.rigid, e.by_parts, e.by_actions})
        text += "," + pk::csv_field(value);
      for (const auto* named : {&e.parts, &e.freedom, &e.actions}) {
        for (const auto& [name, error] : *named) text += "," + pk::csv_field(error);
      }
      text += "\n";
    }
  }
  return text;
}

}  // namespace

void run_lift_ablation(const LiftAblationOptions& options) {
  const LiftingData data(options.training);
  std::vector<LiftingRow> rows = table_rows(options);
  const pk::OutputFolder folder(options.folder);
  for (std::size_t seed = 1; seed <= options.seeds; ++seed) {
    for (LiftingRow& row : rows) {
      LiftTrainingOptions training = options.training;
      training.pairs.seed = seed;
      training.pairs.attribute_errors = row.attribute_errors;
      // Each in a folder of its own: an ablation that is stopped goes on where it was.
      training.folder = options.folder / (row.folder + "-seed" + std::to_string(seed));
      training.quiet = true;
      const LiftingNetwork network = row.make();
      row.parameters = network.parameters();
      const TrainedLifter trained = train_lifter(network, training, data);
      if (trained.result.end == pk::TrainingEnd::stopped) {
        std::printf("stopped; the same command goes on from there\n");
        return;
      }
      row.errors.push_back(trained.errors);
      std::printf("seed %zu   %-29s MPJPE %6.1f mm   PA-MPJPE %6.1f mm\n", seed, row.name.c_str(),
                  trained.errors.mpjpe, trained.errors.pa_mpjpe);
      std::fflush(stdout);
    }
  }
  const std::string text = table(rows);
  std::printf(
      "\nMPJPE in mm by part of the body, and means over parts, frames and actions (+- "
      "over %zu seeds):\n%s",
      options.seeds, text.c_str());
  pk::write_file(options.folder / "ablation.txt", text);
  pk::write_file(options.folder / "ablation.csv", csv(rows));
  std::printf("in %s: ablation.txt, ablation.csv, and a folder for each training\n",
              options.folder.c_str());
}
