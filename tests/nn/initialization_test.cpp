#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <posekit/nn/dropout.hpp>
#include <posekit/nn/initialization.hpp>

#include "nn/module_case.hpp"
#include "nn/network.hpp"

namespace pk = posekit;
namespace nn = posekit::nn;
using Scheme = nn::Initialization;

namespace {

struct Moments {
  double mean = 0, variance = 0, kurtosis = 0, largest = 0;
};

template <class T>
Moments moments(const pk::Tensor<T>& t) {
  Moments m;
  const double n = static_cast<double>(t.size());
  for (const T v : t) m.mean += static_cast<double>(v) / n;
  double fourth = 0;
  for (const T v : t) {
    const double d = static_cast<double>(v) - m.mean;
    m.variance += d * d / n;
    fourth += d * d * d * d / n;
    m.largest = std::max(m.largest, std::abs(static_cast<double>(v)));
  }
  m.kurtosis = fourth / (m.variance * m.variance);
  return m;
}

/// Five deviations of what mean and variance of so many numbers scatter by.
void check_distribution(const pk::Tensor<double>& t, double variance, bool normal) {
  const Moments m = moments(t);
  const double n = static_cast<double>(t.size()), kurtosis = normal ? 3.0 : 1.8;
  CHECK(std::abs(m.mean) < 5 * std::sqrt(variance / n));
  CHECK(std::abs(m.variance / variance - 1) < 5 * std::sqrt((kurtosis - 1) / n));
  CHECK(m.kurtosis == Approx(kurtosis).margin(0.15));
  if (!normal) {
    CHECK(m.largest <= std::sqrt(3 * variance));
    CHECK(m.largest > 0.999 * std::sqrt(3 * variance));
  }
}

pk::Tensor<double> drawn(Scheme scheme, const pk::Shape& shape, std::uint64_t seed = 1,
                         const std::string& name = "weight") {
  auto weight = pk::make_tensor<double>(shape);
  nn::initialize_weight(weight, name, {.scheme = scheme, .seed = seed});
  return weight;
}

const Scheme schemes[] = {Scheme::kaiming_normal_out, Scheme::kaiming_normal_in,
                          Scheme::kaiming_uniform_in, Scheme::xavier_uniform,
                          Scheme::xavier_normal,      Scheme::orthogonal};

struct TwoDropouts {
  using value_type = float;
  nn::Dropout<float> first{0.5}, second{0.5};
  void visit(nn::ModuleVisitor<float>& v) {
    v("first", first);
    v("second", second);
  }
};

}  // namespace

TEST_CASE("Connections are counted as PyTorch counts them", "[nn]") {
  const auto check = [](const pk::Shape& shape, double in, double out) {
    const nn::Fans fans = nn::fans(shape);
    CHECK(fans.in == in);
    CHECK(fans.out == out);
  };
  check({7, 5}, 5, 7);
  check({8, 3, 5, 2}, 30, 80);
  check({2, 3, 4, 5, 6}, 360, 240);
  CHECK_THROWS_AS(nn::fans({5}), pk::ShapeError);
  CHECK_THROWS_WITH(nn::fans({5}),
                    "fans: weight has shape [5], expected at least 2 axes [out, in, kernel...]");
}

TEST_CASE("Initial values have the distributions of the papers", "[nn]") {
  const pk::Shape shape{64, 90, 3, 3};  // 51840 numbers; fans 810 and 576
  check_distribution(drawn(Scheme::kaiming_normal_out, shape), 2.0 / 576, true);
  check_distribution(drawn(Scheme::kaiming_normal_in, shape), 2.0 / 810, true);
  check_distribution(drawn(Scheme::kaiming_uniform_in, shape), 1.0 / (3 * 810), false);
  check_distribution(drawn(Scheme::xavier_uniform, shape), 2.0 / (810 + 576), false);
  check_distribution(drawn(Scheme::xavier_normal, shape), 2.0 / (810 + 576), true);
  auto weight = pk::make_tensor<double>(shape);
  nn::kaiming_uniform(weight, nn::Fan::out, 3, 0, 5.0 / 3.0);
  check_distribution(weight, 25.0 / 9.0 / 576, false);
  nn::xavier_normal(weight, 3, 0, 2.0);
  check_distribution(weight, 8.0 / (810 + 576), true);
  nn::fill_normal(weight, 4.0, 0.5, 9);
  check_distribution(pk::Tensor<double>(weight - 4.0), 0.25, true);
  nn::fill_uniform(weight, 2.0, 3.0, 9);
  check_distribution(pk::Tensor<double>(weight - 2.5), 1.0 / 12, false);
}

