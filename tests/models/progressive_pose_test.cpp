#include <catch2/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <xtensor/xview.hpp>

#include <posekit/core/error.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/io/npz.hpp>
#include <posekit/models/pose_lifter.hpp>
#include <posekit/models/progressive_loss.hpp>
#include <posekit/models/progressive_pose.hpp>
#include <posekit/nn/module.hpp>
#include <posekit/pose/skeletons.hpp>

#include "support/close.hpp"
#include "support/formula.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;
using Catch::Matchers::Contains;
using pk::models::Dependencies;
using pk::models::ProgressivePoseOptions;
using pk::models::SecondBlock;

namespace {

constexpr std::size_t count = 5;

const std::vector<std::pair<std::string, ProgressivePoseOptions>> cases{
    {"progressive", {.width = 6, .order = Dependencies::both}},
    {"distal_first",
     {.width = 6, .order = Dependencies::both, .second_block = SecondBlock::distal_first}},
    {"backward", {.width = 6, .order = Dependencies::backward}},
    {"none", {.width = 6, .order = Dependencies::none}}};

pk::NpzArchive golden(const std::string& name) {
  return pk::NpzArchive(golden_file("lifting/" + name + ".npz"));
}

/// PyTorch's names; ours also count the calls of dropout.
template <class M>
std::string names(M& net) {
  std::vector<std::string> all;
  for (const auto& tensor : pk::nn::named_tensors(net)) {
    if (!tensor.name.ends_with(".calls")) all.push_back(tensor.name);
  }
  std::sort(all.begin(), all.end());
  std::string text;
  for (const std::string& name : all) text += (text.empty() ? "" : "\n") + name;
  return text;
}

/// The gradients of all parameters, by name.
template <class T, class M>
pk::Tensor<T> gradients(M& net, pk::Tape<T>& tape) {
  auto parameters = pk::nn::parameters(net);
  std::sort(parameters.begin(), parameters.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  std::vector<T> all;
  for (const auto& [name, parameter] : parameters) {
    const auto* gradient = parameter->gradient(tape);
    REQUIRE(gradient != nullptr);
    all.insert(all.end(), gradient->begin(), gradient->end());
  }
  return pk::tensor_from<T>({all.size()}, all);
}

template <class T>
struct Inputs {
  pk::Tensor<T> joints = formula_uniform<T>("joints", {count, 16, 2}, 2, -1);
  pk::Tensor<T> attributes = formula_uniform<T>("attributes", {count, 9, 3});
  pk::Tensor<T> truth = formula_uniform<T>("truth", {count, 16, 3}, 2000, -1000);
  pk::Tensor<double> visible = formula_uniform<double>("visible", {count, 16});

  Inputs() {
    for (double& v : visible) v = v < 0.7 ? 1 : 0;
  }
};

template <class T>
void check(const std::string& name, const ProgressivePoseOptions& options, double tolerance) {
  INFO(name);
  pk::models::ProgressivePose<T> net(options);
  fill_by_formula(net);
  const auto expected = golden(name);
  const auto text = expected.template array<std::uint8_t>("names");
  CHECK(names(net) == std::string(text.begin(), text.end()));
  const Inputs<T> in;
  net.eval();
  CHECK(relative_difference(net.lift(in.joints, in.attributes),
                            expected.template array<double>("evaluated")) < tolerance);
  net.train();
  pk::Tape<T> tape;
  const auto joints = tape.variable(in.joints), attributes = tape.variable(in.attributes);
  const auto out = net(joints, attributes);
  const auto blocks = expected.template array<double>("blocks");
  REQUIRE(out.blocks.size() == blocks.shape()[0]);
  for (std::size_t b = 0; b < out.blocks.size(); ++b) {
    const pk::Tensor<double> block = xt::view(blocks, b);
    CHECK(relative_difference(out.blocks[b].value(), block) < tolerance);
  }
  CHECK(identical(out.positions.value(), out.blocks.back().value()));
  CHECK(static_cast<double>(pk::progressive_loss(out, in.truth).value().data()[0]) ==
        Approx(expected.template array<double>("loss").data()[0]).epsilon(tolerance));
  // Truth that nobody knows may be anything.
  pk::Tensor<T> known = in.truth;
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (in.visible.data()[i / 3] == 0) known.data()[i] = std::numeric_limits<T>::quiet_NaN();
  }
  const auto loss = pk::progressive_loss(out, known, {.visible = in.visible});
  CHECK(static_cast<double>(loss.value().data()[0]) ==
        Approx(expected.template array<double>("masked_loss").data()[0]).epsilon(tolerance));
  tape.backward(loss);
  CHECK(relative_difference(joints.grad(), expected.template array<double>("joints_gradient")) <
        tolerance);
  CHECK(relative_difference(attributes.grad(),
                            expected.template array<double>("attributes_gradient")) < tolerance);
  if (expected.contains("gradients")) {
    CHECK(relative_difference(gradients<T>(net, tape),
                              expected.template array<double>("gradients")) < tolerance);
  }
}

template <class T>
void check_lifter(double tolerance) {
  pk::models::PoseLifter<T> net({.width = 6, .blocks = 2, .dropout = 0});
  fill_by_formula(net);
  const auto expected = golden("lifter");
  const auto text = expected.template array<std::uint8_t>("names");
  CHECK(names(net) == std::string(text.begin(), text.end()));
  const Inputs<T> in;
  net.eval();
  CHECK(relative_difference(net.lift(in.joints), expected.template array<double>("evaluated")) <
        tolerance);
  net.train();
  pk::Tape<T> tape;
  const auto joints = tape.variable(in.joints);
  const auto out = net(joints);
  CHECK(out.shape() == pk::Shape{count, 16, 3});
  tape.backward(pk::progressive_loss<T>({{out}, out}, in.truth, {.visible = in.visible}));
  CHECK(relative_difference(joints.grad(), expected.template array<double>("joints_gradient")) <
        tolerance);
  CHECK(relative_difference(gradients<T>(net, tape), expected.template array<double>("gradients")) <
        tolerance);
}

}  // namespace

