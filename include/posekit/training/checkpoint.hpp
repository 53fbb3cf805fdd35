#pragma once

// Where a training stands: the network, the optimiser's state and the place in the data, in one
// safetensors file that is written whole or not at all.

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/io/safetensors.hpp>
#include <posekit/nn/checkpoint.hpp>
#include <posekit/optim/optimizer.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The next batch, and what else has to be known to go on.
struct TrainingPosition {
  std::uint64_t epoch = 0;  ///< counted from 0
  std::uint64_t batch = 0;  ///< of the epoch, the next one
  std::uint64_t steps = 0;  ///< taken so far
  /// The trainer's own notes, which a checkpoint keeps as text.
  std::map<std::string, std::string> notes{};
};

}  // namespace posekit::inline POSEKIT_ISA

namespace posekit::inline POSEKIT_ISA::training {

/// Writes network, optimiser and position to a temporary file, flushes it and renames it: at any
/// moment there is the old checkpoint or the new one.
template <class M, class T>
void save_checkpoint(const std::filesystem::path& path, M& module, optim::Optimizer<T>& optimizer,
                     const TrainingPosition& position) {
  std::vector<SafetensorsEntry> entries = nn::safetensors_entries(module, "model.");
  const auto states = optimizer.state();
  for (const auto& state : states)
    entries.push_back(safetensors_entry("optimizer." + state.name, *state.tensor));
  std::map<std::string, std::string> metadata;
  for (const auto& [key, text] : position.notes) metadata["note." + key] = text;
  metadata["epoch"] = std::to_string(position.epoch);
  metadata["batch"] = std::to_string(position.batch);
  metadata["steps"] = std::to_string(position.steps);
  metadata["optimizer"] = optimizer.name();
  metadata["optimizer_steps"] = std::to_string(optimizer.steps());
  metadata["optimizer_tensors"] = std::to_string(states.size());
  save_safetensors(path, entries, metadata);
}

namespace internal {

std::uint64_t checkpoint_number(const std::string& where,
                                const std::map<std::string, std::string>& metadata,
                                const std::string& key);

}  // namespace internal

/// Where the training stands that wrote a checkpoint. Throws FileError where the file is none.
TrainingPosition checkpoint_position(const SafetensorsFile& file, const std::string& where);

/// Restores what `save_checkpoint` wrote; a training with the same data and options then goes on
/// bit for bit as if it had not stopped. Throws FileError where the file is no checkpoint or of
/// another network or optimiser; both are unchanged then.
template <class M, class T>
TrainingPosition load_checkpoint(const std::filesystem::path& path, M& module,
                                 optim::Optimizer<T>& optimizer) {
  const SafetensorsFile file(path);
  const std::string where = path.string();
  const TrainingPosition position = checkpoint_position(file, where);
  const std::uint64_t optimizer_steps =
      internal::checkpoint_number(where, file.metadata(), "optimizer_steps");
  // Read and checked before anything is changed.
  const std::string prefix = "optimizer.";
  std::vector<std::pair<std::string, Tensor<T>>> states;
  for (const std::string& name : file.names()) {
    if (name.starts_with(prefix))
      states.emplace_back(name.substr(prefix.size()), file.template tensor<T>(name));
  }
  const auto kind = file.metadata().find("optimizer");
  if (kind == file.metadata().end() || kind->second != optimizer.name()) {
    throw FileError(error_text(
        where, ": is of ",
        kind == file.metadata().end() ? "an unknown optimiser" : "the optimiser " + kind->second,
        ", expected ", optimizer.name()));
  }
  const auto expected = internal::checkpoint_number(where, file.metadata(), "optimizer_tensors");
  if (states.size() != expected) {
    throw FileError(error_text(where, ": has ", states.size(),
                               " tensors of the optimiser's state, ", "expected ", expected));
  }
  try {
    std::vector<std::string> restored;
    for (const auto& [name, value] : states) {
      optimizer.require_restorable(name, value);
      restored.push_back(name);
    }
    optimizer.require_complete(restored);
  } catch (const Error& error) {
    throw FileError(where + ": is of another optimiser: " + error.what());
  }
  nn::load_by_name(where, file, module,
                   [&](const std::string& name) { return name.starts_with(prefix); });
  optimizer.clear_state();
  for (auto& [name, value] : states) optimizer.set_state(name, std::move(value));
  optimizer.set_steps(optimizer_steps);
  return position;
}

}  // namespace posekit::inline POSEKIT_ISA::training

#if POSEKIT_DEFINES_TRAINING

namespace posekit::inline POSEKIT_ISA::training {

namespace internal {

POSEKIT_INLINE std::uint64_t checkpoint_number(const std::string& where,
                                               const std::map<std::string, std::string>& metadata,
                                               const std::string& key) {
  const auto found = metadata.find(key);
  const std::string text = found == metadata.end() ? "nothing" : found->second;
  std::uint64_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (found == metadata.end() || error != std::errc() || end != last) {
    throw FileError(error_text(where, ": is no training checkpoint: its metadata has ", text,
                               " for '", key, "', expected a whole number below 2^64"));
  }
  return number;
}

}  // namespace internal

POSEKIT_INLINE TrainingPosition checkpoint_position(const SafetensorsFile& file,
                                                    const std::string& where) {
  TrainingPosition position;
  position.epoch = internal::checkpoint_number(where, file.metadata(), "epoch");
  position.batch = internal::checkpoint_number(where, file.metadata(), "batch");
  position.steps = internal::checkpoint_number(where, file.metadata(), "steps");
  for (const auto& [key, text] : file.metadata())
    if (key.starts_with("note.")) position.notes[key.substr(5)] = text;
  return position;
}

}  // namespace posekit::inline POSEKIT_ISA::training

#endif  // POSEKIT_DEFINES_TRAINING
