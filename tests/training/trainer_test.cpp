#include <catch2/catch.hpp>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <vector>

#include <posekit/batches/batch_loader.hpp>
#include <posekit/io/file.hpp>
#include <posekit/optim/adam.hpp>
#include <posekit/optim/sgd.hpp>
#include <posekit/training/trainer.hpp>

#include "regression.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;
using regression::Loader;
using regression::Net;

namespace {

struct Run {
  pk::TrainingResult result;
  Net net;
};

/// Trains, stopping after `stop_at` steps where that is not 0.
template <template <class> class Optimizer = pk::optim::Sgd>
Run run(const pk::TrainerOptions& given, std::uint64_t stop_at = 0, int threads = 1) {
  Run r{{}, {}};
  Optimizer<float> optimizer(pk::nn::parameters(r.net), {.learning_rate = 0.05});
  optimizer.set_momentum(0.9);
  Loader loader;
  const pk::optim::OneCycle schedule{.max_learning_rate = 0.2,
                                     .total_steps = given.epochs * loader.batch_count()};
  pk::TrainerOptions options = given;
  options.tape.threads = threads;
  if (stop_at > 0) {
    options.report = [=](const pk::TrainingStatus& s) { return s.step != stop_at; };
  }
  r.result = pk::training::train(r.net, optimizer, loader, schedule, regression::loss_of(r.net),
                                 regression::error_of(r.net), options);
  return r;
}

}  // namespace

TEST_CASE("A training learns, and says what it did", "[training]") {
  const auto folder = scratch_folder("trainer_learns") / "new";
  Net untrained;
  pk::nn::set_training(untrained, false);
  const double before = regression::error_of(untrained)();
  std::vector<pk::TrainingStatus> seen;
  pk::TrainerOptions options{.epochs = 60, .folder = folder, .metric = "error"};
  options.report = [&](const pk::TrainingStatus& s) {
    seen.push_back(s);
    return true;
  };
  const Run r = run(options);
  CHECK(r.result.end == pk::TrainingEnd::finished);
  CHECK(r.result.position.steps == 300);
  CHECK(r.result.best_metric < 0.2 * before);
  REQUIRE(seen.size() == 300);
  CHECK(seen.back().step == 300);
  CHECK(seen.back().total_steps == 300);
  CHECK(seen[4].metric.has_value());
  CHECK_FALSE(seen[3].metric.has_value());
  for (const char* name :
       {"checkpoint.safetensors", "best.safetensors", "log.csv", "log.json", "loss.png"}) {
    INFO(name);
    CHECK(std::filesystem::file_size(folder / name) > 100);
  }
  // The best weights are those that were measured best.
  Net best;
  pk::load_safetensors(folder / "best.safetensors", best);
  pk::nn::set_training(best, false);
  CHECK(regression::error_of(best)() == r.result.best_metric);
}

TEST_CASE("A training that stopped goes on bit for bit", "[training]") {
  const auto whole = scratch_folder("trainer_whole");
  const pk::TrainerOptions options{.epochs = 4, .checkpoint_every = 3};
  pk::TrainerOptions straight = options;
  straight.folder = whole;
  run(straight);
  const auto expected = pk::read_file(whole / "checkpoint.safetensors");
  const auto expected_log = pk::read_file(whole / "log.csv");
  for (const std::uint64_t stop : {1u, 4u, 5u, 6u, 13u, 19u}) {
    INFO("stopped after step " << stop);
    const auto parts = scratch_folder("trainer_parts");
    pk::TrainerOptions again = options;
    again.folder = parts;
    CHECK(run(again, stop).result.end == pk::TrainingEnd::stopped);
    const Run rest = run(again, 0, 3);
    CHECK(rest.result.end == pk::TrainingEnd::finished);
    CHECK(pk::read_file(parts / "checkpoint.safetensors") == expected);
    CHECK(pk::read_file(parts / "log.csv") == expected_log);
  }
}

