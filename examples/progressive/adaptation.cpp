#include "adaptation.hpp"

#include <array>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <posekit/io/csv.hpp>
#include <posekit/io/file.hpp>
#include <posekit/io/folder.hpp>
#include <posekit/io/image.hpp>
#include <posekit/viz/charts.hpp>

#include "command_line.hpp"
#include "image_measurement.hpp"
#include "spread.hpp"

namespace pk = posekit;

namespace {

const std::vector<Domain> domains{Domain::lab, Domain::wild, Domain::night};

struct DomainRow {
  std::string name, key;
  Sources sources = Sources::mixed;
  double reversal = 0;
  std::vector<std::vector<ImageMeasures>> measures{};  // of each seed, on each domain
};

/// What a table shows of a network on a domain.
using Value = double (*)(const ImageMeasures&);
const std::array<std::pair<const char*, Value>, 7> columns{
    {{"head", [](const ImageMeasures& m) { return m.attributes.head; }},
     {"elbow", [](const ImageMeasures& m) { return m.attributes.elbow; }},
     {"wrist", [](const ImageMeasures& m) { return m.attributes.wrist; }},
     {"knee", [](const ImageMeasures& m) { return m.attributes.knee; }},
     {"ankle", [](const ImageMeasures& m) { return m.attributes.ankle; }},
     {"average", [](const ImageMeasures& m) { return m.attributes.average; }},
     {"pckh", [](const ImageMeasures& m) { return m.pckh; }}}};

/// Over the seeds, on one domain.
Spread spread_of(const DomainRow& row, std::size_t domain, Value value) {
  return spread(row.measures, [&](const auto& seed) { return value(seed[domain]); });
}

std::filesystem::path folder_of(const AdaptationOptions& options, const DomainRow& row,
                                std::size_t seed) {
  return options.folder / (row.key + "-seed" + std::to_string(seed + 1));
}

std::string as_csv(const std::vector<DomainRow>& rows) {
  std::string csv = "training,seed,domain";
  for (const auto& [name, value] : columns) csv += std::string(",") + name;
  csv += ",domain_accuracy\n";
  for (const DomainRow& row : rows) {
    for (std::size_t s = 0; s < row.measures.size(); ++s) {
      for (std::size_t d = 0; d < domains.size(); ++d) {
        const ImageMeasures& m = row.measures[s][d];
        csv += pk::csv_field(row.name) + "," + std::to_string(s + 1) + "," +
               std::string(domain_names[static_cast<std::size_t>(domains[d])]);
        for (const auto& [name, value] : columns) csv += "," + pk::csv_field(value(m));
        csv += "," + pk::csv_field(m.domain_accuracy) + "\n";
      }
    }
  }
  return csv;
}

void print_table(const std::vector<DomainRow>& rows) {
  for (std::size_t d = 0; d < domains.size(); ++d) {
    const bool unseen = domains[d] == Domain::night;
    std::printf("\n%s%s, right (%%) and the standard deviation over seeds\n%-18s",
                std::string(domain_names[static_cast<std::size_t>(domains[d])]).c_str(),
                unseen ? " (seen by no training)" : "", "");
    for (const auto& [name, value] : columns) std::printf(" %12s", name);
    std::printf("\n");
    for (const DomainRow& row : rows) {
      std::printf("%-18s", row.name.c_str());
      for (const auto& [name, value] : columns) {
        const Spread s = spread_of(row, d, value);
        std::printf(" %5.1f +-%4.1f", 100 * s.mean, 100 * s.deviation);
      }
      std::printf("\n");
    }
  }
}

/// How far the classifier of domains and the attributes of the wild come, as means over the seeds.
void draw_course(const AdaptationOptions& options, const std::vector<DomainRow>& rows) {
  std::string csv = "training,step,domain_accuracy,wild_attributes,lab_attributes\n";
  std::vector<pk::ChartSeries> series;
  for (const DomainRow& row : rows) {
    struct Sums {
      double domain = 0, wild = 0, lab = 0, count = 0;
    };
    std::map<double, Sums> by_step;
    for (std::size_t seed = 0; seed < row.measures.size(); ++seed) {
      const pk::CsvTable table = pk::load_csv(folder_of(options, row, seed) / "domains.csv");
      for (std::size_t i = 0; i < table.rows.size(); ++i) {
        const auto value = [&](const char* name) { return table.number(i, table.column(name)); };
        Sums& sums = by_step[value("step")];
        sums.domain += (value("lab_domain") + value("wild_domain")) / 2;
        sums.wild += value("wild_attributes");
        sums.lab += value("lab_attributes");
        ++sums.count;
      }
    }
    pk::ChartSeries domain{row.name + ": domain", {}, {}}, wild{row.name + ": wild", {}, {}};
    for (const auto& [step, sums] : by_step) {
      csv += pk::csv_field(row.name) + "," + pk::csv_field(step);
      for (const double sum : {sums.domain, sums.wild, sums.lab})
        csv += "," + pk::csv_field(sum / sums.count);
      csv += "\n";
      for (pk::ChartSeries* one : {&domain, &wild}) one->x.push_back(step);
      domain.y.push_back(100 * sums.domain / sums.count);
      wild.y.push_back(100 * sums.wild / sums.count);
    }
    // With the lab alone there is no second domain to tell.
    if (row.sources == Sources::mixed) series.push_back(domain);
    series.push_back(wild);
  }
  pk::write_file(options.folder / "domains.csv", csv);
  pk::save_png(options.folder / "domains.png",
               pk::line_chart(series, {.title = "domains and attributes of the wild that are right",
                                       .x = {.label = "step"},
                                       .y = {.label = "right (%)", .low = 0, .high = 100}}));
}

}  // namespace

