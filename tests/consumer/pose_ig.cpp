// The first program somebody writes with posekit.

#include <cmath>
#include <iostream>

#include <posekit/posekit.hpp>

double second_unit();

int main() {
  namespace pk = posekit;
  auto model = [](pk::Var<double> x) {  // [B,3,H,W] -> [B,1,2]
    return pk::soft_argmax(pk::mean(x, {1}, /*keepdims=*/true),
                           {.beta = 5.0, .coordinates = pk::Coordinates::pixel});
  };
  pk::Tensor<double> image = pk::Tensor<double>::from_shape({3, 24, 32});
  image.fill(0.1);
  for (int c = 0; c < 3; ++c) image(c, 9, 20) = 1.0;
  pk::Tensor<double> truth{{{20.0, 9.0}}};  // [1,J,2]
  auto result = pk::pose_ig(model, image, truth,
                            {.sigma = 6.0, .steps = 100, .rule = pk::Quadrature::midpoint});
  auto maps = result.maps();  // [J,H,W], |sum over channels|
  std::cout << pk::diffusion_index(maps)(0) << ' ' << pk::locality_index(maps, truth)(0, 0)
            << ' '  // LI_A(X), [J,J]
            << result.score(0) << ' ' << result.score_baseline(0) << ' '
            << result.completeness_gap(0) << '\n';
  const bool complete =
      result.completeness_gap(0) < 0.01 * std::abs(result.score(0) - result.score_baseline(0));
  const bool local = pk::locality_index(maps, truth)(0, 0) > 10;
  return complete && local && second_unit() == result.score(0) ? 0 : 1;
}
