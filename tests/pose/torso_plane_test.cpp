#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/core/error.hpp>
#include <posekit/pose/skeletons.hpp>
#include <posekit/pose/torso_plane.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/close.hpp"
#include "support/torso_case.hpp"

namespace pk = posekit;
using pk::TorsoPelvis;
using pk::TorsoStatus;
using pk::testing::random_tensor;

namespace {

const pk::Skeleton& body = pk::skeletons::pose_16;

/// The largest angle between the same rows of two tensors of directions [F, 3].
template <class T>
double largest_angle(const pk::Tensor<T>& a, const pk::Tensor<double>& b) {
  double worst = 0;
  for (std::size_t f = 0; f < a.shape()[0]; ++f) {
    std::array<double, 3> u{}, v{};
    for (std::size_t i = 0; i < 3; ++i) {
      u[i] = static_cast<double>(a(f, i));
      v[i] = b(f, i);
    }
    const double sine =
        std::hypot(u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]);
    const double angle = std::atan2(sine, u[0] * v[0] + u[1] * v[1] + u[2] * v[2]);
    worst = std::isnan(angle) ? 4 : std::max(worst, angle);
  }
  return worst;
}

/// Every status of a frame: people, and what is none.
template <class T>
pk::Tensor<T> odd_torsos() {
  pk::Tensor<T> poses = random_tensor<T>({9, 16, 3}, 4, -500, 500);
  const auto each_joint = [&](std::size_t f, const auto& place) {
    for (std::size_t j = 0; j < 16; ++j) {
      for (std::size_t a = 0; a < 3; ++a) poses(f, j, a) = static_cast<T>(place(j, a));
    }
  };
  const auto line = [](std::size_t j, std::size_t a) {
    return 0.1 * static_cast<double>((a + 1) * j) + 1000.3 * static_cast<double>(a);
  };
  each_joint(1, [](std::size_t, std::size_t) { return 417.3; });
  each_joint(2, line);
  poses(3, body.index("left_hip"), 1) = std::numeric_limits<T>::quiet_NaN();
  poses(4, body.index("pelvis"), 2) = std::numeric_limits<T>::infinity();
  poses(5, body.index("head"), 0) = std::numeric_limits<T>::quiet_NaN();  // is no torso's
  // Both sides at the same places, the pelvis elsewhere.
  for (std::size_t a = 0; a < 3; ++a) {
    poses(6, body.index("left_hip"), a) = poses(6, body.index("right_hip"), a);
    poses(6, body.index("left_shoulder"), a) = poses(6, body.index("right_shoulder"), a);
  }
  each_joint(7, [](std::size_t, std::size_t) { return 0.0; });
  return poses;
}

const std::vector<TorsoStatus> odd_status{
    TorsoStatus::ok,         TorsoStatus::degenerate, TorsoStatus::degenerate,
    TorsoStatus::not_finite, TorsoStatus::not_finite, TorsoStatus::ok,
    TorsoStatus::ambiguous,  TorsoStatus::degenerate, TorsoStatus::ok};

}  // namespace

TEST_CASE("Torso planes are numpy's", "[pose]") {
  const auto poses = torso_golden("poses");
  for (const auto pelvis : {TorsoPelvis::joint, TorsoPelvis::mid_hip}) {
    const std::string suffix = pelvis == TorsoPelvis::joint ? "" : "_mid_hip";
    const auto planes = pk::torso_planes(poses, body, {.pelvis = pelvis});
    CHECK(std::count(planes.status.begin(), planes.status.end(), TorsoStatus::ok) ==
          static_cast<std::ptrdiff_t>(poses.shape()[0]));
    CHECK(largest_angle(planes.normal, torso_golden("normal" + suffix)) < 1e-9);
    CHECK(relative_difference(planes.centre, torso_golden("centre" + suffix)) < 1e-15);
    CHECK(relative_difference(planes.residual, torso_golden("residual" + suffix)) < 1e-11);
    for (std::size_t f = 0; f < poses.shape()[0]; ++f) {
      CHECK(std::hypot(planes.normal(f, 0), planes.normal(f, 1), planes.normal(f, 2)) ==
            Approx(1).epsilon(1e-15));
    }
  }
}

TEST_CASE("Torso planes of floats", "[pose]") {
  // Those that are no line for float, and near enough to the origin.
  const auto all = torso_golden("poses"), normals = torso_golden("normal");
  const std::size_t frames = all.shape()[0] - 6;
  auto poses = pk::make_tensor<float>({frames, 16, 3});
  auto expected = pk::make_tensor<double>({frames, 3});
  for (std::size_t i = 0; i < poses.size(); ++i) {
    poses.data()[i] = static_cast<float>(all.data()[i]);
  }
  std::copy_n(normals.data(), expected.size(), expected.data());
  const auto planes = pk::torso_planes(poses, body);
  CHECK(largest_angle(planes.normal, expected) < 1e-5);
  // What the numbers are is known, and computed in double.
  const auto exact = pk::torso_planes(pk::cast<double>(poses), body);
  CHECK(relative_difference(planes.normal, exact.normal) < 1e-7);
  CHECK(relative_difference(planes.residual, exact.residual) < 1e-7);
}

