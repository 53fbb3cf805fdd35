#include <catch2/catch.hpp>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/buffer_pool.hpp>
#include <posekit/autodiff/functions.hpp>
#include <posekit/autodiff/matmul.hpp>
#include <posekit/autodiff/reductions.hpp>
#include <posekit/autodiff/tape.hpp>

namespace pk = posekit;

TEST_CASE("Buffers come back and are taken again", "[autodiff]") {
  const auto pool = std::make_shared<pk::BufferPool<float>>();
  auto tensor = pool->take({3, 4});
  const float* memory = tensor.data();
  pool->give(std::move(tensor));
  auto again = pool->take({2, 6});
  CHECK(again.data() == memory);
  CHECK(pk::shape_of(again) == pk::Shape{2, 6});
  auto shared = pool->share(std::move(again));
  auto second_owner = shared;
  shared.reset();
  CHECK(pool->take({12}).data() != memory);
  second_owner.reset();
  CHECK(pool->take({12}).data() == memory);
}

TEST_CASE("A pool does not hold more than was taken from it at once", "[autodiff]") {
  const auto pool = std::make_shared<pk::BufferPool<float>>();
  for (int i = 0; i < 5; ++i) pool->give(pk::make_tensor<float>({4}));
  CHECK(pool->held() == 0);
  auto one = pool->take({4}), two = pool->take({4});
  for (int i = 0; i < 5; ++i) pool->give(pk::make_tensor<float>({2, 2}));
  CHECK(pool->held() == 8);
  pool->trim();
  CHECK(pool->held() == 0);
}

TEST_CASE("A loop of equal passes over new inputs holds no more after many than after two",
          "[autodiff]") {
  pk::Tape<double> tape;
  std::size_t after_two = 0;
  for (int step = 0; step < 20; ++step) {
    const auto x = tape.constant(pk::zeros<double>({5, 3}));
    const auto w = tape.variable(pk::zeros<double>({3, 5}));
    tape.backward(pk::sum(pk::square(pk::matmul(x, w))));
    tape.clear();
    if (step == 1) after_two = tape.pool().held();
  }
  CHECK(tape.pool().held() == after_two);
}

TEST_CASE("A shared buffer may outlive its pool", "[autodiff]") {
  auto pool = std::make_shared<pk::BufferPool<double>>();
  auto shared = pool->share(pool->take({5}));
  auto bytes = pool->bytes(9);
  pool.reset();
  CHECK(shared->size() == 5);
  CHECK(bytes->size() == 9);
  for (const auto byte : *bytes) CHECK(byte == 0);
}

TEST_CASE("Bytes are zeroed every time", "[autodiff]") {
  const auto pool = std::make_shared<pk::BufferPool<double>>();
  {
    const auto bytes = pool->bytes(33);
    std::fill(bytes->begin(), bytes->end(), std::uint8_t{255});
  }
  const auto bytes = pool->bytes(33);
  for (const auto byte : *bytes) CHECK(byte == 0);
  pool->trim();
}
