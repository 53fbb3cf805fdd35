#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/softmax.hpp>
#include <posekit/autodiff/tape.hpp>
#include <posekit/core/error.hpp>
#include <posekit/heatmap/gaussian_heatmaps.hpp>
#include <posekit/heatmap/soft_argmax.hpp>
#include <posekit/models/centred_joints.hpp>
#include <posekit/models/image_lifter.hpp>
#include <posekit/models/pose_attribute_loss.hpp>
#include <posekit/models/progressive_loss.hpp>
#include <posekit/nn/module.hpp>
#include <posekit/testing/gradient_check.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

const pk::models::ImageLifterOptions joined{
    .image = {.stacks = 1, .features = 4, .domain_features = 3, .input = {64, 64}, .seed = 3},
    .lifter = {.width = 5, .blocks = 1}};

}  // namespace

TEMPLATE_TEST_CASE("Joints are centred as lifting examples are", "[models]", float, double) {
  using T = TestType;
  const auto joints = random_tensor<T>({3, 7, 2}, 2);
  const auto centred = pk::centred_joints(joints, 1.6);
  for (std::size_t n = 0; n < 3; ++n) {
    double low[2] = {9, 9}, high[2] = {-9, -9};
    for (std::size_t j = 0; j < 7; ++j) {
      for (std::size_t a = 0; a < 2; ++a) {
        low[a] = std::min(low[a], static_cast<double>(joints(n, j, a)));
        high[a] = std::max(high[a], static_cast<double>(joints(n, j, a)));
      }
    }
    const double half = 1.6 * std::max(high[0] - low[0], high[1] - low[1]) / 2;
    for (std::size_t j = 0; j < 7; ++j) {
      for (std::size_t a = 0; a < 2; ++a) {
        const double at = (static_cast<double>(joints(n, j, a)) - (low[a] + high[a]) / 2) / half;
        CHECK(static_cast<double>(centred(n, j, a)) == Approx(at).margin(1e-5));
      }
    }
  }
  // Wherever the crop had them, and however large.
  pk::Tensor<T> moved = joints;
  for (std::size_t i = 0; i < moved.size(); ++i)
    moved.data()[i] = T(2.5) * moved.data()[i] + (i % 2 == 0 ? T(0.5) : T(-0.25));
  CHECK(relative_difference(pk::centred_joints(moved, 1.6), centred) < 1e-5);
  const auto one = pk::centred_joints(random_tensor<T>({2, 1, 2}, 3));
  CHECK((one(0, 0, 0) == 0 && one(1, 0, 1) == 0));
  CHECK(pk::centred_joints(pk::zeros<T>({0, 7, 2})).size() == 0);
  CHECK_THROWS_AS(pk::centred_joints(pk::zeros<T>({2, 0, 2})), pk::ShapeError);
  CHECK_THROWS_WITH(pk::centred_joints(pk::zeros<T>({2, 7, 3})),
                    Catch::Contains("joints has shape [2, 7, 3], expected [N, J, 2]"));
  CHECK_THROWS_AS(pk::centred_joints(joints, 0), pk::ValueError);
}

TEST_CASE("The gradient of centred joints is that of differences", "[models]") {
  const auto check =
      pk::testing::check_gradients([](const auto& v) { return pk::centred_joints(v[0], 1.25); },
                                   {random_tensor<double>({3, 6, 2}, 8)});
  INFO(check.message);
  CHECK(check.ok);
}

