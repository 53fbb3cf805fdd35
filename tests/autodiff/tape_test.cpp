#include <catch2/catch.hpp>

#include <thread>
#include <vector>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/functions.hpp>
#include <posekit/autodiff/reductions.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/autodiff/tape.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("A gradient, as in the documentation", "[autodiff]") {
  pk::Tape<double> tape;
  const auto values = random_tensor<double>({3, 5}, 1);
  const pk::Var<double> x = tape.variable(pk::Tensor<double>(values));
  const pk::Var<double> y = pk::sum(x * x);
  CHECK(y.value()() == Approx([&] {
          double sum = 0;
          for (const double v : values) sum += v * v;
          return sum;
        }()));
  tape.backward(y);
  CHECK(relative_difference(x.grad(), pk::Tensor<double>(2 * values)) < 1e-15);
}

TEST_CASE("backward replaces earlier gradients", "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.variable(pk::Tensor<double>{1.0, 2.0});
  const auto unused = tape.variable(pk::Tensor<double>{5.0});
  const auto y = x * 3.0;
  tape.backward(y, pk::Tensor<double>{1.0, 10.0});
  tape.backward(y, pk::Tensor<double>{1.0, 10.0});
  CHECK(x.grad()(0) == 3.0);
  CHECK(x.grad()(1) == 30.0);
  // A variable the output does not depend on has gradient 0.
  CHECK(unused.grad()(0) == 0.0);
}

TEST_CASE("What depends on no variable has no gradient, and that is said", "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.variable(pk::Tensor<double>{1.0, 2.0});
  const auto c = tape.constant(pk::Tensor<double>{1.0, 2.0});
  const auto constant = c * 2.0;
  CHECK_THROWS_WITH(tape.backward(constant, pk::Tensor<double>{1.0, 1.0}),
                    Catch::Contains("depends on no variable"));
  CHECK_THROWS_WITH(tape.vjp(constant, pk::Tensor<double>{{1.0, 1.0}}, x),
                    Catch::Contains("Tape::vjp: the output"));
  CHECK_THROWS_WITH(tape.vjp(x * c, pk::Tensor<double>{{1.0, 1.0}}, c),
                    Catch::Contains("Tape::vjp: the input (constant)"));
}

TEST_CASE("Shapes and gradients that were asked for survive what is recorded later", "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.variable(pk::Tensor<double>{1.0, 2.0});
  tape.backward(x * x, pk::Tensor<double>{1.0, 1.0});
  const auto& shape = x.shape();
  const auto& gradient = x.grad();
  auto y = x * 2.0;
  for (int i = 0; i < 1000; ++i) y = y * 1.0;
  CHECK(shape == pk::Shape{2});
  CHECK(gradient(1) == 4.0);
}

TEST_CASE("Constants cost nothing", "[autodiff]") {
  pk::Tape<float> tape;
  const auto a = tape.constant(pk::Tensor<float>{1.0f, 2.0f});
  int calls = 0;
  const auto y = tape.record("probe", pk::Tensor<float>{3.0f, 4.0f}, {a},
                             [&](pk::Pullback<float>&) { ++calls; });
  CHECK_FALSE(y.requires_grad());
  const auto x = tape.variable(pk::Tensor<float>{1.0f, 1.0f});
  const auto z = x * y;
  CHECK(z.requires_grad());
  tape.backward(pk::sum(z));
  CHECK(calls == 0);
  CHECK(x.grad()(1) == 4.0f);
  CHECK_THROWS_WITH(a.grad(), Catch::Contains("no gradient is kept"));
}

TEST_CASE("A value used twice receives both cotangents", "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.variable(pk::Tensor<double>{2.0});
  const auto y = x + x;      // the same operand twice
  const auto z = y * x + y;  // a diamond
  tape.backward(pk::sum(z));
  CHECK(x.grad()(0) == Approx(4 * 2.0 + 2));  // d(2x^2 + 2x)
}

TEST_CASE("Several products on one forward pass equal single ones", "[autodiff]") {
  for (const std::size_t per_pass : {1u, 2u, 3u, 100u}) {
    pk::Tape<double> tape({.threads = 1, .seeds_per_pass = per_pass});
    const auto x = tape.variable(random_tensor<double>({4, 3}, 1));
    const auto y = pk::exp(x) * x + pk::transpose(pk::transpose(x, {1, 0}), {1, 0});
    auto seeds = random_tensor<double>({7, 4, 3}, 2);
    for (std::size_t i = 0; i < 12; ++i) seeds.flat(3 * 12 + i) = 0;  // one of them is zero
    const auto together = tape.vjp(y, seeds, x);
    CHECK(pk::shape_of(together) == pk::Shape{7, 4, 3});
    for (std::size_t k = 0; k < 7; ++k) {
      pk::Tensor<double> seed = pk::make_tensor<double>({4, 3});
      std::copy_n(seeds.data() + k * 12, 12, seed.data());
      tape.backward(y, seed);
      for (std::size_t i = 0; i < 12; ++i)
        CHECK(together.flat(k * 12 + i) == Approx(x.grad().flat(i)).margin(1e-14));
    }
  }
}