TEST_CASE("A training with Adam goes on bit for bit from its last checkpoint", "[training]") {
  const auto whole = scratch_folder("trainer_adam_whole"),
             parts = scratch_folder("trainer_adam_parts");
  pk::TrainerOptions options{.epochs = 3, .folder = whole, .checkpoint_every = 4};
  run<pk::optim::Adam>(options);
  options.folder = parts;
  // As if it had been killed at step 10: what it left is the checkpoint of step 8.
  std::vector<std::uint8_t> kept;
  options.report = [&](const pk::TrainingStatus& s) {
    if (s.step == 8) kept = pk::read_file(parts / "checkpoint.safetensors");
    return s.step != 10;
  };
  run<pk::optim::Adam>(options);
  pk::write_file(parts / "checkpoint.safetensors",
                 {reinterpret_cast<const char*>(kept.data()), kept.size()});
  options.report = {};
  run<pk::optim::Adam>(options);
  CHECK(pk::read_file(parts / "checkpoint.safetensors") ==
        pk::read_file(whole / "checkpoint.safetensors"));
}

TEST_CASE("A checkpoint of a training with other arguments is not resumed", "[training]") {
  const auto folder = scratch_folder("trainer_arguments");
  pk::TrainerOptions options{
      .epochs = 1, .folder = folder, .arguments = {{"batch", "19"}, {"rate", "0.1"}}};
  run<pk::optim::Adam>(options);
  const auto before = pk::read_file(folder / "checkpoint.safetensors");
  CHECK_NOTHROW(run<pk::optim::Adam>(options));
  options.arguments = {{"batch", "19"}, {"rate", "0.2"}, {"seed", "7"}};
  CHECK_THROWS_WITH(run<pk::optim::Adam>(options),
                    (folder / "checkpoint.safetensors").string() +
                        ": is of a training with rate 0.1, seed nothing, this one has rate 0.2, "
                        "seed 7; choose another folder, or remove that one");
  CHECK(pk::read_file(folder / "checkpoint.safetensors") == before);
}

TEST_CASE("A training ends where nothing improves", "[training]") {
  Net net;
  pk::optim::Sgd<float> optimizer(pk::nn::parameters(net), {.learning_rate = 0.0});
  Loader loader;
  int evaluations = 0;
  const auto result = pk::training::train(net, optimizer, loader, pk::optim::Constant{.value = 0.0},
                                          regression::loss_of(net),
                                          [&] {
                                            ++evaluations;
                                            return 1.0;
                                          },
                                          {.epochs = 50, .patience = 3});
  CHECK(result.end == pk::TrainingEnd::patience);
  CHECK(evaluations == 4);
  CHECK(result.best_step == 5);
}

TEST_CASE("An epoch whose last batches cannot be made is evaluated all the same", "[training]") {
  const auto load = [](std::size_t index) {
    if (index >= 32) throw pk::ValueError("broken");
    return static_cast<float>(index) / 40;
  };
  const auto collate = [](std::span<const float> values) {
    regression::Batch batch{pk::make_tensor<float>({values.size(), 1}), {}};
    std::copy(values.begin(), values.end(), batch.x.data());
    batch.y = batch.x;
    return batch;
  };
  for (const int workers : {0, 2}) {
    pk::BatchLoader<regression::Batch> loader(40, load, collate,
                                              {.batch_size = 8, .shuffle = false},
                                              {.workers = workers, .on_error = pk::OnError::skip});
    Net net;
    pk::optim::Sgd<float> optimizer(pk::nn::parameters(net), {.learning_rate = 0.1});
    int evaluations = 0;
    const auto result = pk::training::train(
        net, optimizer, loader, pk::optim::Constant{.value = 0.1}, regression::loss_of(net),
        [&] { return 1.0 / ++evaluations; }, {.epochs = 3});
    CHECK(evaluations == 3);
    CHECK(result.position.steps == 12);
    CHECK(result.best_step == 12);
  }
}

TEST_CASE("A gradient or a weight that is not finite does not reach a checkpoint", "[training]") {
  const auto folder = scratch_folder("trainer_finite");
  for (const bool of_gradient : {true, false}) {
    Net net;
    pk::optim::Sgd<float> optimizer(pk::nn::parameters(net), {.learning_rate = 0.1});
    Loader loader;
    int step = 0;
    const auto loss = [&](pk::Tape<float>& tape, const regression::Batch&) {
      const auto w = net.first.weight.on(tape, true);
      if (++step < 3) return pk::sum(w);
      // Finite, but of slope infinity; or a slope that takes the weight out of its range.
      return of_gradient ? pk::sum(pk::sqrt(w - w))
                         : pk::sum(w - tape.constant(pk::Tensor<float>(w.value()))) * 3e38f;
    };
    CHECK_THROWS_WITH(
        pk::training::train(net, optimizer, loader, pk::optim::Constant{.value = 9.0}, loss,
                            [] { return 0.0; },
                            {.epochs = 3, .folder = folder / "out", .checkpoint_every = 1}),
        Catch::Contains(of_gradient ? "a gradient of step 3 is not finite"
                                    : "'first.weight' is not finite after step 3"));
    Net kept;
    pk::optim::Sgd<float> fresh(pk::nn::parameters(kept), {.learning_rate = 0.1});
    const auto at =
        pk::training::load_checkpoint(folder / "out" / "checkpoint.safetensors", kept, fresh);
    CHECK(at.steps == 2);
    for (const float v : kept.first.weight.value()) CHECK(std::isfinite(v));
    std::filesystem::remove_all(folder / "out");
  }
}