TEMPLATE_TEST_CASE("Peaks of height 1 are read where they are", "[models]", float, double) {
  using T = TestType;
  const auto means = random_tensor<T>({5, 7, 2}, 4, -0.85, 0.85);
  const auto maps = pk::gaussian_heatmaps(means, {24, 32}, {.sigma = 1, .normalised = false});
  pk::Tape<T> tape;
  const auto worst = [&](const pk::Tensor<T>& read) {
    double most = 0;  // cells
    for (std::size_t i = 0; i < means.size(); ++i) {
      const double cells = i % 2 == 0 ? 16 : 12;
      most =
          std::max(most, cells * std::abs(static_cast<double>(read.data()[i] - means.data()[i])));
    }
    return most;
  };
  CHECK(worst(pk::models::read_peaks(tape.constant(pk::Tensor<T>(maps)), 20).value()) < 0.3);
  // What beta is there for: a plain softmax reads the middle of the map.
  CHECK(worst(pk::soft_argmax(maps, {.beta = 1})) > 5);
  // Low peaks of uncertain networks too, and what is below 0 does not count.
  pk::Tensor<T> low = maps;
  for (std::size_t i = 0; i < low.size(); ++i)
    low.data()[i] = T(0.4) * low.data()[i] - (i % 3 == 0 ? T(0.02) : T(0.01));
  CHECK(worst(pk::models::read_peaks(tape.constant(pk::Tensor<T>(low)), 20).value()) < 0.3);
  const auto none = pk::models::read_peaks(tape.constant(pk::zeros<T>({1, 1, 24, 32}) - T(1)), 10);
  CHECK(std::abs(static_cast<double>(none.value()(0, 0, 0))) < 1e-6);
  CHECK_THROWS_AS(pk::models::read_peaks(tape.constant(pk::Tensor<T>(maps)), 0), pk::ValueError);
}

TEMPLATE_TEST_CASE("An image lifter is its parts in a row", "[models]", float, double) {
  using T = TestType;
  pk::models::ImageLifter<T> net(joined);
  net.eval();
  pk::Tape<T> tape;
  const auto x = tape.constant(random_tensor<T>({3, 3, 64, 64}, 5));
  const auto out = net(x, {.reversal = 0.5});
  const auto seen = net.image(x);
  CHECK(identical(out.seen.heatmaps.back().value(), seen.heatmaps.back().value()));
  CHECK(identical(out.seen.domain.value(), seen.domain.value()));
  REQUIRE(out.joints.shape() == pk::Shape{3, 16, 2});
  REQUIRE(out.attributes.shape() == pk::Shape{3, 9, 3});
  CHECK(identical(out.attributes.value(), pk::softmax(seen.attributes.value())));
  CHECK(identical(out.joints.value(), pk::models::read_peaks(seen.heatmaps.back(), 20).value()));
  REQUIRE(out.lifted.blocks.size() == 2);
  const auto lifted =
      net.lifter.lift(pk::centred_joints(out.joints.value()), out.attributes.value());
  CHECK(identical(out.lifted.positions.value(), lifted));

  auto other = joined;
  other.crop = 0;
  other.lifter.attributes = false;
  other.lifter.order = pk::models::Dependencies::forward;
  pk::models::ImageLifter<T> plain(other);
  plain.eval();
  const auto bare = plain(x);
  CHECK(bare.lifted.blocks.size() == 1);
  CHECK(identical(bare.lifted.positions.value(), plain.lifter.lift(bare.joints.value())));
}

TEST_CASE("An image lifter's gradient goes through all of it", "[models]") {
  using T = double;
  pk::models::ImageLifter<T> net(joined);
  net.eval();
  const auto image = random_tensor<T>({2, 3, 64, 64}, 6);
  const auto truth = random_tensor<T>({2, 16, 3}, 7, -300, 300);
  pk::PoseAttributeTargets<T> targets{random_tensor<T>({2, 16, 2}, 8), pk::zeros<T>({2, 16}) + 1.0,
                                      pk::zeros<std::int64_t>({2, 9}) + std::int64_t{2},
                                      pk::zeros<std::int64_t>({2})};
  // All losses, the 3D one in metres.
  const auto loss = [&](const pk::Var<T>& x) {
    const auto out = net(x, {.reversal = 0.0});
    pk::PoseAttributeLossOptions options;
    options.domain_weight = 0;  // reversed gradients are not those of differences
    return pk::pose_attribute_loss(out.seen, targets, options).total +
           pk::progressive_loss(out.lifted, truth) * 1e-3;
  };
  pk::Tape<T> tape;
  const auto x = tape.variable(pk::Tensor<T>(image));
  tape.backward(loss(x));
  // A direction in the picture, and some elements of it.
  const auto direction = random_tensor<T>({2, 3, 64, 64}, 9);
  double along = 0;
  for (std::size_t i = 0; i < direction.size(); ++i)
    along += x.grad().data()[i] * direction.data()[i];
  const auto moved = [&](double step) {
    pk::Tape<T> other;
    pk::Tensor<T> at = image;
    for (std::size_t i = 0; i < at.size(); ++i) at.data()[i] += step * direction.data()[i];
    return loss(other.constant(std::move(at))).value().data()[0];
  };
  const double step = 1e-6, numeric = (moved(step) - moved(-step)) / (2 * step);
  CHECK(along == Approx(numeric).epsilon(1e-4));
  CHECK(std::abs(along) > 0);
}

