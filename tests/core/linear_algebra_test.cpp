#include <catch2/catch.hpp>

#include <posekit/core/linear_algebra.hpp>

TEST_CASE("Eigen is at hand through one header", "[core]") {
  Eigen::Matrix2d m;
  m << 2, 1, 1, 3;
  CHECK(m.determinant() == Approx(5));
  CHECK((m * m.inverse() - Eigen::Matrix2d::Identity()).norm() < 1e-12);
}