TEST_CASE("vjp reaches intermediate nodes, leaves gradients alone, and may find no way",
          "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.variable(pk::Tensor<double>{1.0, 2.0});
  const auto other = tape.variable(pk::Tensor<double>{1.0, 2.0});
  const auto middle = x * 2.0;
  const auto y = middle * middle;
  tape.backward(y, pk::Tensor<double>{1.0, 1.0});
  const auto g = tape.vjp(y, pk::Tensor<double>{{1.0, 0.0}, {0.0, 1.0}}, middle);
  CHECK(g(0, 0) == 4.0);
  CHECK(g(1, 1) == 8.0);
  CHECK(g(0, 1) == 0.0);
  CHECK(x.grad()(1) == 16.0);
  CHECK(pk::shape_of(tape.vjp(y, pk::zeros<double>({0, 2}), x)) == pk::Shape{0, 2});
  CHECK(tape.vjp(y, pk::Tensor<double>{{1.0, 1.0}}, other)(0, 1) == 0.0);
}

TEST_CASE("Gradients of intermediate nodes are kept where asked", "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.variable(pk::Tensor<double>{3.0});
  const auto y = x * 2.0;
  const auto z = pk::reshape(y, {1, 1});
  CHECK_THROWS_AS(y.grad(), pk::Error);
  tape.retain_grad(y);
  tape.retain_grad(z);
  CHECK_THROWS_WITH(y.grad(), Catch::Contains("backward has not been called"));
  tape.backward(pk::sum(z * z));
  CHECK(z.grad()(0, 0) == 12.0);
  CHECK(y.grad()(0) == 12.0);
  CHECK(x.grad()(0) == 24.0);
}

TEST_CASE("Mistakes are told in words", "[autodiff]") {
  pk::Tape<double> tape, other;
  const auto x = tape.variable(random_tensor<double>({2, 3}, 1));
  const auto foreign = other.variable(random_tensor<double>({2, 3}, 1));
  CHECK_THROWS_WITH(x + foreign, Catch::Contains("another tape"));
  CHECK_THROWS_WITH(tape.backward(x), Catch::Contains("expected one element"));
  CHECK_THROWS_WITH(tape.backward(x, pk::zeros<double>({3, 2})),
                    Catch::Contains("seed has shape [3, 2], expected [2, 3]"));
  CHECK_THROWS_WITH(tape.vjp(x, pk::zeros<double>({4, 3, 2}), x),
                    Catch::Contains("seeds has shape [4, 3, 2], expected [4, 2, 3]"));
  CHECK_THROWS_WITH(pk::Var<double>().value(), Catch::Contains("empty handle"));
  CHECK_THROWS_WITH(x.grad(), Catch::Contains("has not been called"));
  tape.clear();
  CHECK_THROWS_WITH(x.value(), Catch::Contains("before the tape was cleared"));
  const auto y = tape.variable(random_tensor<double>({2}, 1));
  CHECK_THROWS_AS(x.value(), pk::Error);  // though the tape has an entry of that number again
  tape.release_value(y);
  CHECK_THROWS_WITH(y.value(), Catch::Contains("released"));
}

TEST_CASE("A released value is kept for the derivative, and its buffer is used again",
          "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.variable(random_tensor<double>({50}, 1));
  auto y = pk::exp(x);
  const double* memory = y.value().data();
  const auto z = y * 2.0;
  tape.release_value(y);
  tape.backward(pk::sum(z));
  CHECK(x.grad()(7) == Approx(2 * std::exp(x.value()(7))));
  tape.clear();
  bool reused = false;
  std::vector<pk::Var<double>> kept;
  for (int i = 0; i < 4; ++i) {
    kept.push_back(tape.constant(tape.pool().take({50})));
    reused = reused || kept.back().value().data() == memory;
  }
  CHECK(reused);
}

TEST_CASE("A long chain needs no stack", "[autodiff]") {
  pk::Tape<float> tape;
  const auto x = tape.variable(pk::Tensor<float>{1.0f});
  auto y = x;
  for (int i = 0; i < 100000; ++i) y = y + 1.0f;
  tape.backward(pk::sum(y));
  CHECK(x.grad()(0) == 1.0f);
}

