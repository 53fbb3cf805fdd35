#pragma once

#include <array>
#include <cmath>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/models/efficientpose.hpp>
#include <posekit/models/movenet.hpp>
#include <posekit/models/pose_network.hpp>
#include <posekit/models/posenet.hpp>

namespace posekit::inline POSEKIT_ISA {

/// A pretrained network that `load_pose_model` knows.
struct PoseModelEntry {
  std::string_view name;
  std::string_view file;  ///< in the folder of models
  std::string_view summary;
};

inline constexpr std::array<PoseModelEntry, 13> pose_model_entries{{
    {"movenet-lightning", "movenet-lightning.json", "body, 17 joints, heatmaps, 192 x 192"},
    {"movenet-thunder", "movenet-thunder.json", "body, 17 joints, heatmaps, 256 x 256"},
    {"posenet", "posenet.json", "body, 17 joints, heatmaps, 257 x 257 or other 16 n + 1"},
    {"efficientpose", "efficientpose.json", "body, 16 joints, heatmaps, 288 x 288 or other 32 n"},
    {"blazepose-lite", "blazepose-lite.json", "body, 33 joints, coordinates, 256 x 256"},
    {"blazepose-full", "blazepose-full.json", "body, 33 joints, coordinates, 256 x 256"},
    {"blazepose-heavy", "blazepose-heavy.json", "body, 33 joints, coordinates, 256 x 256"},
    {"blazepose-lite-heatmaps", "blazepose-lite.json", "body, 33 joints, heatmaps, 256 x 256"},
    {"blazepose-full-heatmaps", "blazepose-full.json", "body, 33 joints, heatmaps, 256 x 256"},
    {"blazepose-heavy-heatmaps", "blazepose-heavy.json", "body, 33 joints, heatmaps, 256 x 256"},
    {"handlandmark-lite", "handlandmark-lite.json", "hand, 21 joints, coordinates, 224 x 224"},
    {"handlandmark-full", "handlandmark-full.json", "hand, 21 joints, coordinates, 224 x 224"},
    {"handskeleton", "handskeleton.json", "hand, 21 joints, coordinates, 256 x 256"},
}};

/// The path of a network's file. Throws FileError, which says how to get it, where it is not there.
std::filesystem::path require_model(const std::filesystem::path& folder, std::string_view file);

struct PoseNetworkOptions {
  std::optional<double> beta{};  ///< replaces the inverse temperature with which heatmaps are read
  NetworkOptions limits{};       ///< of imported networks
};

/// One of `pose_model_entries`, around a network that was read from its file, or changed since.
/// Throws ValueError for a name that is not known and for a beta of a network that is read from no
/// heatmaps, and GraphError where the graph has not what is read.
template <class T>
PoseNetwork<T> make_pose_network(std::string_view name, const Network<T>& network,
                                 std::optional<double> beta = {});

/// The network's file of one of `pose_model_entries`, in a folder of TensorFlow.js models. Throws
/// ValueError for a name that is not known, FileError and GraphError as `read_tfjs_graph` does.
Graph read_pose_graph(std::string_view name, const std::filesystem::path& folder);

/// Loads one of `pose_model_entries`. Throws as `read_pose_graph` and `make_pose_network`.
template <class T>
PoseNetwork<T> load_pose_network(std::string_view name, const std::filesystem::path& folder,
                                 const PoseNetworkOptions& options = {});

/// Loads a network that `PoseNetwork::save` wrote, or a command that trains: safetensors, whose
/// metadata say what they are the weights of. Throws FileError where they do not, GraphError where
/// an imported network's graph cannot be right, and ValueError for a beta of a network that has
/// none. (One with operations of yours: `load_graph`, Network, `make_pose_network`.)
template <class T>
PoseNetwork<T> load_pose_network(const std::filesystem::path& weights,
                                 const PoseNetworkOptions& options = {});

/// `load_pose_network` by its first name.
template <class T>
PoseNetwork<T> load_pose_model(std::string_view name, const std::filesystem::path& folder,
                               std::optional<double> beta = {}, const NetworkOptions& limits = {}) {
  return load_pose_network<T>(name, folder, {beta, limits});
}

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_MODELS

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include <posekit/core/decimal.hpp>
#include <posekit/core/listed.hpp>
#include <posekit/graph/graph_file.hpp>
#include <posekit/graph/randomization.hpp>
#include <posekit/graph/tensorflow/tfjs.hpp>
#include <posekit/models/blazepose.hpp>
#include <posekit/models/hand_landmark.hpp>
#include <posekit/models/image_lifter_network.hpp>
#include <posekit/models/margipose_network.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE std::filesystem::path require_model(const std::filesystem::path& folder,
                                                   std::string_view file) {
  const auto path = folder / file;
  std::error_code unknown;
  if (!std::filesystem::is_regular_file(path, unknown)) {
    throw FileError(error_text(
        path.string(),
        ": no such file; `posekit fetch --all` (or scripts/fetch_models.sh --all) fetches it"));
  }
  return path;
}

