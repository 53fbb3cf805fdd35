#pragma once

// The one contract of everything that turns images into poses.

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Where a network wants the channels of its images.
enum class ImageLayout {
  channels_first,  ///< [N, 3, H, W]
  channels_last,   ///< [N, H, W, 3]
};

/// What a network wants to be shown: square images, RGB.
struct PoseInput {
  std::size_t size = 256;  ///< S that the network was made for
  /// Other sizes that fit: size + k * size_step (k may be negative) from min_size on; 0: none.
  std::size_t size_step = 0;
  std::size_t min_size = 0;
  /// The network reads (value - mean) / deviation of values in [0, 1], for red, green and blue.
  std::array<double, 3> mean{0, 0, 0};
  std::array<double, 3> deviation{1, 1, 1};
  ImageLayout layout = ImageLayout::channels_first;
  /// Side of the square to show the network, relative to the longer side of a person's box.
  double crop_margin = 1.25;

  bool accepts(std::size_t pixels) const;
};

/// Images [N, 3, H, W], RGB in [0, 1], as a network reads them.
template <class T>
Var<T> to_network_input(const Var<T>& images, const PoseInput& input);

/// What a network says of N images. J joints, D coordinates (2 or 3).
template <class T>
struct PoseOutput {
  /// [N, J, D], (x, y) or (x, y, z) in pixels of the images, with pixel centres at whole numbers; z
  /// in the same unit, away from the camera, 0 at the root joint. Differentiable.
  Var<T> positions;
  /// [N, J], how sure the network is of each joint, in [0, 1]. Not differentiated. Absent: it does
  /// not say.
  std::optional<Tensor<T>> confidence{};
  /// [N, J, h, w], the maps that the positions were read from: logits or probabilities, as the
  /// network has them. Absent: there are none.
  std::optional<Var<T>> heatmaps{};
};

/// What has to be known of a network besides how it computes.
struct PoseNetworkDescription {
  std::string name;
  const Skeleton* skeleton = nullptr;
  PoseInput input{};
  std::string reads{};  ///< the part of the network that the positions come from, by its name
};

template <class T>
class PoseNetwork;

/// What can be done with a network besides running it, where somebody says how.
template <class T>
struct PoseNetworkAbilities {
  /// Writes the network with its description, so that `load_pose_network` reads it.
  std::function<void(const std::filesystem::path&)> save{};
  std::size_t weighted_layers = 0;  ///< that `randomized` can be asked for
  /// The network with random weights in its `count` layers nearest the output.
  std::function<PoseNetwork<T>(std::size_t count, std::uint64_t seed)> randomized{};
};

/// Anything that turns images into poses: a network that was read from a file, one of posekit's
/// own, or a struct of yours. It is const, copies share what it holds, and any number of threads
/// can call it, each with its own tape.
///
///     struct Brightest {                                     // yours
///       pk::Var<float> operator()(const pk::Var<float>& images) const;     // -> [N, 1, 2]
///     };
///     pk::PoseNetwork<float> network({.name = "brightest", .skeleton = &one_joint}, Brightest{});
///     auto answer = network.run(tape.constant(images));      // one forward pass
template <class T>
class PoseNetwork {
 public:
  using value_type = T;
  using Forward = std::function<PoseOutput<T>(const Var<T>&)>;

  /// `model` is a callable, const, of images as `description.input` says, that gives a PoseOutput
  /// or positions alone. Throws ValueError without a skeleton, and where the input's numbers make
  /// no sense.
  template <class Model>
  PoseNetwork(PoseNetworkDescription description, Model model,
              PoseNetworkAbilities<T> abilities = {})
      : description_(std::move(description)),
        forward_(as_forward(std::move(model))),
        abilities_(std::move(abilities)) {
    require_sensible_description();
  }

  const std::string& name() const { return description_.name; }
  const Skeleton& skeleton() const { return *description_.skeleton; }
  const PoseInput& input() const { return description_.input; }
  const PoseNetworkDescription& description() const { return description_; }

  /// All that the network says of images [N, 3, S, S], RGB in [0, 1], in one forward pass. Throws
  /// ShapeError where the network does not take such images, and whatever the model throws.
  PoseOutput<T> run(const Var<T>& images) const;

  /// The positions alone: a network is a callable from images to positions that can be explained.
  Var<T> operator()(const Var<T>& images) const { return run(images).positions; }

  /// Throws ShapeError where the network does not take images of so many pixels.
  void require_size(std::size_t pixels) const;

  /// Writes the network with its description, so that `load_pose_network` reads it. Throws
  /// FileError, and ValueError where nothing says how it is written.
  void save(const std::filesystem::path& path) const;

  /// How many layers have weights that `randomized` replaces; 0: nothing says how.
  std::size_t weighted_layers() const { return abilities_.weighted_layers; }

  /// The same network with random weights in the `count` of these layers that are nearest the
  /// output: normal, with each layer's own mean and standard deviation (the cascading randomisation
  /// of Adebayo et al., "Sanity Checks for Saliency Maps", 2018). Throws ValueError where nothing
  /// says how.
  PoseNetwork randomized(std::size_t count, std::uint64_t seed = 0) const;

  void rename(std::string name) { description_.name = std::move(name); }
  void set_abilities(PoseNetworkAbilities<T> abilities) { abilities_ = std::move(abilities); }

 private:
  void require_sensible_description() const;

  template <class Model>
  static Forward as_forward(Model model) {
    return [model = std::make_shared<const Model>(std::move(model))](
               const Var<T>& images) -> PoseOutput<T> {
      using Result = std::invoke_result_t<const Model&, const Var<T>&>;
      if constexpr (std::is_convertible_v<Result, Var<T>>) {
        return {.positions = (*model)(images)};
      } else {
        return (*model)(images);
      }
    };
  }

