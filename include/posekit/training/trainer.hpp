#pragma once

// The training loop: epochs, schedule, evaluation, checkpoints, log.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/require.hpp>
#include <posekit/io/atomic_file.hpp>
#include <posekit/io/folder.hpp>
#include <posekit/io/folder_lock.hpp>
#include <posekit/nn/checkpoint.hpp>
#include <posekit/optim/gradient_clipping.hpp>
#include <posekit/optim/gradients.hpp>
#include <posekit/optim/optimizer.hpp>
#include <posekit/optim/schedules.hpp>
#include <posekit/training/checkpoint.hpp>
#include <posekit/training/training_log.hpp>

namespace posekit::inline POSEKIT_ISA {

/// How far a training has come, after each step.
struct TrainingStatus {
  std::uint64_t step = 0, total_steps = 0;
  std::uint64_t epoch = 0, epochs = 0;
  double loss = 0, learning_rate = 0;
  std::optional<double> metric{};  ///< where an evaluation followed the step
  bool is_best = false;            ///< of all evaluations
  double seconds = 0;              ///< since this run began
  std::uint64_t resumed_from = 0;  ///< the step at which it did
};

struct TrainerOptions {
  std::uint64_t epochs = 1;
  /// Where checkpoint.safetensors, best.safetensors, log.csv, log.json and loss.png go; empty:
  /// nothing is written. The log is drawn after evaluations and at the end. A checkpoint that is
  /// there is resumed.
  std::filesystem::path folder{};
  std::uint64_t checkpoint_every = 200;  ///< steps; one is also written at the end
  std::uint64_t evaluate_every = 0;      ///< steps; 0: at the end of each epoch
  std::string metric = "metric";         ///< what evaluations measure; less is better
  /// Evaluations without an improvement after which training ends; 0: it does not.
  std::uint64_t patience = 0;
  double clip_norm = 0;                           ///< of the gradient; 0: no limit
  std::map<std::string, std::string> metadata{};  ///< of best.safetensors
  /// What the result depends on: seed, batch size, rate... They are kept in the checkpoint, and a
  /// checkpoint with others is not resumed.
  std::map<std::string, std::string> arguments{};
  /// Told of every step. Returning false ends the training after it, with a checkpoint.
  std::function<bool(const TrainingStatus&)> report{};
  TapeOptions tape{};
};

enum class TrainingEnd {
  finished,  ///< all epochs are done
  patience,  ///< no improvement for too long
  stopped,   ///< `report` asked for it
};

struct TrainingResult {
  TrainingEnd end = TrainingEnd::finished;
  TrainingPosition position{};
  double best_metric = std::numeric_limits<double>::infinity();
  std::uint64_t best_step = 0;
};

}  // namespace posekit::inline POSEKIT_ISA

namespace posekit::inline POSEKIT_ISA::training {

namespace internal {

/// The best evaluation so far and how many came after it; kept in a checkpoint's notes, as digits
/// that read back as the same numbers.
struct BestSoFar {
  double metric = std::numeric_limits<double>::infinity();
  std::uint64_t step = 0, stale = 0;

