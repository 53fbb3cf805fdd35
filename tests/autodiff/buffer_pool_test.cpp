#include <catch2/catch.hpp>

#include <memory>
#include <thread>
#include <vector>

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

TEST_CASE("Recordings of ever other sizes hold no more than a few of them need", "[autodiff]") {
  pk::Tape<float> tape({.threads = 1});
  const auto pass = [&](std::size_t width) {
    const auto x = tape.variable(pk::zeros<float>({1, 64, width, 4}) + 1.0f);
    tape.backward(pk::sum(pk::relu(pk::exp(x * 0.5f))));
    tape.clear();
  };
  pass(400);
  const std::size_t one = tape.pool().held();
  CHECK(one > 2 * 64 * 400 * 4);
  for (std::size_t i = 0; i < 300; ++i) pass(100 + i);
  CHECK(tape.pool().held() <= 2 * one);
  // A huge one is forgotten.
  pass(20000);
  for (std::size_t i = 0; i < 60; ++i) pass(300 + i % 3);
  CHECK(tape.pool().held() <= 4 * one);
  // Sizes that take turns are all kept as long as they are small together.
  pass(400);
  for (std::size_t i = 0; i < 20; ++i) pass(20 + i % 4);
  const std::size_t before = tape.pool().held();
  for (std::size_t i = 0; i < 20; ++i) pass(20 + i % 4);
  CHECK(tape.pool().held() == before);
}

TEST_CASE("Small recordings between large ones, and ends without one, free nothing", "[autodiff]") {
  pk::Tape<float> tape({.threads = 1});
  const auto pass = [&](std::size_t size) {
    const auto x = tape.variable(pk::zeros<float>({size}));
    tape.backward(pk::sum(pk::exp(pk::exp(pk::exp(x)))));
    tape.clear();
  };
  pass(5000);
  const std::size_t held = tape.pool().held();
  CHECK(held >= 3 * 5000);
  for (int i = 0; i < 10; ++i) {
    pass(5000);
    for (int k = 0; k < 3; ++k) pass(3);
    for (int k = 0; k < 9; ++k) tape.clear();
    CHECK(tape.pool().held() >= held);
  }
}

TEST_CASE("Limits within limits count what is taken under both", "[autodiff]") {
  const auto pool = std::make_shared<pk::BufferPool<float>>();
  const pk::ElementLimit<float> outer(*pool, 100, "outer");
  {
    const pk::ElementLimit<float> inner(*pool, 50, "inner");
    (void)pool->take({40});
    CHECK_THROWS_WITH(pool->take({11}), Catch::Contains("10 are left of inner"));
  }
  CHECK_THROWS_WITH(pool->take({61}), Catch::Contains("60 are left of outer"));
  {
    const pk::ElementLimit<float> inner(*pool, 500, "inner");
    CHECK_THROWS_WITH(pool->take({61}), Catch::Contains("60 are left of outer"));
    (void)pool->take({20});
  }
  CHECK_THROWS_WITH(pool->take({41}), Catch::Contains("40 are left of outer"));
}

TEST_CASE("What a pool shared comes back to it from any thread", "[autodiff]") {
  pk::Tape<float> a({.threads = 1});
  std::vector<std::shared_ptr<const pk::Tensor<float>>> shared;
  for (int i = 0; i < 200; ++i) {
    shared.push_back(a.shared_value(pk::exp(a.constant(pk::zeros<float>({64})))));
  }
  a.clear();
  std::thread other([&] {
    pk::Tape<float> b({.threads = 1});
    for (auto& value : shared) {
      CHECK((*b.constant(std::move(value)).value().data()) == 1.0f);
      b.clear();
    }
  });
  for (int i = 0; i < 200; ++i) {
    (void)pk::exp(a.constant(pk::zeros<float>({64})));
    a.clear();
  }
  other.join();
  CHECK(a.pool().held() >= 64);
}

TEST_CASE("A limit of elements holds while it lives", "[autodiff]") {
  const auto pool = std::make_shared<pk::BufferPool<double>>();
  {
    const pk::ElementLimit<double> limit(*pool, 100, "the test's 100");
    auto first = pool->take({60});
    CHECK_THROWS_WITH(pool->take({41}),
                      "a result of shape [41] has 41 elements, and 40 are left of the test's 100");
    (void)pool->take({40});
    CHECK_THROWS_AS(pool->take({1}), pk::ValueError);
  }
  (void)pool->take({1000});
}
