#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <posekit/core/error.hpp>
#include <posekit/models/pose_attribute_loss.hpp>
#include <posekit/testing/gradient_check.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"
#include "support/formula.hpp"
#include "support/hourglass_case.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

pk::Tensor<std::int32_t> classes_of(const pk::Shape& shape,
                                    const std::vector<std::int32_t>& classes) {
  return pk::tensor_from<std::int32_t>(shape, classes);
}

/// The batch of make_hourglass.py.
template <class T>
pk::PoseAttributeTargets<T> golden_targets() {
  pk::PoseAttributeTargets<T> targets{
      .positions = formula_uniform<T>("positions", {4, 5, 2}, 1.8, -0.9),
      .visible = formula_uniform<T>("visible", {4, 5}),
      .attributes = pk::make_tensor<std::int32_t>({4, 7}),
      .domains = classes_of({4}, {1, 0, 1, 0})};
  for (T& v : targets.visible) v = v > T(0.2) ? T(1) : T(0);
  const auto classes = formula_uniform<double>("attributes", {4, 7}, 6);
  for (std::size_t i = 0; i < 28; ++i) {
    const bool known = i / 7 % 2 == 0;
    targets.attributes.data()[i] = known ? static_cast<std::int32_t>(classes.data()[i]) : -1;
  }
  return targets;
}

