#pragma once

// The progressive regressor of Wang, Huang, Wang, Tao, "Not All Parts Are Created Equal: 3D Pose
// Estimation by Modeling Bi-directional Dependencies of Body Parts" (ICCV 2019), section 3.2.

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/models/residual_regressor.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA::models {

/// Which groups of joints a regressor sees besides the picture's evidence X.
enum class Dependencies {
  none,         ///< Eq. (7), the paper's baseline: three regressors, of X alone
  forward,      ///< block I alone, Eq. (4): torso, proximal, distal
  backward,     ///< one block from distal to torso
  both,         ///< blocks I and II, Eq. (4) and (5)
  unconnected,  ///< the six regressors of `both`, of X alone: half of them are idle after training
};

/// In which order block II goes. The paper calls it reversed, and prints the first.
enum class SecondBlock {
  torso_first,   ///< Eq. (5): G21(X, Y12, Y13), G22(X, Y21, Y13), G23(X, Y21, Y22)
  distal_first,  ///< G23(X, Y12, Y11), G22(X, Y23, Y11), G21(X, Y23, Y22)
};

struct ProgressivePoseOptions {
  const Skeleton* skeleton = &skeletons::pose_16;
  bool attributes = true;    ///< X has the nine pose attributes too
  std::size_t width = 1024;  ///< features of the hidden layers
  std::size_t blocks = 2;    ///< residual ones of a regressor, of two layers each
  double dropout = 0;
  Dependencies order = Dependencies::both;
  SecondBlock second_block = SecondBlock::torso_first;
  double unit = 100;  ///< mm of a unit of what the regressors say: about a joint's deviation
};

/// The joints of a skeleton by degrees of freedom: torso, proximal, distal (`joint_group` with
/// JointGrouping::freedom). Throws ValueError for a skeleton where a group is empty.
std::array<std::vector<std::size_t>, 3> freedom_groups(const Skeleton& skeleton);

/// One regressor of the network: whose joints, of which block, and what it sees after X.
struct ProgressiveStep {
  struct Group {
    std::size_t block = 0, group = 0;  ///< group 0: torso, 1: proximal, 2: distal
  };
  Group result;
  std::vector<Group> seen{};
};

/// The regressors of an order, in the order in which they run.
std::vector<ProgressiveStep> progressive_steps(Dependencies order, SecondBlock second_block);

/// What the network says: positions [N, J, 3] in mm from the root.
template <class T>
struct ProgressiveOutput {
  std::vector<Var<T>> blocks;  ///< of each block
  Var<T> positions;            ///< of the last one
};

/// A 2D pose and its attributes lifted to 3D, group by group: joints [N, J, 2], normalised by the
/// crop, and attributes [N, 9, 3] -> ProgressiveOutput. Each regressor (ResidualRegressor) sees X
/// and the groups that it depends on, as Eq. (4) and (5) say. Parts: g11, g12, g13, g21, g22, g23.
/// With attributes, 16 joints, width 1024 and two residual blocks it has 25,875,552 parameters.
///
///     models::ProgressivePose<float> net({.skeleton = &skeletons::pose_16, .width = 256});
///     auto out = net(tape.constant(joints), tape.constant(attributes));
template <class T>
class ProgressivePose {
 public:
  using value_type = T;

  /// Throws as ResidualRegressor and `freedom_groups`, and ValueError for a unit that is not
  /// positive.
  explicit ProgressivePose(const ProgressivePoseOptions& options);

  /// Throws ShapeError for other shapes, and where attributes are missing or not expected.
  ProgressiveOutput<T> operator()(const Var<T>& joints, const Var<T>& attributes = {}) const;

  /// The positions, outside training. Throws ShapeError, and Error in training.
  Tensor<T> lift(const Tensor<T>& joints, const Tensor<T>& attributes = {}) const;

  const ProgressivePoseOptions& options() const { return options_; }
  void visit(nn::ModuleVisitor<T>& v);
  void train() { nn::set_training(*this, true); }
  void eval() { nn::set_training(*this, false); }

 private:
  struct Part {
    std::string name;
    ProgressiveStep step;
    ResidualRegressor<T> regressor;
  };
  ProgressivePoseOptions options_;
  std::array<std::vector<std::size_t>, 3> groups_;
  std::vector<std::size_t> places_;  // of each joint among those of all groups
  std::vector<Part> parts_;
};

/// Of its regressors, one for each step.
std::vector<ResidualRegressorOptions> regressor_options(const ProgressivePoseOptions& options);

/// The width with which a network of `options` has as many parameters as one of `reference`, as
/// nearly as there is one.
std::size_t equal_width(const ProgressivePoseOptions& options,
                        const ProgressivePoseOptions& reference);

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/core/require.hpp>
#include <posekit/models/lifting_features.hpp>
#include <posekit/pose/joint_selection.hpp>

namespace posekit::inline POSEKIT_ISA::models {

POSEKIT_INLINE std::array<std::vector<std::size_t>, 3> freedom_groups(const Skeleton& skeleton) {
  constexpr std::array<std::string_view, 3> names{"torso", "proximal", "distal"};
  std::array<std::vector<std::size_t>, 3> groups;
  for (std::size_t j = 0; j < skeleton.size(); ++j) {
    const auto name = joint_group(skeleton.joints[j], JointGrouping::freedom);
    for (std::size_t g = 0; g < 3; ++g) {
      if (name == names[g]) groups[g].push_back(j);
    }
  }
  for (std::size_t g = 0; g < 3; ++g) {
    if (groups[g].empty()) {
      throw ValueError(error_text("freedom_groups: the skeleton ", skeleton.name, " has no ",
                                  names[g], " joints"));
    }
  }
  return groups;
}

POSEKIT_INLINE std::vector<ProgressiveStep> progressive_steps(Dependencies order,
                                                              SecondBlock second_block) {
  switch (order) {
    case Dependencies::none:
      return {{{0, 0}}, {{0, 1}}, {{0, 2}}};
    case Dependencies::unconnected:
      return {{{0, 0}}, {{0, 1}}, {{0, 2}}, {{1, 0}}, {{1, 1}}, {{1, 2}}};
    case Dependencies::backward:
      return {{{0, 2}}, {{0, 1}, {{0, 2}}}, {{0, 0}, {{0, 1}, {0, 2}}}};
    case Dependencies::forward:
    case Dependencies::both:
      break;
  }
  std::vector<ProgressiveStep> steps{{{0, 0}}, {{0, 1}, {{0, 0}}}, {{0, 2}, {{0, 1}, {0, 0}}}};
  if (order == Dependencies::forward) return steps;
  if (second_block == SecondBlock::torso_first) {
    steps.push_back({{1, 0}, {{0, 1}, {0, 2}}});
    steps.push_back({{1, 1}, {{1, 0}, {0, 2}}});
    steps.push_back({{1, 2}, {{1, 0}, {1, 1}}});
  } else {
    steps.push_back({{1, 2}, {{0, 1}, {0, 0}}});
    steps.push_back({{1, 1}, {{1, 2}, {0, 0}}});
    steps.push_back({{1, 0}, {{1, 2}, {1, 1}}});
  }
  return steps;
}

POSEKIT_INLINE std::vector<ResidualRegressorOptions> regressor_options(
    const ProgressivePoseOptions& o) {
  const auto groups = freedom_groups(*o.skeleton);
  std::vector<ResidualRegressorOptions> all;
  for (const ProgressiveStep& step : progressive_steps(o.order, o.second_block)) {
    std::size_t features = lifting_feature_count(o.skeleton->size(), o.attributes);
    for (const auto& seen : step.seen) features += 3 * groups[seen.group].size();
    all.push_back({.in_features = features,
                   .out_features = 3 * groups[step.result.group].size(),
                   .width = o.width,
                   .blocks = o.blocks,
                   .dropout = o.dropout});
  }
  return all;
}

template <class T>
ProgressivePose<T>::ProgressivePose(const ProgressivePoseOptions& options)
    : options_(options), groups_(freedom_groups(*options.skeleton)) {
  require_positive("ProgressivePose", "unit", options.unit);
  std::size_t place = 0;
  places_.resize(options.skeleton->size());
  for (const auto& group : groups_) {
    for (const std::size_t joint : group) places_[joint] = place++;
  }
  const auto steps = progressive_steps(options.order, options.second_block);
  const auto regressors = regressor_options(options);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const ProgressiveStep::Group& result = steps[i].result;
    parts_.push_back({"g" + std::to_string(result.block + 1) + std::to_string(result.group + 1),
                      steps[i], ResidualRegressor<T>(regressors[i])});
  }
}

template <class T>
ProgressiveOutput<T> ProgressivePose<T>::operator()(const Var<T>& joints,
                                                    const Var<T>& attributes) const {
  const std::size_t batch = joints.dimension() == 0 ? 0 : joints.shape()[0];
  const Var<T> x = lifting_features("ProgressivePose", joints, options_.skeleton->size(),
                                    attributes, options_.attributes);
  std::array<std::array<Var<T>, 3>, 2> results;
  for (const Part& part : parts_) {
    std::vector<Var<T>> seen{x};
    for (const auto& from : part.step.seen) seen.push_back(results[from.block][from.group]);
    results[part.step.result.block][part.step.result.group] =
        part.regressor(seen.size() == 1 ? x : concatenate(seen, 1));
  }
  ProgressiveOutput<T> out;
  for (const auto& groups : results) {
    if (!groups[0].valid()) continue;
    const Var<T> grouped = reshape(concatenate({groups[0], groups[1], groups[2]}, 1),
                                   {batch, options_.skeleton->size(), 3});
    out.blocks.push_back(select_joints(grouped, places_) * static_cast<T>(options_.unit));
  }
  out.positions = out.blocks.back();
  return out;
}

template <class T>
Tensor<T> ProgressivePose<T>::lift(const Tensor<T>& joints, const Tensor<T>& attributes) const {
  if (parts_[0].regressor.w1.training)
    throw Error("ProgressivePose: lift was called in training, call eval()");
  Tape<T> tape;
  return (*this)(tape.constant(joints), options_.attributes ? tape.constant(attributes) : Var<T>())
      .positions.value();
}

template <class T>
void ProgressivePose<T>::visit(nn::ModuleVisitor<T>& v) {
  for (Part& part : parts_) v(part.name, part.regressor);
}

POSEKIT_INLINE std::size_t equal_width(const ProgressivePoseOptions& options,
                                       const ProgressivePoseOptions& reference) {
  std::size_t wanted = 0;
  for (const ResidualRegressorOptions& one : regressor_options(reference))
    wanted += parameter_count(one);
  return width_of_size(regressor_options(options), wanted);
}

}  // namespace posekit::inline POSEKIT_ISA::models

#endif  // POSEKIT_DEFINES_MODELS
