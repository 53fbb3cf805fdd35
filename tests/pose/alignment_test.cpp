#include <catch2/catch.hpp>

#include <cmath>
#include <vector>

#include <posekit/autodiff/reductions.hpp>
#include <posekit/pose/alignment.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/close.hpp"

namespace pk = posekit;
using pk::Alignment;
using pk::testing::random_tensor;

namespace {

constexpr Alignment all_alignments[] = {Alignment::none, Alignment::root, Alignment::scale,
                                        Alignment::rigid, Alignment::similarity};

/// Turned by angles about z and x, scaled and moved.
pk::Tensor<double> moved(const pk::Tensor<double>& pose, double scale) {
  const double a = 0.7, b = -1.9;
  pk::Tensor<double> result = pose;
  for (std::size_t f = 0; f < pose.shape()[0]; ++f) {
    for (std::size_t j = 0; j < pose.shape()[1]; ++j) {
      const double x = pose(f, j, 0), y = pose(f, j, 1), z = pose(f, j, 2);
      const double u = std::cos(a) * x - std::sin(a) * y, v = std::sin(a) * x + std::cos(a) * y;
      result(f, j, 0) = scale * u + 30;
      result(f, j, 1) = scale * (std::cos(b) * v - std::sin(b) * z) - 7;
      result(f, j, 2) = scale * (std::sin(b) * v + std::cos(b) * z) + 2;
    }
  }
  return result;
}

}  // namespace

TEST_CASE("What was moved comes back", "[pose]") {
  const auto truth = random_tensor<double>({5, 7, 3}, 1, -100, 100);
  const auto turned = moved(truth, 1.0), shrunk = moved(truth, 0.3);
  CHECK(relative_difference(pk::align(shrunk, truth).prediction, truth) < 1e-13);
  CHECK(relative_difference(pk::align(turned, truth, {.alignment = Alignment::rigid}).prediction,
                            truth) < 1e-13);
  CHECK(relative_difference(pk::align(shrunk, truth, {.alignment = Alignment::rigid}).prediction,
                            truth) > 0.1);
}

TEST_CASE("A mirrored pose is not turned into the right one", "[pose]") {
  const auto truth = random_tensor<double>({1, 7, 3}, 1, -100, 100);
  pk::Tensor<double> mirrored = truth;
  for (std::size_t j = 0; j < 7; ++j) mirrored(0, j, 0) = -mirrored(0, j, 0);
  CHECK(relative_difference(pk::align(mirrored, truth).prediction, truth) > 0.1);
  // In the plane too.
  const auto flat = random_tensor<double>({1, 7, 2}, 2, -100, 100);
  pk::Tensor<double> flipped = flat;
  for (std::size_t j = 0; j < 7; ++j) flipped(0, j, 0) = -flipped(0, j, 0);
  CHECK(relative_difference(pk::align(flipped, flat).prediction, flat) > 0.1);
}

TEST_CASE("Degenerate poses are aligned as well as they can be, and reported", "[pose]") {
  const auto truth = random_tensor<double>({4, 6, 3}, 1, -100, 100);
  pk::Tensor<double> odd = truth;
  for (std::size_t j = 0; j < 6; ++j) {
    for (std::size_t a = 0; a < 3; ++a) {
      odd(0, j, a) = 5;                                 // a point
      odd(1, j, a) = static_cast<double>((a + 1) * j);  // a line
      odd(2, j, a) = a == 2 ? 0.0 : truth(2, j, a);     // a plane
    }
  }
  const std::vector<std::uint8_t> nobody = [] {
    std::vector<std::uint8_t> v(24, 1);
    std::fill(v.begin() + 18, v.end(), std::uint8_t{0});
    return v;
  }();
  const auto aligned = pk::align(odd, truth, {.visible = nobody});
  CHECK(aligned.status[0] == pk::AlignmentStatus::collapsed);
  CHECK(aligned.status[1] == pk::AlignmentStatus::ambiguous);
  CHECK(aligned.status[2] == pk::AlignmentStatus::unique);
  CHECK(aligned.status[3] == pk::AlignmentStatus::empty);
  for (const double v : aligned.prediction) CHECK(std::isfinite(v));
  double mean = 0;
  for (std::size_t j = 0; j < 6; ++j) mean += truth(0, j, 1) / 6;
  CHECK(aligned.prediction(0, 2, 1) == Approx(mean));
  for (std::size_t a = 0; a < 3; ++a) CHECK(aligned.prediction(3, 4, a) == odd(3, 4, a));
  for (const auto alignment : all_alignments) {
    pk::Tape<double> tape;
    const auto x = tape.variable(pk::Tensor<double>(odd));
    tape.backward(pk::sum(pk::align(x, truth, {.alignment = alignment, .visible = nobody})));
    for (const double g : x.grad()) CHECK(std::isfinite(g));
  }
  CHECK(pk::align(pk::zeros<double>({0, 6, 3}), pk::zeros<double>({0, 6, 3})).status.empty());
}

