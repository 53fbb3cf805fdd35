#include <catch2/catch.hpp>

#include <cmath>

#include <posekit/pose/camera.hpp>
#include <posekit/pose/universal_scale.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/close.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

/// One of Human3.6M's cameras.
const pk::PinholeCamera bent{.fx = 1145.0,
                             .fy = 1143.8,
                             .cx = 512.5,
                             .cy = 515.5,
                             .radial = {-0.2, 0.24, -0.002},
                             .tangential = {-0.0009, -0.0016}};

pk::Tensor<double> points(std::size_t frames, std::size_t joints) {
  auto p = random_tensor<double>({frames, joints, 3}, 1, -900, 900);
  for (std::size_t i = 2; i < p.size(); i += 3) p.data()[i] += 4000;
  return p;
}

}  // namespace

TEST_CASE("Human3.6M's projection by its definition", "[pose]") {
  const auto p = points(1, 9);
  const auto pixels = pk::project(p, bent);
  for (std::size_t j = 0; j < 9; ++j) {
    const double x = p(0, j, 0) / p(0, j, 2), y = p(0, j, 1) / p(0, j, 2), r2 = x * x + y * y;
    const double radial = 1 - 0.2 * r2 + 0.24 * r2 * r2 - 0.002 * r2 * r2 * r2;
    const double tangential = -0.0009 * y - 0.0016 * x;
    CHECK(pixels(0, j, 0) ==
          Approx(1145.0 * (x * (radial + tangential) - 0.0016 * r2) + 512.5).epsilon(1e-14));
    CHECK(pixels(0, j, 1) ==
          Approx(1143.8 * (y * (radial + tangential) - 0.0009 * r2) + 515.5).epsilon(1e-14));
  }
  // OpenCV's own has 2 p1 x y + p2 (r^2 + 2 x^2).
  auto opencv = bent;
  opencv.distortion = pk::Distortion::opencv;
  opencv.radial = {};
  const double x = p(0, 2, 0) / p(0, 2, 2), y = p(0, 2, 1) / p(0, 2, 2), r2 = x * x + y * y;
  CHECK(pk::project(p, opencv)(0, 2, 0) ==
        Approx(1145.0 * (x - 2 * 0.0009 * x * y - 0.0016 * (r2 + 2 * x * x)) + 512.5));
}

TEST_CASE("What is projected comes back, and is differentiated both ways", "[pose]") {
  const auto check = [&](const auto& camera) {
    const auto p = points(2, 5);
    pk::Tensor<double> pixels = pk::make_tensor<double>({2, 5, 3});
    const auto uv = pk::project(p, camera);
    for (std::size_t i = 0; i < 10; ++i) {
      pixels.data()[3 * i] = uv.data()[2 * i];
      pixels.data()[3 * i + 1] = uv.data()[2 * i + 1];
      pixels.data()[3 * i + 2] = p.data()[3 * i + 2];
    }
    CHECK(relative_difference(pk::unproject(pixels, camera), p) < 1e-13);
    // In metres, where differences have more digits.
    for (std::size_t i = 2; i < pixels.size(); i += 3) pixels.data()[i] /= 1000;
    pk::Tensor<double> near = p;
    for (double& v : near) v /= 1000;
    for (const auto& gradients :
         {pk::testing::check_gradients([&](const auto& v) { return pk::project(v[0], camera); },
                                       std::vector{near}),
          pk::testing::check_gradients([&](const auto& v) { return pk::unproject(v[0], camera); },
                                       std::vector{pixels})}) {
      INFO(gradients.message);
      CHECK(gradients.ok);
    }
  };
  check(bent);
  check(pk::PinholeCamera{.fx = 500, .fy = 510, .cx = 320, .cy = 240});
  auto opencv = bent;
  opencv.distortion = pk::Distortion::opencv;
  check(opencv);
  check(pk::WeakPerspectiveCamera{.scale = 0.2, .tx = 300, .ty = 200});
}

TEST_CASE("MargiPose's normalised space", "[pose]") {
  const pk::PinholeCamera camera{.fx = 1000, .fy = 1000, .cx = 127.5, .cy = 127.5};
  pk::Tensor<double> p = points(3, 17);
  for (std::size_t f = 0; f < 3; ++f) p(f, 14, 2) = 4000;
  const auto n = pk::normalize_points(p, 4000, camera, 256, 256);
  CHECK(n(1, 14, 2) == Approx(0).margin(1e-12));  // the root
  CHECK(n(1, 3, 0) == Approx(p(1, 3, 0) / p(1, 3, 2) * 1000 / 128));
  CHECK(relative_difference(pk::denormalize_points(n, 4000, camera, 256, 256), p) < 1e-13);
  // From the near plane to the far one it is as far as the image is wide at the root.
  const double size = 4000 * 256.0 / 1000;
  pk::Tensor<double> planes = pk::zeros<double>({2, 3});
  planes(0, 2) = (std::hypot(4000, size) + 4000 - size) / 2;
  planes(1, 2) = planes(0, 2) + size;
  const auto z = pk::normalize_points(planes, 4000, camera, 256, 256);
  CHECK(z(0, 2) == Approx(-1));
  CHECK(z(1, 2) == Approx(1));
  // A skeleton's size tells how far away it is.
  const auto& skeleton = pk::skeletons::mpi_inf_3dhp_17;
  const auto scales = pk::universal_scales(p, skeleton);
  const auto depths = pk::infer_root_depths(n, camera, 256, 256, skeleton);
  for (std::size_t f = 0; f < 3; ++f) CHECK(depths[f] == Approx(4000 * scales[f]));
}

TEST_CASE("Points behind a camera are refused in words", "[pose]") {
  auto p = points(1, 3);
  p(0, 1, 2) = -5;
  CHECK_THROWS_WITH(pk::project(p, bent), Catch::Contains("the depth of point 1 is -5"));
  CHECK_THROWS_AS(pk::project(pk::zeros<double>({4, 2}), bent), pk::ShapeError);
  CHECK_THROWS_WITH(pk::unproject(points(1, 3), pk::PinholeCamera{.fx = 0}),
                    Catch::Contains("the focal lengths are 0 and 1"));
  CHECK_THROWS_AS(pk::normalize_points(points(1, 3), -1, bent, 10, 10), pk::ValueError);
}