TEMPLATE_TEST_CASE("Torsos without a plane are NaN and say why", "[pose]", float, double) {
  const auto poses = odd_torsos<TestType>();
  const auto planes = pk::torso_planes(poses, body);
  CHECK(planes.status == odd_status);
  for (std::size_t f = 0; f < 9; ++f) {
    INFO("frame " << f << ": " << pk::to_string(planes.status[f]));
    const bool known = odd_status[f] == TorsoStatus::ok;
    CHECK(std::isnan(planes.residual(f)) == !known);
    for (std::size_t a = 0; a < 3; ++a) {
      CHECK(std::isnan(planes.normal(f, a)) == !known);
      CHECK(std::isnan(planes.centre(f, a)) == !known);
    }
  }
  // The pelvis does not matter where it is not used.
  CHECK(pk::torso_planes(poses, body, {.pelvis = TorsoPelvis::mid_hip}).status[4] ==
        TorsoStatus::ok);
  // The pelvis off the line through hips and shoulders decides on a plane, but not on its front;
  // spread as far across the line in all directions there is none.
  pk::Tensor<TestType> round = pk::zeros<TestType>({1, 16, 3});
  round(0, body.index("left_shoulder"), 0) = 300;
  round(0, body.index("left_shoulder"), 1) = 200;
  round(0, body.index("right_shoulder"), 0) = 300;
  round(0, body.index("right_shoulder"), 1) = -200;
  round(0, body.index("left_hip"), 0) = -300;
  round(0, body.index("left_hip"), 2) = 200;
  round(0, body.index("right_hip"), 0) = -300;
  round(0, body.index("right_hip"), 2) = -200;
  CHECK(pk::torso_planes(round, body).status[0] == TorsoStatus::degenerate);
  CHECK(pk::torso_planes(pk::zeros<TestType>({0, 16, 3}), body).normal.shape()[0] == 0);
}

TEMPLATE_TEST_CASE("A torso is the same beside others, and for any number of threads", "[pose]",
                   float, double) {
  const auto poses = random_tensor<TestType>({701, 16, 3}, 3, -700, 700);
  const auto planes = pk::torso_planes(poses, body, {.threads = 1});
  const auto shared = pk::torso_planes(poses, body, {.threads = 3});
  CHECK(identical(planes.normal, shared.normal));
  CHECK(identical(planes.centre, shared.centre));
  CHECK(identical(planes.residual, shared.residual));
  for (const std::size_t f : {0u, 5u, 350u, 700u}) {
    auto one = pk::make_tensor<TestType>({1, 16, 3});
    std::copy_n(poses.data() + f * 48, 48, one.data());
    const auto alone = pk::torso_planes(one, body);
    for (std::size_t a = 0; a < 3; ++a) {
      CHECK(alone.normal(0, a) == planes.normal(f, a));
      CHECK(alone.centre(0, a) == planes.centre(f, a));
    }
    CHECK(alone.residual(0) == planes.residual(f));
  }
}

TEST_CASE("Torso planes know no absolute size", "[pose]") {
  const auto poses = random_tensor<double>({13, 16, 3}, 6, -500, 500);
  const auto planes = pk::torso_planes(poses, body);
  for (const double size : {1e-290, 1e-150, 1e-7, 1e150, 1e300, 1e305}) {
    INFO(size);
    pk::Tensor<double> scaled = poses;
    for (double& x : scaled) x *= size;
    const auto huge = pk::torso_planes(scaled, body);
    CHECK(huge.status == planes.status);
    CHECK(largest_angle(huge.normal, planes.normal) < 1e-11);
    pk::Tensor<double> residual = planes.residual;
    for (double& x : residual) x *= size;
    CHECK(relative_difference(huge.residual, residual) < 1e-11);
    // And neither does the derivative.
    pk::Tape<double> tape;
    const auto x = tape.variable(pk::Tensor<double>(scaled));
    tape.backward(pk::torso_planes(x, body).centre, random_tensor<double>({13, 3}, 7));
    for (const double g : x.grad()) CHECK(std::isfinite(g));
    tape.backward(pk::torso_planes(x, body).normal, random_tensor<double>({13, 3}, 8));
    if (size > 1e-100) {
      for (const double g : x.grad()) CHECK(std::isfinite(g));
    }
  }
}