  void write(TrainingPosition& position) const;
  void read(const std::string& where, const TrainingPosition& position);
};

constexpr const char* argument_note = "argument.";

template <class T>
void require_finite_parameters(const NamedParameters<T>& parameters, std::uint64_t step);

/// Throws FileError, which says what differs, where a checkpoint is of a training with other
/// arguments.
void require_arguments(const std::string& where, const TrainingPosition& position,
                       const std::map<std::string, std::string>& arguments);

}  // namespace internal

/// Trains a module.
///   `loader`    gives batches: start(epoch, first batch), next(), batch_count(), as BatchLoader
///   `loss`      (Tape<T>&, Batch&) -> Var<T> of one element; it may move what the batch holds
///   `evaluate`  () -> double, called with the module in evaluation
///   `schedule`  as optim::apply takes
/// A training that was stopped or killed and is called again with the same arguments goes on from
/// its last checkpoint, bit for bit as if it had not been. Throws ValueError where the loss, a
/// gradient or a parameter is not finite and for a `clip_norm` that is below 0 or NaN, FileError
/// where another training writes into the folder, and whatever loading and writing throw.
///
/// The loop itself is short; where it does not fit, write your own:
///
///     for (std::uint64_t epoch = 0; epoch < epochs; ++epoch) {
///       loader.start(epoch);
///       while (auto batch = loader.next()) {
///         const auto out = net(tape.constant(std::move(batch->images)));
///         tape.backward(mean(margipose_loss(out, batch->targets, batch->three_dimensional)));
///         optim::apply(schedule, optimizer);
///         optimizer.step(tape);
///         tape.clear();
///       }
///     }
template <class M, class T, class Loader, class Schedule, class Loss, class Evaluate>
TrainingResult train(M& module, optim::Optimizer<T>& optimizer, Loader& loader,
                     const Schedule& schedule, const Loss& loss, const Evaluate& evaluate,
                     const TrainerOptions& options) {
  require_positive("train", "clip_norm", options.clip_norm, true);
  const bool writes = !options.folder.empty();
  const auto file = options.folder / "checkpoint.safetensors";
  TrainingLog log;
  TrainingPosition at;
  internal::BestSoFar best;
  std::optional<OutputFolder> folder;
  std::optional<FolderLock> lock;
  if (writes) {
    folder.emplace(options.folder);
    lock.emplace(options.folder, "another training");
    for (const char* name :
         {"checkpoint.safetensors", "best.safetensors", "log.csv", "log.json", "loss.png"})
      remove_unfinished(options.folder / name);
  }
  if (writes && is_file(file)) {
    internal::require_arguments(file.string(),
                                checkpoint_position(SafetensorsFile(file), file.string()),
                                options.arguments);
    at = load_checkpoint(file, module, optimizer);
    best.read(file.string(), at);
    if (is_file(options.folder / "log.csv")) {
      log = TrainingLog::from_csv(options.folder / "log.csv");
      log.rewind(at.steps);
    }
  }
  for (const auto& [name, value] : options.arguments)
    at.notes[internal::argument_note + name] = value;
  const auto save = [&] {
    if (!writes) return;
    internal::require_finite_parameters(optimizer.parameters(), at.steps);
    log.write_csv(options.folder, options.metric);
    best.write(at);
    save_checkpoint(file, module, optimizer, at);
  };
  const std::uint64_t resumed_from = at.steps;
  const auto begin = std::chrono::steady_clock::now();
  const auto result = [&](TrainingEnd end) {
    save();
    if (writes) log.write(options.folder, options.metric);
    nn::set_training(module, false);
    return TrainingResult{end, at, best.metric, best.step};
  };
  if (options.patience > 0 && best.stale >= options.patience) return result(TrainingEnd::patience);

  const auto evaluate_into = [&](TrainingRecord& record, TrainingStatus& status) {
    nn::set_training(module, false);
    record.metric = evaluate();
    nn::set_training(module, true);
    status.metric = record.metric;
    status.is_best = record.metric < best.metric;
    ++best.stale;
    if (status.is_best) {
      best = {record.metric, at.steps, 0};
      if (writes) save_safetensors(options.folder / "best.safetensors", module, options.metadata);
    }
  };

  Tape<T> tape(options.tape);
  nn::set_training(module, true);
  for (; at.epoch < options.epochs; ++at.epoch, at.batch = 0) {
    const std::uint64_t batches = loader.batch_count(at.epoch);
    if (at.batch >= batches) continue;  // the checkpoint stands at the end of an epoch
    loader.start(at.epoch, static_cast<std::size_t>(at.batch));
    auto batch = loader.next();
    while (batch) {
      const Var<T> value = loss(tape, *batch);
      if (value.size() != 1) {
        throw ShapeError(error_text("train: the loss has shape ", to_string(value.shape()),
                                    ", expected one element"));
      }
      TrainingStatus status;
      status.loss = static_cast<double>(value.value().data()[0]);
      if (!std::isfinite(status.loss)) {
        throw ValueError(error_text("train: the loss of step ", at.steps + 1, " is ", status.loss,
                                    "; the last checkpoint is unharmed"));
      }
      tape.backward(value);
      if (!optim::has_finite_gradients(tape, optimizer.parameters())) {
        throw ValueError(error_text("train: a gradient of step ", at.steps + 1, " is not finite",
                                    "; the last checkpoint is unharmed"));
      }
      if (options.clip_norm > 0)
        optim::clip_gradient_norm(tape, optimizer.parameters(), options.clip_norm);
      optim::apply(schedule, optimizer);
      optimizer.step(tape);
      tape.clear();
      ++at.steps;
      if constexpr (requires { loader.position(); }) {
        at.batch = loader.position();  // batches that could not be made count too
      } else {
        ++at.batch;
      }
      // Fetched already, as none may follow though there should.
      batch = loader.next();
      const bool last_of_epoch = !batch;
      if (last_of_epoch) at.batch = batches;
      const bool last = last_of_epoch && at.epoch + 1 == options.epochs;
      TrainingRecord record{at.steps, at.epoch, status.loss, optimizer.learning_rate()};
      if (last ||
          (options.evaluate_every > 0 ? at.steps % options.evaluate_every == 0 : last_of_epoch)) {
        evaluate_into(record, status);
      }
      log.add(record);
      if (writes && status.metric) log.write(options.folder, options.metric);
      if (options.checkpoint_every > 0 && at.steps % options.checkpoint_every == 0) save();
      status.step = at.steps;
      status.total_steps = options.epochs * batches;
      status.epoch = at.epoch;
      status.epochs = options.epochs;
      status.learning_rate = optimizer.learning_rate();
      status.seconds =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      status.resumed_from = resumed_from;
      if (options.report && !options.report(status) && !last) return result(TrainingEnd::stopped);
      if (options.patience > 0 && best.stale >= options.patience && !last)
        return result(TrainingEnd::patience);
    }
  }
  return result(TrainingEnd::finished);
}

}  // namespace posekit::inline POSEKIT_ISA::training