  PoseNetworkDescription description_;
  Forward forward_;
  PoseNetworkAbilities<T> abilities_;
};

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_MODELS

#include <algorithm>
#include <cmath>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE bool PoseInput::accepts(std::size_t pixels) const {
  if (size_step == 0) return pixels == size;
  return pixels >= min_size && pixels % size_step == size % size_step;
}

template <class T>
Var<T> to_network_input(const Var<T>& images, const PoseInput& input) {
  std::array<T, 3> scale, shift;
  for (std::size_t c = 0; c < 3; ++c) {
    scale[c] = static_cast<T>(1 / input.deviation[c]);
    shift[c] = static_cast<T>(-input.mean[c] / input.deviation[c]);
  }
  const bool last = input.layout == ImageLayout::channels_last;
  const Var<T> x = last ? to_channels_last(images) : images;
  const auto same = [](const std::array<T, 3>& v) { return v[0] == v[1] && v[1] == v[2]; };
  if (same(scale) && same(shift)) {
    return scale[0] == T(1) && shift[0] == T(0) ? x : affine(x, scale[0], shift[0]);
  }
  const auto constant = [&](const std::array<T, 3>& v) {
    const Shape shape = last ? Shape{1, 1, 1, 3} : Shape{1, 3, 1, 1};
    Tensor<T> tensor = make_tensor<T>(shape);
    std::copy(v.begin(), v.end(), tensor.data());
    return images.tape().constant(std::move(tensor));
  };
  return x * constant(scale) + constant(shift);
}

template <class T>
void PoseNetwork<T>::require_sensible_description() const {
  const PoseInput& in = description_.input;
  if (description_.skeleton == nullptr || description_.skeleton->size() == 0) {
    throw ValueError(error_text("PoseNetwork: '", name(), "' has no skeleton"));
  }
  bool sensible = in.size > 0 && in.crop_margin > 0 && std::isfinite(in.crop_margin);
  for (std::size_t c = 0; c < 3; ++c) {
    sensible = sensible && std::isfinite(in.mean[c]) && std::isfinite(in.deviation[c]) &&
               in.deviation[c] > 0;
  }
  if (in.size_step > 0 && (in.min_size == 0 || !in.accepts(in.min_size))) {
    throw ValueError(error_text("PoseNetwork: the input of '", name(), "' has size ", in.size,
                                " and size_step ", in.size_step, ", which do not lead to min_size ",
                                in.min_size));
  }
  if (!sensible) {
    throw ValueError(error_text("PoseNetwork: the input of '", name(), "' has size ", in.size,
                                ", deviations ", in.deviation[0], ", ", in.deviation[1], ", ",
                                in.deviation[2], " and crop margin ", in.crop_margin,
                                ", expected positive and finite numbers"));
  }
}

template <class T>
void PoseNetwork<T>::require_size(std::size_t pixels) const {
  const PoseInput& in = input();
  if (in.accepts(pixels)) return;
  if (in.size_step == 0) {
    throw ShapeError(error_text(name(), " takes images of ", in.size, " pixels, not of ", pixels));
  }
  std::size_t below = std::max(pixels, in.min_size);
  while (!in.accepts(below)) --below;
  throw ShapeError(error_text(name(), " takes images of ", in.min_size, ", ",
                              in.min_size + in.size_step, ", ... pixels, not of ", pixels,
                              "; the nearest are ", below, " and ", below + in.size_step));
}

template <class T>
PoseOutput<T> PoseNetwork<T>::run(const Var<T>& images) const {
  if (images.dimension() != 4 || images.shape()[1] != 3) {
    throw ShapeError(error_text(name(), ": images have shape ", to_string(images.shape()),
                                ", expected [N, 3, H, W]"));
  }
  require_size(images.shape()[2]);
  require_size(images.shape()[3]);
  PoseOutput<T> output = forward_(to_network_input(images, input()));
  const Shape positions = output.positions.shape();
  const Shape joints{images.shape()[0], skeleton().size()};
  const bool fits = positions.size() == 3 && positions[0] == joints[0] &&
                    positions[1] == joints[1] && (positions[2] == 2 || positions[2] == 3);
  if (!fits) {
    throw ShapeError(error_text(name(), ": positions have shape ", to_string(positions),
                                ", expected [", joints[0], ", ", joints[1], ", 2 or 3]"));
  }
  if (output.confidence && shape_of(*output.confidence) != joints) {
    throw ShapeError(error_text(name(), ": confidences have shape ",
                                to_string(output.confidence->shape()), ", expected ",
                                to_string(joints)));
  }
  if (output.heatmaps) {
    const Shape maps = output.heatmaps->shape();
    if (maps.size() != 4 || maps[0] != joints[0] || maps[1] != joints[1]) {
      throw ShapeError(error_text(name(), ": heatmaps have shape ", to_string(maps), ", expected [",
                                  joints[0], ", ", joints[1], ", h, w]"));
    }
  }
  return output;
}

template <class T>
void PoseNetwork<T>::save(const std::filesystem::path& path) const {
  if (!abilities_.save) {
    throw ValueError(error_text(name(), ": nothing says how this network is written"));
  }
  abilities_.save(path);
}

template <class T>
PoseNetwork<T> PoseNetwork<T>::randomized(std::size_t count, std::uint64_t seed) const {
  if (!abilities_.randomized) {
    throw ValueError(error_text(name(), ": nothing says how its layers are given other weights"));
  }
  PoseNetwork forgetful = abilities_.randomized(count, seed);
  forgetful.rename(name());
  return forgetful;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_MODELS
