// Real networks against outputs and gradients that were computed independently.

#include <catch2/catch.hpp>

#include <cmath>
#include <fstream>

#include <nlohmann/json.hpp>

#include <posekit/graph/tfjs.hpp>
#include <posekit/io/npy.hpp>

#include "support/shared_data.hpp"

namespace pk = posekit;
using nlohmann::json;

namespace {

/// Relative L2 distance of `a` [1, H, W, C], thinned to every `step`-th pixel, from `b`.
template <class T>
double relative_l2(const pk::Tensor<T>& a, const pk::Tensor<double>& b, std::size_t step) {
  double difference = 0, norm = 0;
  std::size_t k = 0;
  const auto compare = [&](T value) {
    const double reference = b.data()[k++];
    difference += (static_cast<double>(value) - reference) * (static_cast<double>(value) - reference);
    norm += reference * reference;
  };
  if (step == 1) {
    for (std::size_t i = 0; i < a.size(); ++i) compare(a.data()[i]);
  } else {
    for (std::size_t y = 0; y < a.shape()[1]; y += step)
      for (std::size_t x = 0; x < a.shape()[2]; x += step)
        for (std::size_t c = 0; c < a.shape()[3]; ++c) compare(a(0, y, x, c));
  }
  REQUIRE(k == b.size());
  return std::sqrt(difference / norm);
}

/// dS/d(output) for the score of a case's meta.json.
template <class T>
pk::Tensor<T> score_seed(const json& target, const pk::Tensor<T>& value) {
  pk::Tensor<T> seed = pk::zeros<T>(pk::shape_of(value));
  const double c = target["c"], gx = target["g"][0], gy = target["g"][1];
  const std::size_t k = target["k"];
  if (target["kind"] == "point") {
    const std::size_t stride = target["stride"];
    const double x = static_cast<double>(value.data()[k * stride]), y = static_cast<double>(value.data()[k * stride + 1]);
    const double score = std::exp(-c * ((x - gx) * (x - gx) + (y - gy) * (y - gy)));
    seed.data()[k * stride] = static_cast<T>(-2 * c * (x - gx) * score);
    seed.data()[k * stride + 1] = static_cast<T>(-2 * c * (y - gy) * score);
    return seed;
  }
  const double beta = target["beta"];
  const std::size_t height = value.shape()[1], width = value.shape()[2], channels = value.shape()[3];
  std::vector<double> p(height * width);
  double top = -1e300, mass = 0, x = 0, y = 0;
  for (std::size_t i = 0; i < p.size(); ++i) top = std::max(top, beta * static_cast<double>(value.data()[i * channels + k]));
  for (std::size_t i = 0; i < p.size(); ++i) mass += p[i] = std::exp(beta * static_cast<double>(value.data()[i * channels + k]) - top);
  for (std::size_t i = 0; i < p.size(); ++i) {
    p[i] /= mass;
    x += p[i] * static_cast<double>(i % width);
    y += p[i] * static_cast<double>(i / width);
  }
  const double score = std::exp(-c * ((x - gx) * (x - gx) + (y - gy) * (y - gy)));
  for (std::size_t i = 0; i < p.size(); ++i) {
    seed.data()[i * channels + k] = static_cast<T>(
        beta * p[i] * -2 * c * score * ((x - gx) * (static_cast<double>(i % width) - x) + (y - gy) * (static_cast<double>(i / width) - y)));
  }
  return seed;
}

template <class T>
void check_case(const std::filesystem::path& folder, const std::string& network) {
  const auto file = model_file(network);
  if (!file) return;
  const json meta = json::parse(std::ifstream(folder / "meta.json"));
  const auto net = pk::load_tfjs<T>(*file);
  auto input = pk::load_npy<T>(folder / "input_u8.npy");
  const float divisor = meta["input"]["div"], subtrahend = meta["input"]["sub"];
  for (auto& v : input) v = static_cast<T>(static_cast<float>(v) / divisor - subtrahend);

  for (const json& output : meta["outputs"]) {
    const std::string name = output["tensor"];
    INFO(network << " " << name);
    pk::Tape<T> tape;
    const std::vector<pk::Var<T>> y = net(tape.constant(pk::Tensor<T>(input)), {name});
    CHECK(relative_l2(y[0].value(), pk::load_npy<double>(folder / std::string(output["file"])), output["step"]) < 1e-4);
  }
  for (const json& target : meta["targets"]) {
    const std::string name = target["tensor"];
    pk::Tape<T> tape;
    const auto x = tape.variable(pk::Tensor<T>(input));
    const auto y = target["feed"].is_null() ? net(x, {name}) : net(std::map<std::string, pk::Var<T>>{{target["feed"], x}}, {name});
    const auto seed = score_seed(target, y[0].value());
    tape.backward(y[0], seed);
    // The reference's own float32 signs of a handful of rectifiers differ from exact ones, which moves
    // a gradient by up to 7e-3 (docs/importer.md shows which).
    INFO(network << " gradient " << std::string(target["id"]));
    CHECK(relative_l2(x.grad(), pk::load_npy<double>(folder / std::string(target["file"])), target["step"]) < 8e-3);

    // Many cotangents at once take other kernels and give the same.
    pk::Shape stacked_shape = y[0].shape();
    stacked_shape.insert(stacked_shape.begin(), 4);
    pk::Tensor<T> stacked = pk::make_tensor<T>(stacked_shape);
    for (std::size_t k = 0; k < 4; ++k) std::copy_n(seed.data(), seed.size(), stacked.data() + k * seed.size());
    const auto together = tape.vjp(y[0], stacked, x);
    pk::Tensor<T> last = pk::make_tensor<T>(x.shape());
    std::copy_n(together.data() + 3 * last.size(), last.size(), last.data());
    CHECK(relative_l2(last, pk::cast<double>(x.grad()), 1) < (sizeof(T) == 4 ? 1e-5 : 1e-12));
  }
}

}  // namespace

TEST_CASE("Networks meet the reference's outputs and gradients", "[graph]") {
  const auto golden = shared_folder("golden/tfjs");
  if (!golden) return;
  for (const auto& entry : std::filesystem::directory_iterator(*golden)) {
    if (!entry.is_directory()) continue;
    const std::string name = entry.path().filename().string();
    const std::string network = name.substr(0, name.find('_'));
    check_case<float>(entry.path(), network);
  }
}

TEST_CASE("In double, two small networks meet them too", "[graph]") {
  const auto golden = shared_folder("golden/tfjs");
  if (!golden) return;
  check_case<double>(*golden / "posenet_257_coco785", "posenet");
  check_case<double>(*golden / "movenet-lightning_192_coco785", "movenet-lightning");
}
