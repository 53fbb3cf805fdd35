#include <catch2/catch.hpp>

#include <thread>

#include <posekit/autodiff/conv2d_filter.hpp>
#include <posekit/kernels/conv2d_geometry.hpp>
#include <posekit/testing/random_tensor.hpp>

namespace pk = posekit;

TEST_CASE("Packed forms are made once and shared by threads", "[autodiff]") {
  const pk::Conv2dFilter<float> filter(pk::testing::random_tensor<float>({3, 3, 5, 7}, 1),
                                       pk::zeros<float>({7}));
  CHECK(filter.kernel_height() == 3);
  CHECK(filter.in_channels() == 5);
  CHECK(filter.out_channels() == 7);
  CHECK(filter.bias_size() == 7);
  CHECK(filter.slope() == nullptr);
  pk::Conv2dGeometry g;
  g.in_channels = 5;
  g.out_channels = 7;
  g.kernel_height = g.kernel_width = 3;
  std::vector<const float*> forward(4);
  std::vector<const void*> backward(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      forward[t] = filter.packed();
      backward[t] = filter.vjp(g).get();
    });
  }
  for (auto& thread : threads) thread.join();
  for (std::size_t t = 1; t < 4; ++t) {
    CHECK(forward[t] == forward[0]);
    CHECK(backward[t] == backward[0]);
  }
  g.stride_height = 2;
  CHECK(filter.vjp(g).get() != backward[0]);
}
