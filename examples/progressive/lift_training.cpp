#include "lift_training.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <posekit/core/decimal.hpp>
#include <posekit/models/progressive_loss.hpp>
#include <posekit/models/progressive_network.hpp>
#include <posekit/nn/initialization.hpp>
#include <posekit/optim/rmsprop.hpp>
#include <posekit/optim/schedules.hpp>
#include <posekit/pose/position_errors.hpp>
#include <posekit/pose/skeletons.hpp>

#include "test_seed.hpp"
#include "training_report.hpp"

namespace pk = posekit;

namespace {

using Batch = pk::LiftingBatch<float>;

/// Batches of pairs as `training::train` asks for them.
class PairLoader {
 public:
  PairLoader(const pk::LiftingExamples<float>& pairs, std::size_t batch_size)
      : pairs_(pairs), size_(batch_size) {}

  std::size_t batch_count(std::uint64_t = 0) const { return pairs_.size() / size_; }
  void start(std::uint64_t epoch, std::uint64_t first = 0) {
    epoch_ = epoch;
    next_ = static_cast<std::size_t>(first);
  }
  std::optional<Batch> next() {
    if (next_ == batch_count()) return std::nullopt;
    return pairs_.batch(epoch_ * batch_count() + next_++, size_);
  }

 private:
  const pk::LiftingExamples<float>& pairs_;
  std::size_t size_;
  std::uint64_t epoch_ = 0;
  std::size_t next_ = 0;
};

std::map<std::string, std::string> arguments_of(const LiftTrainingOptions& o) {
  return {{"seed", std::to_string(o.pairs.seed)},
          {"epochs", std::to_string(o.epochs)},
          {"batch", std::to_string(o.batch_size)},
          {"learning_rate", pk::shortest_decimal(o.learning_rate)},
          {"noise", pk::shortest_decimal(o.pairs.noise)},
          {"attribute_errors", pk::shortest_decimal(o.pairs.attribute_errors)},
          {"threshold", pk::shortest_decimal(o.pairs.threshold)},
          {"mirror", o.pairs.mirror ? "1" : "0"},
          {"poses", o.poses.file.filename().string()},
          {"test_poses", o.test_poses.file.filename().string()}};
}

/// What a network says of a batch, whatever kind it is.
pk::models::ProgressiveOutput<float> say(const pk::models::ProgressivePose<float>& net,
                                         const pk::Var<float>& joints,
                                         const pk::Var<float>& attributes) {
  return net(joints, attributes);
}
pk::models::ProgressiveOutput<float> say(const pk::models::PoseLifter<float>& net,
                                         const pk::Var<float>& joints,
                                         const pk::Var<float>& attributes) {
  const auto positions = net(joints, attributes);
  return {{positions}, positions};
}

std::map<std::string, std::string> metadata_of(const pk::models::ProgressivePose<float>& net) {
  return pk::models::to_metadata(net.options());
}
std::map<std::string, std::string> metadata_of(const pk::models::PoseLifter<float>& net) {
  return {{"architecture", "pose_lifter"}, {"width", std::to_string(net.options().width)}};
}

template <class Net>
TrainedLifter train(Net& net, const LiftTrainingOptions& options, const LiftingData& data) {
  require_training_seed(options.pairs.seed);
  const pk::LiftingExamples<float> pairs(data.train.poses, pk::skeletons::pose_16, options.pairs);
  if (options.batch_size > pairs.size()) {
    throw pk::ValueError(pk::error_text("a batch of ", options.batch_size,
                                        " pairs is more than the ", pairs.size(), " of an epoch"));
  }
  const bool attributes = net.options().attributes;
  pk::nn::initialize(
      net, {.scheme = pk::nn::Initialization::kaiming_uniform_in, .seed = options.pairs.seed});
  pk::optim::Rmsprop<float> optimizer(pk::nn::parameters(net),
                                      {.learning_rate = options.learning_rate});
  PairLoader loader(pairs, options.batch_size);
  const std::uint64_t total = options.epochs * loader.batch_count();
  const pk::optim::Cosine schedule{.max_learning_rate = options.learning_rate,
                                   .total_steps = total};
  const auto loss = [&](pk::Tape<float>& tape, Batch& batch) {
    const auto seen = attributes ? tape.constant(std::move(batch.attributes)) : pk::Var<float>();
    return pk::progressive_loss(say(net, tape.constant(std::move(batch.joints)), seen),
                                batch.positions);
  };
  const auto test = test_pairs(data.test, options.pairs);
  const auto lifted = [&] { return net.lift(test.joints, test.attributes); };
  const auto evaluate = [&] {
    return pk::mpjpe(lifted(), test.positions, pk::skeletons::pose_16).mean;
  };
  TrainedLifter trained;
  TrainingReport report(options.quiet, "MPJPE", "mm");
  auto arguments = arguments_of(options);
  for (const auto& [name, value] : metadata_of(net)) arguments.emplace(name, value);
  const pk::TrainerOptions trainer{.epochs = options.epochs,
                                   .folder = options.folder,
                                   .checkpoint_every = 1000,
                                   .evaluate_every = options.evaluate_every > 0
                                                         ? options.evaluate_every
                                                         : std::max<std::uint64_t>(total / 10, 1),
                                   .metric = "MPJPE (mm)",
                                   .metadata = metadata_of(net),
                                   .arguments = std::move(arguments),
                                   .report =
                                       [&](const pk::TrainingStatus& s) {
                                         ++trained.steps_taken;
                                         return report(s);
                                       },
                                   .tape = {.threads = options.threads}};
  trained.result = pk::training::train(net, optimizer, loader, schedule, loss, evaluate, trainer);
  net.eval();
  trained.errors = measure_lifting(lifted(), test.positions, actions_of(data.test));
  return trained;
}

}  // namespace