#if POSEKIT_DEFINES_TRAINING

#include <posekit/core/decimal.hpp>
#include <posekit/core/listed.hpp>

namespace posekit::inline POSEKIT_ISA::training::internal {

POSEKIT_INLINE void BestSoFar::write(TrainingPosition& position) const {
  if (std::isfinite(metric)) position.notes["best_metric"] = shortest_decimal(metric);
  position.notes["best_step"] = std::to_string(step);
  position.notes["stale"] = std::to_string(stale);
}

POSEKIT_INLINE void BestSoFar::read(const std::string& where, const TrainingPosition& position) {
  step = checkpoint_number(where, position.notes, "best_step");
  stale = checkpoint_number(where, position.notes, "stale");
  const auto found = position.notes.find("best_metric");
  if (found == position.notes.end()) return;
  const auto number = parse_decimal(found->second);
  if (!number) {
    throw FileError(error_text(where, ": its metadata has '", found->second,
                               "' for 'best_metric', expected a number"));
  }
  metric = *number;
}

template <class T>
void require_finite_parameters(const NamedParameters<T>& parameters, std::uint64_t step) {
  for (const auto& [name, parameter] : parameters) {
    const Tensor<T>& value = parameter->value();
    if (std::all_of(value.begin(), value.end(), [](T v) { return std::isfinite(v); })) continue;
    throw ValueError(error_text("train: parameter '", name, "' is not finite after step ", step,
                                "; the last checkpoint is unharmed"));
  }
}

POSEKIT_INLINE void require_arguments(const std::string& where, const TrainingPosition& position,
                                      const std::map<std::string, std::string>& arguments) {
  const auto kept = [&](const std::string& name) {
    const auto found = position.notes.find(argument_note + name);
    return found == position.notes.end() ? std::string("nothing") : found->second;
  };
  std::string before, now;
  for (const auto& [name, value] : arguments) {
    if (kept(name) == value) continue;
    append_listed(before, name + " " + kept(name));
    append_listed(now, name + " " + value);
  }
  if (before.empty()) return;
  throw FileError(error_text(where, ": is of a training with ", before, ", this one has ", now,
                             "; choose another folder, or remove that one"));
}

}  // namespace posekit::inline POSEKIT_ISA::training::internal

#endif  // POSEKIT_DEFINES_TRAINING
