#include <catch2/catch.hpp>

#include <posekit/core/linear_algebra.hpp>

TEST_CASE("Eigen is at hand through one header", "[core]") {
  Eigen::Matrix2d m;
  m << 2, 1, 1, 3;
  CHECK(m.determinant() == Approx(5));
  CHECK((m * m.inverse() - Eigen::Matrix2d::Identity()).norm() < 1e-12);
}

TEST_CASE("The rotation between two directions", "[core]") {
  const auto check = [](const Eigen::Vector3d& from, const Eigen::Vector3d& to) {
    const Eigen::Matrix3d r = posekit::rotation_between<double>(from, to);
    CHECK((r * from.normalized() - to.normalized()).norm() < 1e-7);
    CHECK((r * r.transpose() - Eigen::Matrix3d::Identity()).norm() < 1e-7);
    CHECK(r.determinant() == Approx(1));
    // By no more than the angle between them.
    CHECK(r.trace() == Approx(1 + 2 * from.normalized().dot(to.normalized())).margin(1e-7));
  };
  check({1, 2, 3}, {-3, 1, 0.5});
  check({0, -1, 0}, {0, -5, 0});
  check({0, -2, 0}, {0, 1, 0});
  check({1, 1e-6, 0}, {-1, 0, 1e-6});
  check({0.3, -0.2, 0.1}, {-0.3001, 0.2, -0.1});
}