LiftingData::LiftingData(const LiftTrainingOptions& options)
    : train(load_recordings(options.poses)),
      test(load_recordings(options.test_poses.file.empty() ? options.poses : options.test_poses)) {}

std::size_t LiftingNetwork::parameters() const {
  return progressive ? pk::nn::parameter_count(*progressive) : pk::nn::parameter_count(*plain);
}

TrainedLifter train_lifter(const LiftingNetwork& network, const LiftTrainingOptions& options,
                           const LiftingData& data) {
  return network.progressive ? train(*network.progressive, options, data)
                             : train(*network.plain, options, data);
}

void run_lift_training(const LiftTrainingOptions& options,
                       const pk::models::ProgressivePoseOptions& network) {
  const LiftingData data(options);
  const LiftingNetwork net{std::make_shared<pk::models::ProgressivePose<float>>(network)};
  if (!options.quiet) {
    std::printf(
        "progressive regressor: width %zu, %zu residual blocks, %.2f million parameters; "
        "%zu recorded poses\n",
        network.width, network.blocks, static_cast<double>(net.parameters()) * 1e-6,
        data.train.poses.shape()[0]);
  }
  const TrainedLifter trained = train_lifter(net, options, data);
  if (trained.result.end == pk::TrainingEnd::stopped) {
    std::printf("stopped after step %llu; the same command goes on from there\n",
                static_cast<unsigned long long>(trained.result.position.steps));
    return;
  }
  if (options.quiet) return;
  if (trained.steps_taken == 0) {
    std::printf("%s has all %llu steps of this training already\n", options.folder.c_str(),
                static_cast<unsigned long long>(trained.result.position.steps));
  }
  std::printf("\nOn recordings that it has not seen:\n");
  print_errors(trained.errors);
  if (!options.folder.empty()) {
    std::printf("in %s: best.safetensors, checkpoint.safetensors, log.csv, log.json, loss.png\n",
                options.folder.c_str());
  }
}