namespace internal {

/// Throws ValueError for a name that is not known.
inline const PoseModelEntry& find_entry(std::string_view name) {
  std::string names;
  for (const PoseModelEntry& entry : pose_model_entries) {
    if (entry.name == name) return entry;
    append_listed(names, entry.name);
  }
  throw ValueError(error_text("there is no model named '", name, "'; there are ", names));
}

/// The inverse temperature of networks that are read from heatmaps.
inline std::optional<double> usual_beta(std::string_view name) {
  if (name == "posenet") return 1.0;
  if (name == "efficientpose") return 50.0;
  if (name.starts_with("movenet")) return 3.0;
  if (name.ends_with("-heatmaps")) return 30.0;
  return std::nullopt;
}

inline void require_beta(std::string_view name, const std::optional<double>& beta) {
  if (!beta) return;
  if (!(*beta > 0 && std::isfinite(*beta))) {
    throw ValueError(error_text("beta is ", *beta, ", expected a positive number"));
  }
  if (!usual_beta(name)) {
    throw ValueError(error_text("beta is for networks with heatmaps; ", name, " has none"));
  }
}

/// An imported network that was saved: its graph, the name of its entry and its beta.
template <class T>
PoseNetwork<T> saved_graph_network(const std::string& where, const SafetensorsFile& file,
                                   const PoseNetworkOptions& options) {
  const auto text = [&](const char* key) -> std::optional<std::string> {
    const auto found = file.metadata().find(key);
    if (found == file.metadata().end()) return std::nullopt;
    return found->second;
  };
  std::optional<double> beta = options.beta;
  if (const auto digits = text("beta"); digits && !beta) {
    beta = parse_decimal(*digits);
    if (!beta || !(*beta > 0 && std::isfinite(*beta))) {
      throw FileError(where + ": its metadata has '" + *digits +
                      "' for 'beta', expected a positive number");
    }
  }
  const std::string entry = text("network").value_or("");
  require_beta(entry, options.beta);
  Network<T> network(read_graph(file, where), options.limits);
  try {
    return make_pose_network(entry, network, beta);
  } catch (const ValueError& error) {
    throw FileError(where + ": " + error.what());
  }
}

}  // namespace internal

template <class T>
PoseNetwork<T> make_pose_network(std::string_view name, const Network<T>& network,
                                 std::optional<double> beta) {
  internal::find_entry(name);
  internal::require_beta(name, beta);
  if (!beta) beta = internal::usual_beta(name);
  const auto made = [&]() -> PoseNetwork<T> {
    if (name == "posenet") return models::posenet(network, *beta);
    if (name == "efficientpose") return models::efficientpose(network, *beta);
    if (name == "movenet-lightning") return models::movenet(network, 192, *beta);
    if (name == "movenet-thunder") return models::movenet(network, 256, *beta);
    if (name.ends_with("-heatmaps")) return models::blazepose_heatmaps(network, *beta);
    if (name.starts_with("blazepose")) return models::blazepose_landmarks(network);
    return models::hand_landmark(network, name == "handskeleton" ? 256 : 224);
  };
  PoseNetwork<T> model = made();
  model.rename(std::string(name));
  const std::vector<std::string> layers =
      weighted_layers(network.graph(), model.description().reads);
  std::map<std::string, std::string> metadata{{"architecture", "graph"}, {"network", model.name()}};
  if (beta) metadata["beta"] = shortest_decimal(*beta);
  model.set_abilities(
      {.save =
           [network, metadata](const std::filesystem::path& path) {
             if (const auto operation = network.own_operation()) {
               throw ValueError(error_text(network.source(), ": the operation '", *operation,
                                           "' is not posekit's: save_graph writes such networks"));
             }
             save_graph(path, network.graph(), metadata);
           },
       .weighted_layers = layers.size(),
       .randomized =
           [network, layers, beta, entry = std::string(name)](std::size_t count,
                                                              std::uint64_t seed) {
             return make_pose_network(
                 entry, network.with_graph(randomized(network.graph(), layers, count, seed)), beta);
           }});
  return model;
}

POSEKIT_INLINE Graph read_pose_graph(std::string_view name, const std::filesystem::path& folder) {
  return read_tfjs_graph(require_model(folder, internal::find_entry(name).file));
}

template <class T>
PoseNetwork<T> load_pose_network(std::string_view name, const std::filesystem::path& folder,
                                 const PoseNetworkOptions& options) {
  return make_pose_network<T>(name, Network<T>(read_pose_graph(name, folder), options.limits),
                              options.beta);
}

template <class T>
PoseNetwork<T> load_pose_network(const std::filesystem::path& weights,
                                 const PoseNetworkOptions& options) {
  const SafetensorsFile file(weights);
  const auto architecture = file.metadata().find("architecture");
  const auto loaded = [&]() -> PoseNetwork<T> {
    if (architecture != file.metadata().end() && architecture->second == "graph") {
      return internal::saved_graph_network<T>(weights.string(), file, options);
    }
    if (options.beta) throw ValueError(weights.string() + ": beta is for imported networks");
    if (architecture != file.metadata().end() && architecture->second == "image_lifter")
      return models::pose_network(models::load_image_lifter<T>(weights));
    const models::LoadedMargiPose<T> margipose = models::load_margipose<T>(weights);
    return models::pose_network(margipose.network, margipose.configuration.image_size);
  };
  PoseNetwork<T> network = loaded();
  network.rename(weights.filename().string());
  return network;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_MODELS