void run_adaptation(const AdaptationOptions& options) {
  std::vector<DomainRow> rows{{"lab", "lab", Sources::lab, 0},
                              {"mixed", "mixed", Sources::mixed, 0},
                              {"mixed, reversed", "reversed", Sources::mixed, options.reversal}};
  const pk::OutputFolder folder(options.folder);
  PeopleOptions people = options.training.training.people;
  if (!options.training.training.test_poses.file.empty())
    people.poses = options.training.training.test_poses;
  const auto tests = test_batches(people, options.training.training.test_images, domains);
  for (std::size_t seed = 0; seed < options.seeds; ++seed) {
    for (DomainRow& row : rows) {
      MultiTrainingOptions training = options.training;
      training.network.seed = training.training.people.seed = seed + 1;
      training.training.sources = row.sources;
      training.training.reversal = row.reversal;
      // Each in a folder of its own: what is stopped goes on where it was.
      training.training.folder = folder_of(options, row, seed);
      training.training.quiet = true;
      const TrainedImageNetwork trained = train_image_network(training);
      if (trained.result.end == pk::TrainingEnd::stopped) {
        std::printf("stopped; the same command goes on from there\n");
        return;
      }
      std::vector<ImageMeasures> measures;
      for (const DomainBatch& test : tests) {
        measures.push_back(
            measure(answers_of(*trained.network, test.images, training.training.beta), test));
      }
      std::printf("%-18s seed %zu   attributes: lab %.1f %%, wild %.1f %%, night %.1f %%\n",
                  row.name.c_str(), seed + 1, 100 * measures[0].attributes.average,
                  100 * measures[1].attributes.average, 100 * measures[2].attributes.average);
      std::fflush(stdout);
      row.measures.push_back(std::move(measures));
    }
  }
  print_table(rows);
  std::vector<pk::ChartBar> bars;
  for (std::size_t d = 0; d < domains.size(); ++d) {
    for (const DomainRow& row : rows) {
      bars.push_back(
          {std::string(domain_names[static_cast<std::size_t>(domains[d])]) + ": " + row.name,
           100 * spread_of(row, d, columns[5].second).mean});
    }
  }
  pk::write_file(options.folder / "adaptation.csv", as_csv(rows));
  pk::save_png(options.folder / "adaptation.png",
               pk::bar_chart(bars, {.title = "attributes, mean of five joints",
                                    .x = {.label = "right (%)", .low = 0, .high = 100}}));
  draw_course(options, rows);
  std::printf(
      "\nin %s: adaptation.csv, adaptation.png, domains.csv, domains.png, and a folder for each "
      "training\n",
      options.folder.c_str());
}

void add_adaptation_options(CLI::App& app, AdaptationOptions& o) {
  add_image_network_options(app, o.training.network, o.training.training.people);
  add_picture_training_options(app, o.training.training);
  // What the rows and the seeds decide is not asked for.
  for (const char* name : {"--sources", "--seed", "--output", "--quiet", "--reversal"})
    app.remove_option(app.get_option(name));
  app.add_option("--reversal", o.reversal, "the largest lambda of the third row")
      ->check(positive_number())
      ->type_name("LAMBDA");
  app.add_option("--seeds", o.seeds, "trainings of each kind")
      ->check(CLI::Range(1, 1000).description(""))
      ->type_name("COUNT");
  app.add_option("-o,--output", o.folder, "folder for the trainings and the tables")
      ->type_name("DIR");
}
