#pragma once

// What happened in a training: one row per step or evaluation, as CSV and JSON and as a picture.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/io/csv.hpp>
#include <posekit/io/image.hpp>

namespace posekit::inline POSEKIT_ISA {

/// One step, or an evaluation after it.
struct TrainingRecord {
  std::uint64_t step = 0, epoch = 0;
  double loss = std::numeric_limits<double>::quiet_NaN();  ///< of the step's batch
  double learning_rate = std::numeric_limits<double>::quiet_NaN();
  double metric = std::numeric_limits<double>::quiet_NaN();  ///< of an evaluation
};

}  // namespace posekit::inline POSEKIT_ISA

namespace posekit::inline POSEKIT_ISA::training {

/// All records of a training, in their order.
class TrainingLog {
 public:
  void add(const TrainingRecord& record) { records_.push_back(record); }
  const std::vector<TrainingRecord>& records() const { return records_; }

  /// Forgets what came after a step, which a training that resumes there will do again.
  void rewind(std::uint64_t step);

  std::string csv(const std::string& metric) const {
    return "step,epoch,loss,learning_rate," + csv_field(metric) + "\n" + csv_rows(0);
  }

  /// Throws FileError naming the file and the line where it is not what `csv` writes.
  /// A last line without an end is left out: the program was killed as it wrote it.
  static TrainingLog from_csv(const std::filesystem::path& path);

  /// Brings log.csv in a folder up to date: the first call writes it anew, later ones append what
  /// was added since. Throws FileError.
  void write_csv(const std::filesystem::path& folder, const std::string& metric);
  /// Writes log.csv, log.json and loss.png into a folder. Throws FileError.
  void write(const std::filesystem::path& folder, const std::string& metric);

  std::string json(const std::string& metric) const;

  /// The loss, averaged over a fiftieth of the steps, and the metric, both against the step.
  Bitmap picture(const std::string& metric) const;

 private:
  /// The rows from one record on.
  std::string csv_rows(std::size_t first) const;

  std::vector<TrainingRecord> records_;
  std::size_t written_ = 0;  // of them, by this object
};

}  // namespace posekit::inline POSEKIT_ISA::training

#if POSEKIT_DEFINES_TRAINING

#include <posekit/core/decimal.hpp>
#include <posekit/io/file.hpp>
#include <posekit/io/json_string.hpp>
#include <posekit/viz/charts.hpp>
#include <posekit/viz/stacked.hpp>

namespace posekit::inline POSEKIT_ISA::training {

POSEKIT_INLINE void TrainingLog::rewind(std::uint64_t step) {
  while (!records_.empty() && records_.back().step > step) records_.pop_back();
  if (records_.size() < written_) written_ = 0;  // the file has too much
}

POSEKIT_INLINE TrainingLog TrainingLog::from_csv(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const CsvTable table = parse_csv(text.substr(0, text.rfind('\n') + 1), path.string());
  if (table.header.size() != 5 || table.header[0] != "step") {
    throw FileError(path.string() +
                    ": is no training log, expected the columns step, epoch, "
                    "loss, learning_rate and a metric");
  }
  TrainingLog log;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const auto number = [&](std::size_t column) { return table.number(i, column); };
    const auto count = [&](std::size_t column) {
      const double value = number(column);
      if (!(value >= 0 && value < 9e15)) {
        throw FileError(error_text(path.string(), ": row ", i + 1, " has '", table.rows[i][column],
                                   "' for ", table.header[column], ", expected a count"));
      }
      return static_cast<std::uint64_t>(value);
    };
    log.add({count(0), count(1), number(2), number(3), number(4)});
  }
  return log;
}

POSEKIT_INLINE void TrainingLog::write_csv(const std::filesystem::path& folder,
                                           const std::string& metric) {
  const auto path = folder / "log.csv";
  if (written_ == 0) {
    write_file(path, csv(metric));
  } else if (written_ < records_.size()) {
    std::ofstream stream(path, std::ios::binary | std::ios::app);
    stream << csv_rows(written_);
    stream.close();
    if (!stream) throw FileError(path.string() + ": could not be written");
  }
  written_ = records_.size();
}

POSEKIT_INLINE void TrainingLog::write(const std::filesystem::path& folder,
                                       const std::string& metric) {
  write_csv(folder, metric);
  write_file(folder / "log.json", json(metric));
  if (!records_.empty()) save_png(folder / "loss.png", picture(metric));
}

POSEKIT_INLINE std::string TrainingLog::json(const std::string& metric) const {
  const auto value = [](double v) {
    return std::isfinite(v) ? shortest_decimal(v) : std::string("null");
  };
  std::string text = "{\"metric\": " + json_string(metric) + ", \"records\": [";
  for (std::size_t i = 0; i < records_.size(); ++i) {
    const TrainingRecord& r = records_[i];
    text += std::string(i == 0 ? "\n" : ",\n") + "  {\"step\": " + std::to_string(r.step) +
            ", \"epoch\": " + std::to_string(r.epoch) + ", \"loss\": " + value(r.loss) +
            ", \"learning_rate\": " + value(r.learning_rate) + ", \"metric\": " + value(r.metric) +
            "}";
  }
  return text + "\n]}\n";
}

POSEKIT_INLINE Bitmap TrainingLog::picture(const std::string& metric) const {
  ChartSeries losses{"loss", {}, {}}, metrics{metric, {}, {}};
  for (const TrainingRecord& r : records_) {
    const auto step = static_cast<double>(r.step);
    if (std::isfinite(r.loss)) {
      losses.x.push_back(step);
      losses.y.push_back(r.loss);
    }
    if (std::isfinite(r.metric)) {
      metrics.x.push_back(step);
      metrics.y.push_back(r.metric);
    }
  }
  const std::size_t window = std::max<std::size_t>(1, losses.y.size() / 50);
  ChartSeries smooth{"loss (mean)", {}, {}};
  for (std::size_t i = 0; i + window <= losses.y.size(); i += window) {
    double sum = 0;
    for (std::size_t k = i; k < i + window; ++k) sum += losses.y[k];
    smooth.x.push_back(losses.x[i + window - 1]);
    smooth.y.push_back(sum / static_cast<double>(window));
  }
  const auto chart = [&](const ChartSeries& series, const std::string& label) {
    ChartOptions options;
    options.title = label + " against step";
    options.x.label = "step";
    options.y.label = label;
    options.height = 360;
    return line_chart({series}, options);
  };
  const Bitmap above = chart(smooth, "training loss");
  if (metrics.x.empty()) return above;
  return stacked({above, chart(metrics, metric)});
}

POSEKIT_INLINE std::string TrainingLog::csv_rows(std::size_t first) const {
  std::string text;
  for (std::size_t i = first; i < records_.size(); ++i) {
    const TrainingRecord& r = records_[i];
    text += std::to_string(r.step) + "," + std::to_string(r.epoch) + "," + csv_field(r.loss) + "," +
            csv_field(r.learning_rate) + "," + csv_field(r.metric) + "\n";
  }
  return text;
}

}  // namespace posekit::inline POSEKIT_ISA::training

#endif  // POSEKIT_DEFINES_TRAINING