/// A step: losses, running statistics, and gradients to another tolerance.
template <class T>
void check_step(const std::string& mode, double tolerance, double gradient_tolerance) {
  INFO(mode);
  pk::models::PoseAttributeNet<T> net(hourglass_case);
  fill_by_formula(net, hourglass_case_scale);
  net.train(mode == "training");
  pk::Tape<T> tape;
  const auto x = tape.variable(formula_uniform<T>("image", {4, 3, 64, 128}, 2, -1));
  const auto loss = pk::pose_attribute_loss(
      net(x, {.reversal = 0.5}), golden_targets<T>(),
      {.heatmap_weight = 2, .attribute_weight = 0.5, .domain_weight = 0.25});
  tape.backward(loss.total);
  const auto number = [](const pk::Var<T>& v) { return v.value().data()[0]; };
  CHECK(relative_difference(
            pk::tensor_from<T>({3}, std::vector<T>{number(loss.heatmap), number(loss.attribute),
                                                   number(loss.domain)}),
            hourglass_golden(mode, "losses")) < tolerance);
  CHECK(number(loss.total) == Approx(2 * number(loss.heatmap) + 0.5 * number(loss.attribute) +
                                     0.25 * number(loss.domain)));
  CHECK(relative_difference(thinned(x.grad(), 7, 11), hourglass_golden(mode, "image_gradient")) <
        gradient_tolerance);
  if (mode == "evaluation") return;  // parameters are constants
  auto named = pk::nn::parameters(net);
  std::sort(named.begin(), named.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  std::vector<double> norms, probes, sums;
  for (const auto& [name, parameter] : named) {
    const auto* gradient = parameter->gradient(tape);
    REQUIRE(gradient != nullptr);
    const auto probe = formula_uniform<double>("probe " + name, pk::shape_of(*gradient));
    double squares = 0, product = 0;
    for (std::size_t i = 0; i < gradient->size(); ++i) {
      const auto g = static_cast<double>(gradient->data()[i]);
      squares += g * g;
      product += g * probe.data()[i];
    }
    norms.push_back(std::sqrt(squares));
    probes.push_back(product);
  }
  auto buffers = pk::nn::buffers(net);
  std::sort(buffers.begin(), buffers.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  for (const auto& [name, buffer] : buffers) {
    double sum = 0;
    for (const T value : buffer->value) sum += static_cast<double>(value);
    sums.push_back(sum);
  }
  const auto check = [&](const std::vector<double>& ours, const char* part, double enough) {
    INFO(part);
    CHECK(relative_difference(pk::tensor_from<double>({ours.size()}, ours),
                              hourglass_golden(mode, part)) < enough);
  };
  check(norms, "norms", gradient_tolerance);
  check(probes, "probes", gradient_tolerance);
  check(sums, "buffers", tolerance);
}

/// Heatmaps of two stacks, attributes and domains as a network might give them.
template <class T>
pk::models::PoseAttributeOutput<T> output(const std::vector<pk::Var<T>>& x) {
  return {.heatmaps = {x[0], x[1]}, .attributes = x[2], .domain = x[3]};
}

template <class T>
std::vector<pk::Tensor<T>> random_output() {
  return {random_tensor<T>({2, 3, 4, 5}, 1), random_tensor<T>({2, 3, 4, 5}, 2),
          random_tensor<T>({2, 6, 7}, 3), random_tensor<T>({2, 8}, 4)};
}

template <class T>
pk::PoseAttributeTargets<T> small_targets() {
  return {.positions = random_tensor<T>({2, 3, 2}, 5),
          .visible = pk::tensor_from<T>({2, 3}, std::vector<T>{1, 0, 1, 1, 1, 0}),
          .attributes = classes_of({2, 6}, {0, 6, 3, -1, 2, 1, -1, -1, -1, -1, -1, -1}),
          .domains = classes_of({2}, {7, -1})};
}

}  // namespace

TEST_CASE("A step of a pose attribute net equals PyTorch's", "[models]") {
  check_step<double>("evaluation", 1e-9, 1e-9);
  check_step<double>("training", 1e-9, 1e-9);
  check_step<float>("evaluation", 1e-4, 1e-4);
  // Some of half a million rectifiers are so near to 0 that rounding turns them: PyTorch's own
  // gradients in float are as far off (5 %).
  check_step<float>("training", 1e-4, 0.1);
}

TEST_CASE("Pose attribute losses: gradients", "[models]") {
  const auto targets = small_targets<double>();
  const auto check = pk::testing::check_gradients(
      [&](const std::vector<pk::Var<double>>& x) {
        return pk::pose_attribute_loss(output(x), targets, {.attribute_weight = 3}).total;
      },
      random_output<double>());
  INFO(check.message);
  CHECK(check.ok);
}

TEST_CASE("Pose attribute losses leave out what is not known", "[models]") {
  using T = double;
  const auto run = [](pk::PoseAttributeTargets<T> targets) {
    pk::Tape<T> tape;
    std::vector<pk::Var<T>> x;
    for (auto& tensor : random_output<T>()) x.push_back(tape.variable(std::move(tensor)));
    const auto loss = pk::pose_attribute_loss(output(x), targets);
    tape.backward(loss.total);
    std::vector<double> values{loss.heatmap.value().data()[0], loss.attribute.value().data()[0],
                               loss.domain.value().data()[0]};
    for (const auto& v : x) {
      for (const double g : v.grad()) REQUIRE(std::isfinite(g));
    }
    return values;
  };
  auto targets = small_targets<T>();
  const auto all = run(targets);
  targets.positions(0, 1, 0) = std::numeric_limits<T>::quiet_NaN();
  CHECK(run(targets) == all);
  targets.visible.fill(0);
  targets.attributes.fill(-1);
  CHECK(run(targets) == std::vector<double>{0, 0, all[2]});
  targets.domains.fill(-1);
  CHECK(run(targets) == std::vector<double>{0, 0, 0});
}

TEST_CASE("The classifier of domains does not move others where nothing is reversed", "[models]") {
  auto options = hourglass_case;
  options.blocks = 1;
  const pk::models::PoseAttributeNet<double> net(options);
  const auto gradient = [&](double reversal, double domain_weight) {
    pk::Tape<double> tape;
    const auto x = tape.variable(formula_uniform<double>("image", {2, 3, 64, 128}, 2, -1));
    pk::PoseAttributeTargets<double> targets{.positions = random_tensor<double>({2, 5, 2}, 1),
                                             .visible = pk::zeros<double>({2, 5}) + 1.0,
                                             .attributes = pk::zeros<std::int32_t>({2, 7}),
                                             .domains = classes_of({2}, {0, 1})};
    tape.backward(pk::pose_attribute_loss(net(x, {.reversal = reversal}), targets,
                                          {.domain_weight = domain_weight})
                      .total);
    return pk::Tensor<double>(x.grad());
  };
  const auto without = gradient(1, 0), none = gradient(0, 1), some = gradient(0.25, 1),
             more = gradient(0.5, 1);
  CHECK(relative_difference(none, without) < 1e-13);
  // Linear in the reversal.
  const pk::Tensor<double> half = none + 0.5 * (more - none);
  CHECK(relative_difference(some, half) < 1e-12);
  CHECK(relative_difference(some, none) > 1e-6);
}

TEST_CASE("Pose attribute losses say what they cannot take", "[models]") {
  pk::Tape<float> tape;
  std::vector<pk::Var<float>> x;
  for (auto& tensor : random_output<float>()) x.push_back(tape.variable(std::move(tensor)));
  const auto run = [&](auto change, const pk::PoseAttributeLossOptions& options = {}) {
    auto targets = small_targets<float>();
    change(targets);
    return pk::pose_attribute_loss(output(x), targets, options);
  };
  const auto nothing = [](auto&) {};
  CHECK_NOTHROW(run(nothing));
  CHECK_THROWS_AS(run([](auto& t) {
                    t.positions = random_tensor<float>({2, 4, 2}, 1);
                  }),
                  pk::ShapeError);
  CHECK_THROWS_AS(run([](auto& t) {
                    t.visible = random_tensor<float>({3, 3}, 1);
                  }),
                  pk::ShapeError);
  CHECK_THROWS_AS(run([](auto& t) {
                    t.attributes = pk::zeros<std::int32_t>({2, 5});
                  }),
                  pk::ShapeError);
  CHECK_THROWS_AS(run([](auto& t) { t.attributes.fill(7); }), pk::ValueError);
  CHECK_THROWS_AS(run([](auto& t) { t.domains.fill(8); }), pk::ValueError);
  CHECK_THROWS_WITH(run(nothing, {.domain_weight = -1}), Catch::Contains("domain_weight"));
  CHECK_THROWS_AS(run(nothing, {.heatmap_weight = std::nan("")}), pk::ValueError);
  CHECK_THROWS_AS(pk::stacked_heatmap_loss<float>({}, random_tensor<float>({2, 3, 2}, 1),
                                                  random_tensor<float>({2, 3}, 1), {}),
                  pk::ValueError);
}
