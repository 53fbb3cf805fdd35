#include <catch2/catch.hpp>

#include <posekit/pose/joint_selection.hpp>
#include <posekit/testing/gradient_check.hpp>

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("Joints are selected in any order", "[pose]") {
  const auto f = [](const auto& v) { return pk::select_joints(v[0], {3, 0, 3}); };
  const std::vector<pk::Tensor<double>> in{random_tensor<double>({2, 5, 2}, 1)};
  const auto gradients = pk::testing::check_gradients(f, in);
  INFO(gradients.message);
  CHECK(gradients.ok);
  pk::Tape<double> tape;
  CHECK(f(std::vector{tape.constant(pk::Tensor<double>(in[0]))}).value()(1, 0, 1) ==
        in[0](1, 3, 1));
  CHECK_THROWS_AS(pk::select_joints(tape.constant(pk::zeros<double>({5, 2})), {0}), pk::ShapeError);
  CHECK_THROWS_AS(pk::select_joints(tape.constant(pk::zeros<double>({1, 5, 2})), {5}),
                  pk::ValueError);
}