TEST_CASE("Threads have a tape each", "[autodiff]") {
  std::vector<double> results(6);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < results.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int repeat = 0; repeat < 20; ++repeat) {
        pk::Tape<double> tape({.threads = 1});
        const auto x = tape.variable(random_tensor<double>({17, 5}, t));
        tape.backward(pk::sum(pk::exp(x) * x));
        results[t] = x.grad()(3, 2);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (std::size_t t = 0; t < results.size(); ++t) {
    const double v = random_tensor<double>({17, 5}, t)(3, 2);
    CHECK(results[t] == Approx(std::exp(v) * (1 + v)));
  }
}

TEST_CASE("Users record operations of their own", "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.variable(pk::Tensor<double>{0.5, -1.0});
  const auto saved = tape.shared_value(x);
  pk::Tensor<double> value = pk::make_tensor<double>({2});
  for (std::size_t i = 0; i < 2; ++i) value(i) = std::sin((*saved)(i));
  const auto y = tape.record("sine", std::move(value), {x}, [saved](pk::Pullback<double>& p) {
    const auto target = p.target(0);
    if (!target) return;
    for (std::size_t i = 0; i < p.count() * 2; ++i) {
      const double g = p.cotangent()[i] * std::cos(saved->data()[i % 2]);
      target.data[i] = target.accumulate ? target.data[i] + g : g;
    }
  });
  tape.backward(pk::sum(y + x));
  CHECK(x.grad()(0) == Approx(std::cos(0.5) + 1));
}

TEST_CASE("A shared value is a variable without being copied", "[autodiff]") {
  const auto value = std::make_shared<const pk::Tensor<double>>(random_tensor<double>({2, 3}, 1));
  pk::Tape<double> tape;
  const auto x = tape.variable(value);
  CHECK(x.value().data() == value->data());
  tape.backward(pk::sum(x * x));
  CHECK(x.grad()(1, 2) == 2 * (*value)(1, 2));
}

TEST_CASE("A derivative that throws leaves a tape that works", "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.variable(pk::Tensor<double>{1.0, 2.0});
  const auto bad =
      tape.record("bad", pk::Tensor<double>{1.0, 1.0}, {x}, [](pk::Pullback<double>& p) {
        p.target(0);
        throw pk::ValueError("no");
      });
  const auto good = x * 3.0;
  CHECK_THROWS_AS(tape.backward(bad, pk::Tensor<double>{1.0, 1.0}), pk::ValueError);
  const auto products = tape.vjp(good, pk::Tensor<double>{{1.0, 0.0}, {0.0, 2.0}, {1.0, 1.0}}, x);
  CHECK(products(1, 1) == 6.0);
  CHECK(products(2, 0) == 3.0);
  tape.backward(good, pk::Tensor<double>{1.0, 2.0});
  CHECK(x.grad()(1) == 6.0);
}

TEST_CASE("A tensor given as a parameter is one variable until the tape is cleared", "[autodiff]") {
  const auto first = std::make_shared<const pk::Tensor<double>>(pk::Tensor<double>{1.0, 2.0});
  const auto second = std::make_shared<const pk::Tensor<double>>(pk::Tensor<double>{1.0, 2.0});
  pk::Tape<double> tape;
  CHECK(tape.parameter_gradient(*first) == nullptr);
  const auto x = tape.parameter(first);
  CHECK(x.value().data() == first->data());
  CHECK(tape.parameter(first).value().data() == first->data());
  CHECK(tape.size() == 1);
  const auto other = tape.parameter(second);  // of equal value, but another
  CHECK(tape.size() == 2);
  const auto y = pk::sum(tape.parameter(first) * x * 3.0);
  tape.backward(y);
  REQUIRE(tape.parameter_gradient(*first) != nullptr);
  CHECK((*tape.parameter_gradient(*first))(1) == 12.0);
  CHECK(tape.parameter_gradient(*second) == nullptr);
  // It may be changed; the handle sees it.
  (*tape.parameter_gradient(*first))(1) = 5.0;
  CHECK(x.grad()(1) == 5.0);
  CHECK(tape.vjp(y, pk::Tensor<double>{2.0}, x)(0, 1) == 24.0);
  tape.backward(pk::sum(other));
  CHECK(tape.parameter_gradient(*first) == nullptr);
  CHECK((*tape.parameter_gradient(*second))(0) == 1.0);
  tape.clear();
  CHECK(tape.parameter_gradient(*second) == nullptr);
  CHECK_THROWS_WITH(x.value(), Catch::Contains("before the tape was cleared"));
  CHECK(tape.parameter(second).value().data() == second->data());
}
