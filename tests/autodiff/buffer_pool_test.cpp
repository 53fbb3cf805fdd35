#include <catch2/catch.hpp>

#include <posekit/autodiff/buffer_pool.hpp>

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
