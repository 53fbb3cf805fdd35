#include <catch2/catch.hpp>

#include <cmath>
#include <string>

#include <nlohmann/json.hpp>

#include <posekit/io/file.hpp>
#include <posekit/training/training_log.hpp>

#include "regression.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;

namespace {

pk::training::TrainingLog example() {
  pk::training::TrainingLog log;
  for (std::uint64_t step = 1; step <= 130; ++step) {
    pk::TrainingRecord record{step, step / 40, 1.0 / static_cast<double>(step), 0.1};
    if (step % 40 == 0) record.metric = 100.0 / static_cast<double>(step);
    log.add(record);
  }
  return log;
}

}  // namespace

TEST_CASE("A log survives its file", "[training]") {
  const auto folder = scratch_folder("training_log");
  auto log = example();
  log.write(folder, "error, mm");
  auto again = pk::training::TrainingLog::from_csv(folder / "log.csv");
  CHECK(again.csv("error, mm") == log.csv("error, mm"));
  again.rewind(40);
  CHECK(again.records().size() == 40);
  CHECK(again.records().back().metric == 2.5);
  const auto text = pk::read_file(folder / "log.json");
  const auto json = nlohmann::json::parse(text.begin(), text.end());
  CHECK(json["metric"] == "error, mm");
  CHECK(json["records"].size() == 130);
  CHECK(json["records"][39]["metric"] == 2.5);
  CHECK(json["records"][38]["metric"].is_null());
  CHECK(json["records"][129]["step"] == 130);
}

TEST_CASE("A log grows in its file, and a line that was not finished is left out", "[training]") {
  const auto folder = scratch_folder("training_log_grows");
  pk::training::TrainingLog log;
  const auto all = example().records();
  for (std::size_t i = 0; i < all.size(); ++i) {
    log.add(all[i]);
    if (i % 7 == 3) log.write_csv(folder, "error");
  }
  log.write_csv(folder, "error");
  log.write_csv(folder, "error");
  const auto text = [&] {
    const auto bytes = pk::read_file(folder / "log.csv");
    return std::string(bytes.begin(), bytes.end());
  };
  CHECK(text() == log.csv("error"));
  const std::string cut = text().substr(0, text().size() - 3);
  pk::write_file(folder / "log.csv", cut);
  auto again = pk::training::TrainingLog::from_csv(folder / "log.csv");
  CHECK(again.records().size() == all.size() - 1);
  again.add(all.back());
  again.write_csv(folder, "error");
  CHECK(text() == log.csv("error"));
  again.rewind(50);
  again.write_csv(folder, "error");
  CHECK(text() == again.csv("error"));
  CHECK(again.records().size() == 50);
}

TEST_CASE("A metric may be called anything", "[training]") {
  const std::string name = "a \"b\"\\,\n\xff";
  const auto json = nlohmann::json::parse(example().json(name));
  CHECK(json["metric"] == "a \"b\"\\,\n\xef\xbf\xbd");
}

TEST_CASE("A log's picture shows loss and metric, or the loss alone", "[training]") {
  const auto both = example().picture("error");
  pk::training::TrainingLog bare;
  bare.add({1, 0, 0.5, 0.1});
  const auto one = bare.picture("error");
  CHECK(both.width == one.width);
  CHECK(both.height == 2 * one.height);
}

TEST_CASE("What is no log is refused", "[training]") {
  const auto folder = scratch_folder("training_log_wrong");
  const auto refused = [&](const std::string& text, const std::string& expected) {
    pk::write_file(folder / "log.csv", text);
    CHECK_THROWS_WITH(pk::training::TrainingLog::from_csv(folder / "log.csv"),
                      Catch::Contains("log.csv") && Catch::Contains(expected));
  };
  refused("a,b\n1,2\n", "no training log");
  refused("step,epoch,loss,learning_rate,m\n1,0,x,0.1,\n", "column 'loss' holds 'x'");
  refused("step,epoch,loss,learning_rate,m\n-1,0,1,0.1,\n", "'-1' for step");
  refused("step,epoch,loss,learning_rate,m\n1,0,1,0.1\n", "4 fields");
}