TEST_CASE("What goes wrong in a training is said, and its checkpoint stays", "[training]") {
  const auto folder = scratch_folder("trainer_wrong");
  pk::TrainerOptions options{.epochs = 2, .folder = folder};
  run(options);
  const auto before = pk::read_file(folder / "checkpoint.safetensors");
  const auto train_with = [&](const auto& loss) {
    Net net;
    pk::optim::Sgd<float> optimizer(pk::nn::parameters(net),
                                    {.learning_rate = 0.1, .momentum = 0.9});
    Loader loader;
    options.epochs = 5;
    pk::training::train(
        net, optimizer, loader, pk::optim::Constant{.value = 0.1}, loss, [] { return 0.0; },
        options);
  };
  CHECK_THROWS_WITH(train_with([](pk::Tape<float>& tape, const regression::Batch&) {
                      pk::Tensor<float> nan = pk::zeros<float>({});
                      nan.data()[0] = std::numeric_limits<float>::quiet_NaN();
                      return tape.variable(nan);
                    }),
                    Catch::Contains("loss of step 11") && Catch::Contains("nan"));
  CHECK_THROWS_WITH(train_with([](pk::Tape<float>& tape, const regression::Batch&) {
                      return tape.variable(pk::zeros<float>({2, 3}));
                    }),
                    Catch::Contains("[2, 3]") && Catch::Contains("one element"));
  CHECK(pk::read_file(folder / "checkpoint.safetensors") == before);
  // A checkpoint of another optimiser, and a file that is none.
  CHECK_THROWS_WITH(run<pk::optim::Adam>(options),
                    Catch::Contains("is of the optimiser Sgd, expected Adam"));
  pk::write_file(folder / "checkpoint.safetensors", "nonsense");
  CHECK_THROWS_AS(run(options), pk::FileError);
}

TEST_CASE("Two trainings do not share a folder", "[training]") {
  if (!pk::FolderLock::supported()) return;
  const auto folder = scratch_folder("trainer_two") / "out";
  pk::TrainerOptions inner{.epochs = 2, .folder = folder};
  pk::TrainerOptions outer = inner;
  bool asked = false;
  outer.report = [&](const pk::TrainingStatus&) {
    if (std::exchange(asked, true)) return true;
    CHECK_THROWS_WITH(run(inner), Catch::Contains("another training is writing into this folder"));
    return true;
  };
  run(outer);
  CHECK(asked);
  CHECK(std::filesystem::exists(folder / "checkpoint.safetensors"));
  CHECK_FALSE(std::filesystem::exists(folder / ".lock"));
  CHECK_NOTHROW(run(inner));
}

TEST_CASE("A training that fails at once leaves no folder", "[training]") {
  const auto folder = scratch_folder("trainer_fails") / "a" / "b";
  Net net;
  pk::optim::Sgd<float> optimizer(pk::nn::parameters(net), {.learning_rate = 0.1});
  Loader loader;
  const auto loss = [](pk::Tape<float>& tape, const regression::Batch&) {
    return tape.variable(pk::zeros<float>({2, 3}));
  };
  CHECK_THROWS_AS(pk::training::train(net, optimizer, loader, pk::optim::Constant{.value = 0.1},
                                      loss, [] { return 0.0; }, {.epochs = 1, .folder = folder}),
                  pk::ShapeError);
  CHECK_FALSE(std::filesystem::exists(folder.parent_path()));
  CHECK_THROWS_WITH(
      pk::training::train(net, optimizer, loader, pk::optim::Constant{.value = 0.1}, loss,
                          [] { return 0.0; }, {.epochs = 1, .clip_norm = std::nan("")}),
      "train: clip_norm is nan, expected 0 or a positive number");
}