TEST_CASE("Peaks are read with the gradient of differences", "[models]") {
  const auto check =
      pk::testing::check_gradients([](const auto& v) { return pk::models::read_peaks(v[0], 3); },
                                   {random_tensor<double>({2, 2, 4, 5}, 8)});
  INFO(check.message);
  CHECK(check.ok);
}

TEST_CASE("In training the parameters of an image lifter have the gradients of differences",
          "[models]") {
  using T = double;
  pk::models::ImageLifter<T> net(joined);
  net.train();
  const auto image = random_tensor<T>({3, 3, 64, 64}, 6);
  const auto truth = random_tensor<T>({3, 16, 3}, 7, -300, 300);
  const auto loss = [&](pk::Tape<T>& tape) {
    const auto out = net(tape.constant(pk::Tensor<T>(image)));
    return pk::progressive_loss(out.lifted, truth) * 1e-3;
  };
  pk::Tape<T> tape;
  tape.backward(loss(tape));
  std::size_t visited = 0, checked = 0;
  for (const auto& named : pk::nn::parameters(net)) {
    const auto& name = named.name;
    auto* const parameter = named.parameter;
    const auto* gradient = tape.parameter_gradient(parameter->value());
    INFO(name);
    if (name.starts_with("image.domain_classifier.")) {
      CHECK(gradient == nullptr);
      continue;
    }
    REQUIRE(gradient != nullptr);
    if (visited++ % 19 != 0) continue;
    const pk::Tensor<T> at = parameter->value();
    const auto direction = random_tensor<T>(pk::shape_of(at), 11 + checked++);
    double along = 0, size = 0;
    for (std::size_t i = 0; i < at.size(); ++i) {
      along += gradient->data()[i] * direction.data()[i];
      size += std::abs(gradient->data()[i]);
    }
    const auto moved = [&](double step) {
      pk::Tensor<T> value = at;
      for (std::size_t i = 0; i < at.size(); ++i) value.data()[i] += step * direction.data()[i];
      parameter->set_value(std::move(value));
      pk::Tape<T> other;
      return loss(other).value().data()[0];
    };
    const double step = 1e-8, numeric = (moved(step) - moved(-step)) / (2 * step);
    parameter->set_value(at);
    CHECK(along == Approx(numeric).margin(1e-3 * size + 1e-6));
  }
  CHECK(checked > 10);
}

TEST_CASE("An image lifter says what does not go together", "[models]") {
  using Net = pk::models::ImageLifter<float>;
  const auto throws = [&](auto change, const char* text) {
    auto other = joined;
    change(other);
    CHECK_THROWS_AS(Net(other), pk::ValueError);
    CHECK_THROWS_WITH(Net(other), Catch::Contains(text));
  };
  throws([](auto& o) { o.image.joints = 17; },
         "the image network has 17 joints, the lifter's skeleton pose_16 has 16");
  throws([](auto& o) { o.image.classes = 2; }, "9 attributes of 2 classes");
  throws([](auto& o) { o.beta = 0; }, "beta is 0");
  throws([](auto& o) { o.crop = -1; }, "crop is -1");
  throws([](auto& o) { o.image.input = {64, 63}; }, "multiples of 64");
  throws([](auto& o) { o.lifter.width = 0; }, "0 out_features");
  const Net net(joined);
  pk::Tape<float> tape;
  CHECK_THROWS_AS(net(tape.constant(pk::zeros<float>({2, 3, 64, 32}))), pk::ShapeError);
}