TEST_CASE("The front is the front wherever a person stands", "[pose]") {
  // Upright, y up, looking along z: left is +x. With y down and x right, as cameras have it, the
  // same person looks at the camera.
  pk::Tensor<double> person = pk::zeros<double>({2, 16, 3});
  const auto put = [&](const char* joint, double x, double y, double z) {
    const std::size_t j = body.index(joint);
    person(0, j, 0) = x;
    person(0, j, 1) = y;
    person(0, j, 2) = z;
    person(1, j, 0) = x;
    person(1, j, 1) = -y;
    person(1, j, 2) = 4000 - z;
  };
  put("pelvis", 0, 950, 10);
  put("left_hip", 110, 930, 0);
  put("right_hip", -115, 935, 3);
  put("left_shoulder", 170, 1400, -20);
  put("right_shoulder", -165, 1390, -15);
  const auto planes = pk::torso_planes(person, body);
  CHECK(planes.normal(0, 2) > 0.99);
  CHECK(planes.normal(1, 2) < -0.99);
  CHECK(planes.residual(0) < 10);
}

TEST_CASE("Normals and centres of torsos are differentiated", "[pose]") {
  const auto poses = random_tensor<double>({3, 16, 3}, 5, -1, 1);
  for (const auto pelvis : {TorsoPelvis::joint, TorsoPelvis::mid_hip}) {
    const pk::TorsoPlaneOptions options{.pelvis = pelvis};
    const auto normal = pk::testing::check_gradients(
        [&](const auto& v) { return pk::torso_planes(v[0], body, options).normal; },
        std::vector{poses});
    INFO(normal.message);
    CHECK(normal.ok);
    const auto centre = pk::testing::check_gradients(
        [&](const auto& v) { return pk::torso_planes(v[0], body, options).centre; },
        std::vector{poses});
    INFO(centre.message);
    CHECK(centre.ok);
    // The distance of a joint: both at once, and the poses besides.
    const auto both = pk::testing::check_gradients(
        [&](const auto& v) {
          const auto plane = pk::torso_planes(v[0], body, options);
          return plane.normal * plane.centre;
        },
        std::vector{poses});
    INFO(both.message);
    CHECK(both.ok);
    CHECK(pk::testing::float_disagreement(
              [&](const auto& v) { return pk::torso_planes(v[0], body, options).normal; },
              std::vector{poses}) < 1e-5);
    pk::Tape<double> tape;
    const auto on_tape =
        pk::torso_planes(tape.constant(pk::Tensor<double>(poses)), body, options);
    const auto plain = pk::torso_planes(poses, body, options);
    CHECK(identical(on_tape.normal.value(), plain.normal));
    CHECK(identical(on_tape.centre.value(), plain.centre));
    CHECK(on_tape.status == plain.status);
  }
}

TEMPLATE_TEST_CASE("What has no plane has no gradient", "[pose]", float, double) {
  pk::Tape<TestType> tape;
  const auto x = tape.variable(odd_torsos<TestType>());
  const auto planes = pk::torso_planes(x, body);
  CHECK(planes.status == odd_status);
  for (const auto& output : {planes.normal, planes.centre}) {
    tape.backward(output, random_tensor<TestType>({9, 3}, 2));
    for (std::size_t f = 0; f < 9; ++f) {
      const bool known = odd_status[f] == TorsoStatus::ok;
      CHECK(std::isnan(output.value()(f, 0)) == !known);
      bool any = false;
      for (std::size_t i = 0; i < 48; ++i) {
        const TestType g = x.grad().data()[f * 48 + i];
        CHECK(std::isfinite(g));
        any = any || g != 0;
      }
      CHECK(any == known);
    }
  }
  pk::Tape<TestType> empty;
  const auto nobody = empty.variable(pk::zeros<TestType>({0, 16, 3}));
  const auto none = pk::torso_planes(nobody, body).normal;
  empty.backward(none, pk::zeros<TestType>({0, 3}));
  CHECK(nobody.grad().size() == 0);
}

TEST_CASE("A skeleton without a torso is refused in words", "[pose]") {
  CHECK_THROWS_WITH(pk::torso_planes(pk::zeros<float>({2, 15, 3}), body),
                    Catch::Contains("torso_planes: poses has 15 joints"));
  CHECK_THROWS_AS(pk::torso_planes(pk::zeros<float>({2, 16, 2}), body), pk::ShapeError);
  CHECK_THROWS_AS(pk::torso_planes(pk::zeros<float>({16, 3}), body), pk::ShapeError);
  CHECK_THROWS_WITH(
      pk::torso_planes(pk::zeros<float>({2, 21, 3}), pk::skeletons::hand_21),
      "torso_planes: the skeleton hand_21 lacks left_shoulder, right_shoulder, left_hip, "
      "right_hip, pelvis");
  CHECK_THROWS_AS(pk::torso_planes(pk::zeros<float>({2, 17, 3}), pk::skeletons::coco_17),
                  pk::ValueError);
  const auto coco = pk::torso_planes(random_tensor<float>({2, 17, 3}, 1), pk::skeletons::coco_17,
                                     {.pelvis = TorsoPelvis::mid_hip});
  CHECK(coco.status[1] == TorsoStatus::ok);
}