TEST_CASE("Orthogonal weights have orthonormal rows, or columns", "[nn]") {
  for (const pk::Shape& shape :
       {pk::Shape{24, 60}, pk::Shape{60, 24}, pk::Shape{16, 2, 3, 3}, pk::Shape{100, 100}}) {
    const auto q = drawn(Scheme::orthogonal, shape, 4);
    const std::size_t rows = shape[0], columns = q.size() / rows;
    const std::size_t count = std::min(rows, columns), length = std::max(rows, columns);
    double worst = 0;
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t j = 0; j < count; ++j) {
        double product = 0;
        for (std::size_t k = 0; k < length; ++k) {
          product += rows <= columns ? q.flat(i * columns + k) * q.flat(j * columns + k)
                                     : q.flat(k * columns + i) * q.flat(k * columns + j);
        }
        worst = std::max(worst, std::abs(product - (i == j ? 1.0 : 0.0)));
      }
    }
    CHECK(worst < 1e-14);
  }
  auto scaled = pk::make_tensor<double>({3, 5});
  nn::orthogonal(scaled, 2, 0, 2.0);
  double norm = 0;
  for (std::size_t k = 0; k < 5; ++k) norm += scaled(1, k) * scaled(1, k);
  CHECK(norm == Approx(4.0));
  // A number is 1 or -1; both come up.
  int ups = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const double q = drawn(Scheme::orthogonal, {1, 1}, seed)(0, 0);
    CHECK(std::abs(std::abs(q) - 1) < 1e-15);
    ups += q > 0;
  }
  CHECK(ups > 2);
  CHECK(ups < 18);
}

TEST_CASE("Initial values are functions of seed and name", "[nn]") {
  for (const Scheme scheme : schemes) {
    const auto weight = drawn(scheme, {12, 9, 3, 1}, 5, "a.weight");
    CHECK(identical(weight, drawn(scheme, {12, 9, 3, 1}, 5, "a.weight")));
    CHECK_FALSE(identical(weight, drawn(scheme, {12, 9, 3, 1}, 6, "a.weight")));
    CHECK_FALSE(identical(weight, drawn(scheme, {12, 9, 3, 1}, 5, "b.weight")));
    // In float the same, rounded.
    auto rounded = pk::make_tensor<float>({12, 9, 3, 1});
    nn::initialize_weight(rounded, "a.weight", {.scheme = scheme, .seed = 5});
    CHECK(identical(rounded, pk::cast<float>(weight)));
  }
  // FNV-1a's published values.
  CHECK(nn::name_stream("") == 0xcbf29ce484222325u);
  CHECK(nn::name_stream("a") == 0xaf63dc4c8601ec8cu);
  CHECK(nn::name_stream("foobar") == 0x85944171f73967e8u);
}

TEST_CASE("Layers that drop elements get seeds of their own", "[nn]") {
  TwoDropouts two, again, other;
  nn::initialize(two, {.seed = 3});
  nn::initialize(again, {.seed = 3});
  nn::initialize(other, {.seed = 4});
  CHECK(two.first.seed != two.second.seed);
  CHECK(two.first.seed == again.first.seed);
  CHECK(two.first.seed != other.first.seed);
}

TEST_CASE("Initial values do not depend on threads", "[nn]") {
  std::vector<pk::Tensor<double>> results;
  for (const int threads : {1, 3}) {
    std::thread([&] {
      pk::limit_threads_of_this_thread(threads);
      results.push_back(drawn(Scheme::kaiming_normal_in, {40, 900}));
      results.push_back(drawn(Scheme::xavier_uniform, {40, 900}));
    }).join();
  }
  CHECK(identical(results[0], results[2]));
  CHECK(identical(results[1], results[3]));
}

TEST_CASE("A module's weights are drawn by their names, its biases are 0", "[nn]") {
  auto net = network<double>();
  for (const auto& [name, parameter] : nn::parameters(net)) parameter->mutable_value() += 3.0;
  nn::initialize(net, {.scheme = Scheme::xavier_normal, .seed = 7});
  for (const auto& [name, parameter] : nn::parameters(net)) {
    INFO(name);
    const auto& value = parameter->value();
    const pk::Shape shape = pk::shape_of(value);
    if (shape.size() >= 2) {
      CHECK(identical(value, drawn(Scheme::xavier_normal, shape, 7, name)));
    } else if (name.ends_with(".bias")) {
      CHECK(identical(value, pk::zeros<double>(shape)));
    } else {
      // Scales of normalisations and slopes stay.
      CHECK(value(0) == (name == "10.module.0.weight" ? 3.25 : 4.0));
    }
  }
  for (const auto& [name, buffer] : nn::buffers(net)) {
    if (name.ends_with("running_var"))
      CHECK(identical(buffer->value,
                      pk::Tensor<double>(pk::zeros<double>(pk::shape_of(buffer->value)) + 1.0)));
  }
  // Another layer somewhere changes no other one's.
  auto fresh = network<double>(), longer = network<double>();
  nn::initialize(fresh, {.scheme = Scheme::xavier_normal, .seed = 7});
  longer.add(conv<double>(3, 3, 1));
  nn::initialize(longer, {.scheme = Scheme::xavier_normal, .seed = 7});
  const auto expected = nn::parameters(fresh), found = nn::parameters(longer);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(identical(expected[i].parameter->value(), found[i].parameter->value()));
  }
}
