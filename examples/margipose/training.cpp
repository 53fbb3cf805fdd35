#include "training.hpp"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include <posekit/core/decimal.hpp>
#include <posekit/heatmap/masked_mean.hpp>
#include <posekit/io/folder.hpp>
#include <posekit/nn/checkpoint.hpp>
#include <posekit/optim/adam.hpp>
#include <posekit/optim/sgd.hpp>

#include "program.hpp"
#include "training_report.hpp"

namespace pk = posekit;

namespace {

/// Everything that the weights depend on.
std::map<std::string, std::string> arguments_of(const TrainingOptions& o) {
  auto result = to_metadata(o.configuration);
  const SampleOptions& s = o.samples;
  result["seed"] = std::to_string(s.seed);
  result["epochs"] = std::to_string(o.epochs);
  result["images"] = std::to_string(o.images_per_epoch);
  result["batch"] = std::to_string(o.batch_size);
  result["optimizer"] = o.optimizer;
  result["learning_rate"] = pk::shortest_decimal(o.learning_rate);
  result["test_images"] = std::to_string(o.test_images);
  result["side_colours"] = s.side_colours ? "1" : "0";
  result["2d"] = pk::shortest_decimal(s.share_2d);
  for (const auto& [name, source] : {std::pair<const char*, const PoseSource&>{"poses", s.poses},
                                     {"test_poses", s.test_poses}}) {
    result[name] = source.file.empty() ? "generated" : source.file.filename().string();
  }
  return result;
}

std::unique_ptr<pk::optim::Optimizer<float>> make_optimizer(const TrainingOptions& options,
                                                            Network& net) {
  auto parameters = pk::nn::parameters(net);
  if (options.optimizer == "adam") {
    return std::make_unique<pk::optim::Adam<float>>(
        std::move(parameters), pk::optim::AdamOptions{.learning_rate = options.learning_rate});
  }
  if (options.optimizer == "sgd") {
    return std::make_unique<pk::optim::Sgd<float>>(
        std::move(parameters),
        pk::optim::SgdOptions{.learning_rate = options.learning_rate, .momentum = 0.9});
  }
  throw pk::ValueError("there is no optimizer '" + options.optimizer + "', expected adam or sgd");
}

}  // namespace

TrainedNetwork train_network(const TrainingOptions& options) {
  const Configuration& c = options.configuration;
  require_input_size(c);
  if (options.batch_size > options.images_per_epoch) {
    throw pk::ValueError(pk::error_text("a batch of ", options.batch_size,
                                        " pictures is more than the ", options.images_per_epoch,
                                        " of an epoch"));
  }
  TrainedNetwork trained{
      std::make_unique<Network>(c.network), {}, test_samples(options.samples, options.test_images)};
  Network& net = *trained.network;
  if (!options.quiet) {
    std::printf(
        "MargiPose: %s, %zu stages, width %zu, images of %zu x %zu, %.2f million parameters\n",
        to_string(c.network.feature_extractor).c_str(), c.network.stages, c.network.width,
        c.image_size, c.image_size, static_cast<double>(pk::nn::parameter_count(net)) * 1e-6);
  }
  const TrainingSamples samples(options.samples, options.images_per_epoch, options.epochs);
  auto loader = samples.loader(options.batch_size, options.workers);
  const auto optimizer = make_optimizer(options, net);
  const pk::optim::OneCycle schedule{.max_learning_rate = options.learning_rate,
                                     .total_steps = options.epochs * loader.batch_count()};
  const auto loss = [&](pk::Tape<float>& tape, Batch& batch) {
    const auto out = net(tape.constant(std::move(batch.images)));
    return pk::masked_mean(pk::margipose_loss(out, batch.targets, batch.three_dimensional,
                                              {.pixelwise = net.options().pixelwise_loss}),
                           batch.visible);
  };
  const auto evaluate = [&] {
    return measure(predict(net, trained.test.images), trained.test).pa_mpjpe;
  };
  TrainingReport report(options.quiet, "PA-MPJPE", "mm");
  pk::TrainerOptions trainer{.epochs = options.epochs,
                             .folder = options.folder,
                             .checkpoint_every = options.checkpoint_every,
                             .metric = "PA-MPJPE (mm)",
                             .patience = options.patience,
                             .metadata = to_metadata(c),
                             .arguments = arguments_of(options),
                             .report =
                                 [&](const pk::TrainingStatus& s) {
                                   ++trained.steps_taken;
                                   return report(s);
                                 },
                             .tape = {.threads = options.threads}};
  trained.result = pk::training::train(net, *optimizer, loader, schedule, loss, evaluate, trainer);
  return trained;
}

void run_training(const TrainingOptions& options) {
  const TrainedNetwork trained = train_network(options);
  if (trained.result.end == pk::TrainingEnd::stopped) {
    std::printf("stopped after step %llu; the same command goes on from there\n",
                static_cast<unsigned long long>(trained.result.position.steps));
  }
  if (options.quiet) return;
  if (trained.steps_taken == 0) {
    std::printf("%s has all %llu steps of this training already\n", options.folder.c_str(),
                static_cast<unsigned long long>(trained.result.position.steps));
  }
  const auto best = options.folder / "best.safetensors";
  const bool has_best = !options.folder.empty() && pk::is_file(best);
  if (has_best) pk::load_safetensors(best, *trained.network);
  std::printf("\nThe network of step %llu, on %zu pictures that it has not seen:\n",
              static_cast<unsigned long long>(has_best ? trained.result.best_step
                                                       : trained.result.position.steps),
              options.test_images);
  Comparison comparison;
  comparison.add(predict(*trained.network, trained.test.images), trained.test);
  comparison.print("the network", training_positions(options.samples, options.test_images));
  if (!options.folder.empty()) {
    std::printf("in %s: %s, log.csv, log.json, loss.png\n", options.folder.c_str(),
                has_best ? "best.safetensors" : "checkpoint.safetensors");
  }
}
