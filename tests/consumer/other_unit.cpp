// A second translation unit that includes everything, and computes the same.

#include <posekit/posekit.hpp>

double second_unit() {
  namespace pk = posekit;
  pk::Tensor<double> image = pk::zeros<double>({3, 24, 32});
  image.fill(0.1);
  for (int c = 0; c < 3; ++c) image(c, 9, 20) = 1.0;
  const auto model = [](const pk::Var<double>& x) {
    return pk::soft_argmax(pk::mean(x, {1}, true),
                           {.beta = 5.0, .coordinates = pk::Coordinates::pixel});
  };
  return pk::pose_ig(model, image, pk::Tensor<double>{{{20.0, 9.0}}}, {.sigma = 6.0, .steps = 1})
      .score(0);
}