TEST_CASE("The progressive regressor equals PyTorch's, in each order", "[models]") {
  for (const auto& [name, options] : cases) {
    check<double>(name, options, 1e-9);
    check<float>(name, options, 1e-4);
  }
}

TEST_CASE("The lifter of Martinez et al. equals PyTorch's", "[models]") {
  check_lifter<double>(1e-9);
  check_lifter<float>(1e-4);
}

TEST_CASE("Lifting networks have as many parameters as are published", "[models]") {
  CHECK(pk::nn::parameter_count(pk::models::PoseLifter<float>({})) == 4291632);
  const ProgressivePoseOptions both;
  CHECK(pk::nn::parameter_count(pk::models::ProgressivePose<float>(both)) == 25875552);
  // Three regressors with as many parameters are about sqrt(2) as wide.
  ProgressivePoseOptions none{.order = Dependencies::none};
  none.width = pk::models::equal_width(none, both);
  CHECK(none.width == 1457);
  const double parameters =
      static_cast<double>(pk::nn::parameter_count(pk::models::ProgressivePose<float>(none)));
  CHECK(parameters / 25875552 == Approx(1).epsilon(0.001));
  CHECK(pk::models::equal_width(both, both) == 1024);
  const auto lifter = pk::models::regressor_options(pk::models::PoseLifterOptions{});
  CHECK(pk::models::parameter_count(lifter) == 4291632);
  for (const std::size_t off : {std::size_t{0}, std::size_t{4000}})
    CHECK(pk::models::width_of_size({lifter}, 4291632 + off) == 1024);
  CHECK(pk::models::width_of_size({lifter}, 4291632 + 5000) == 1025);
  CHECK(pk::models::width_of_size({lifter, lifter}, 2 * 4291632) == 1024);
  CHECK(pk::models::width_of_size({lifter}, 0) == 1);
  CHECK_THROWS_WITH(pk::models::width_of_size({}, 5), Contains("no regressors"));
}

TEST_CASE("Joints have three groups of freedom", "[models]") {
  const auto groups = pk::models::freedom_groups(pk::skeletons::pose_16);
  CHECK(groups[0] == std::vector<std::size_t>{0, 1, 4, 7, 8, 10, 13});
  CHECK(groups[1] == std::vector<std::size_t>{2, 5, 9, 11, 14});
  CHECK(groups[2] == std::vector<std::size_t>{3, 6, 12, 15});
  CHECK_THROWS_WITH(pk::models::freedom_groups(pk::skeletons::hand_21),
                    Contains("hand_21 has no torso joints"));
}

TEST_CASE("Only the second block needs the first", "[models]") {
  // Without connections no gradient of the second block's positions reaches the first one.
  for (const auto order : {Dependencies::both, Dependencies::unconnected}) {
    pk::models::ProgressivePose<double> net({.attributes = false, .width = 5, .order = order});
    pk::Tape<double> tape;
    const auto out = net(tape.constant(Inputs<double>().joints));
    REQUIRE(out.blocks.size() == 2);
    tape.backward(out.positions, pk::zeros<double>(out.positions.shape()) + 1.0);
    for (const auto& [name, parameter] : pk::nn::parameters(net)) {
      const auto* gradient = parameter->gradient(tape);
      const bool first = name.starts_with("g1");
      // (Of g13's, Eq. 5 has use, and of g12's too; g11 is seen through these.)
      if (name.ends_with("w2.bias"))
        CHECK((gradient != nullptr) == (!first || order == Dependencies::both));
    }
  }
}

TEST_CASE("Lifting networks say what does not fit", "[models]") {
  pk::models::ProgressivePose<float> net({.width = 4});
  pk::models::PoseLifter<float> plain({.width = 4});
  pk::Tape<float> tape;
  const auto joints = tape.constant(pk::zeros<float>({3, 16, 2}));
  CHECK_THROWS_WITH(net(tape.constant(pk::zeros<float>({3, 17, 2}))),
                    "ProgressivePose: joints has shape [3, 17, 2], expected [N, 16, 2]");
  CHECK_THROWS_WITH(net(joints), "ProgressivePose: attributes are missing, expected [3, 9, 3]");
  CHECK_THROWS_WITH(net(joints, tape.constant(pk::zeros<float>({2, 9, 3}))),
                    "ProgressivePose: attributes has shape [2, 9, 3], expected [3, 9, 3]");
  CHECK_THROWS_WITH(plain(joints, tape.constant(pk::zeros<float>({3, 9, 3}))),
                    Contains("PoseLifter: attributes came, but"));
  CHECK_THROWS_WITH(plain.lift(pk::zeros<float>({3, 16, 2})), Contains("call eval()"));
  CHECK_THROWS_AS(pk::models::PoseLifter<float>({.width = 0}), pk::ValueError);
  CHECK_THROWS_AS(pk::models::PoseLifter<float>({.dropout = 1}), pk::ValueError);
  CHECK_THROWS_AS(pk::models::PoseLifter<float>({.unit = 0}), pk::ValueError);
  plain.eval();
  CHECK(pk::shape_of(plain.lift(pk::zeros<float>({0, 16, 2}))) == pk::Shape{0, 16, 3});
  CHECK(pk::shape_of(plain.lift(pk::zeros<float>({1, 16, 2}))) == pk::Shape{1, 16, 3});
}
