#include <catch2/catch.hpp>

#include <posekit/pose/universal_scale.hpp>

namespace pk = posekit;

TEST_CASE("The universal scale makes knee to neck 920 mm", "[pose]") {
  const auto& skeleton = pk::skeletons::mpi_inf_3dhp_17;
  pk::Tensor<double> pose = pk::zeros<double>({1, 17, 3});
  pose(0, skeleton.index("left_knee"), 1) = -40;
  pose(0, skeleton.index("left_hip"), 2) = 30;
  pose(0, skeleton.index("spine"), 1) = 20;
  pose(0, skeleton.index("neck"), 1) = 45;
  CHECK(pk::universal_scales(pose, skeleton)[0] == Approx(920.0 / (50 + 20 + 25)));
  CHECK_THROWS_AS(pk::universal_scales(pk::zeros<double>({1, 17, 3}), skeleton), pk::ValueError);
  CHECK_THROWS_WITH(pk::universal_scales(pose, pk::skeletons::coco_17),
                    Catch::Contains("has no joint 'pelvis'"));
}
