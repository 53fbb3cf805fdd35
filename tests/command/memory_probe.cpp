// Integrates along a path of as many steps as asked for. usage: memory_probe STEPS

#include <cstdlib>

#include <posekit/attribution/pose_ig.hpp>
#include <posekit/autodiff/convolution.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/heatmap/soft_argmax.hpp>
#include <posekit/kernels/activation_kind.hpp>
#include <posekit/testing/random_tensor.hpp>

namespace pk = posekit;

int main(int argc, char** argv) {
  const std::size_t steps = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 10;
  const auto filter = std::make_shared<const pk::Conv2dFilter<float>>(
      pk::testing::random_tensor<float>({3, 3, 3, 5}, 1));
  const auto model = [&](const pk::Var<float>& x) {
    const auto maps = pk::conv2d(pk::to_channels_last(x), filter,
                                 {.stride = {2, 2}, .activation = pk::Activation::relu});
    return pk::soft_argmax(pk::to_channels_first(maps), {.coordinates = pk::Coordinates::pixel});
  };
  const auto image = pk::testing::random_tensor<float>({3, 192, 192}, 2, 0, 1);
  const auto truth = pk::testing::random_tensor<float>({5, 2}, 3, 20, 25);
  const auto result = pk::pose_ig(model, image, truth, {.sigma = 5, .steps = steps});
  return result.attributions.size() == 5 * 3 * 192 * 192 ? 0 : 1;
}