TEMPLATE_TEST_CASE("A frame without a root is nowhere, the others are where they are", "[pose]",
                   float, double) {
  const auto truth = random_tensor<TestType>({2, 6, 3}, 1, -1, 1),
             pose = random_tensor<TestType>({2, 6, 3}, 2, -1, 1);
  std::vector<std::uint8_t> visible(12, 1);
  visible[6 + 4] = 0;
  for (const auto alignment : {Alignment::root, Alignment::scale}) {
    const pk::AlignOptions some{.alignment = alignment, .root = 4, .visible = visible};
    const auto aligned = pk::align(pose, truth, some);
    const auto all = pk::align(pose, truth, {.alignment = alignment, .root = 4});
    CHECK(aligned.status[0] == pk::AlignmentStatus::unique);
    CHECK(aligned.status[1] == pk::AlignmentStatus::rootless);
    pk::Tape<TestType> tape;
    const auto x = tape.variable(pk::Tensor<TestType>(pose));
    const auto on_tape = pk::align(x, truth, some);
    tape.backward(pk::sum(on_tape));
    for (std::size_t i = 0; i < truth.size() / 2; ++i) {
      CHECK(aligned.prediction.data()[i] == all.prediction.data()[i]);
      CHECK(aligned.truth.data()[i] == all.truth.data()[i]);
    }
    for (std::size_t i = truth.size() / 2; i < truth.size(); ++i) {
      CHECK(std::isnan(aligned.prediction.data()[i]));
      CHECK(std::isnan(aligned.truth.data()[i]));
      CHECK(std::isnan(on_tape.value().data()[i]));
      CHECK(x.grad().data()[i] == 0);
    }
    CHECK(std::isfinite(x.grad().data()[0]));
  }
  // The others need no root.
  CHECK(pk::align(pose, truth, {.visible = visible}).status[1] == pk::AlignmentStatus::unique);
}

TEST_CASE("Alignment knows no absolute size", "[pose]") {
  const auto truth = random_tensor<double>({2, 5, 3}, 1, -500, 500);
  const auto flat = random_tensor<double>({2, 5, 2}, 2, -500, 500);
  for (const double size : {1e-150, 1e-12, 1e30, 1e140}) {
    pk::Tensor<double> scaled = moved(truth, 0.7), in_plane = flat;
    for (double& v : scaled) v *= size;
    for (double& v : in_plane) v *= size;
    CHECK(relative_difference(pk::align(scaled, truth).prediction, truth) < 1e-12);
    CHECK(relative_difference(pk::align(in_plane, flat).prediction, flat) < 1e-12);
  }
  // A single joint lands on its truth, wherever it was.
  const auto far = pk::tensor_from<double>({1, 1, 3}, std::vector<double>{1e30, -1e9, 3});
  const auto near = pk::tensor_from<double>({1, 1, 3}, std::vector<double>{1, 2, 3});
  CHECK(relative_difference(pk::align(far, near).prediction, near) < 1e-15);
  // So does everything where the truth is a single point.
  pk::Tensor<double> point = truth;
  point.fill(7);
  CHECK(relative_difference(pk::align(truth, point).prediction, point) < 1e-15);
  pk::Tensor<double> broken = truth;
  broken(1, 2, 0) = std::nan("");
  CHECK_THROWS_WITH(pk::align(broken, truth), Catch::Contains("joint 2 of frame 1 is not finite"));
}

TEST_CASE("Alignments are differentiated through their transforms", "[pose]") {
  std::vector<std::uint8_t> some(12, 1);
  some[3] = some[8] = 0;
  for (const auto alignment : all_alignments) {
    for (const std::size_t axes : {2u, 3u}) {
      for (const bool masked : {false, true}) {
        const auto truth = random_tensor<double>({2, 6, axes}, 5, -1, 1);
        pk::AlignOptions options{.alignment = alignment, .root = 1};
        if (masked) options.visible = some;
        const auto gradients = pk::testing::check_gradients(
            [&](const auto& v) { return pk::align(v[0], truth, options); },
            std::vector{random_tensor<double>({2, 6, axes}, 6, -1, 1)});
        INFO(pk::to_string(alignment) << ", " << axes << " axes: " << gradients.message);
        CHECK(gradients.ok);
        pk::Tape<double> tape;
        const auto poses = random_tensor<double>({2, 6, axes}, 6, -1, 1);
        CHECK(relative_difference(
                  pk::align(tape.constant(pk::Tensor<double>(poses)), truth, options).value(),
                  pk::align(poses, truth, options).prediction) < 1e-14);
      }
    }
  }
}

TEST_CASE("What cannot be aligned is refused in words", "[pose]") {
  const auto a = pk::zeros<float>({2, 5, 3});
  CHECK_THROWS_WITH(pk::align(a, pk::zeros<float>({2, 6, 3})),
                    Catch::Contains("prediction has shape [2, 5, 3], truth has shape [2, 6, 3]"));
  CHECK_THROWS_AS(pk::align(pk::zeros<float>({5, 3}), pk::zeros<float>({5, 3})), pk::ShapeError);
  CHECK_THROWS_WITH(pk::align(a, a, {.alignment = Alignment::root, .root = 5}),
                    Catch::Contains("root is joint 5 of 5"));
  CHECK_THROWS_AS(pk::align(a, a, {.visible = std::vector<std::uint8_t>(3)}), pk::ShapeError);
}
