// Real networks against outputs and gradients that were computed independently.

#include <catch2/catch.hpp>

#include <cmath>
#include <fstream>

#include <nlohmann/json.hpp>

#include <posekit/graph/tensorflow/tfjs.hpp>
#include <posekit/io/npy.hpp>

#include "support/shared_data.hpp"

namespace pk = posekit;
using nlohmann::json;

namespace {

/// Every `step`-th element of `a`.
template <class T>
std::vector<double> thin_elements(const pk::Tensor<T>& a, std::size_t step) {
  std::vector<double> kept;
  for (std::size_t i = 0; i < a.size(); i += step) kept.push_back(static_cast<double>(a.data()[i]));
  return kept;
}

/// Every `step`-th pixel, both ways, of `a` [1, H, W, C]; of other shapes everything.
template <class T>
std::vector<double> thin_pixels(const pk::Tensor<T>& a, std::size_t step) {
  if (step == 1) return thin_elements(a, 1);
  std::vector<double> kept;
  for (std::size_t y = 0; y < a.shape()[1]; y += step)
    for (std::size_t x = 0; x < a.shape()[2]; x += step)
      for (std::size_t c = 0; c < a.shape()[3]; ++c)
        kept.push_back(static_cast<double>(a(0, y, x, c)));
  return kept;
}

/// |a - b| / |b|
double relative_l2(const std::vector<double>& a, const pk::Tensor<double>& b) {
  REQUIRE(a.size() == b.size());
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b.data()[i]) * (a[i] - b.data()[i]);
    norm += b.data()[i] * b.data()[i];
  }
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
    const double x = static_cast<double>(value.data()[k * stride]),
                 y = static_cast<double>(value.data()[k * stride + 1]);
    const double score = std::exp(-c * ((x - gx) * (x - gx) + (y - gy) * (y - gy)));
    seed.data()[k * stride] = static_cast<T>(-2 * c * (x - gx) * score);
    seed.data()[k * stride + 1] = static_cast<T>(-2 * c * (y - gy) * score);
    return seed;
  }
  const double beta = target["beta"];
  const std::size_t height = value.shape()[1], width = value.shape()[2],
                    channels = value.shape()[3];
  std::vector<double> p(height * width);
  double top = -1e300, mass = 0, x = 0, y = 0;
  for (std::size_t i = 0; i < p.size(); ++i)
    top = std::max(top, beta * static_cast<double>(value.data()[i * channels + k]));
  for (std::size_t i = 0; i < p.size(); ++i)
    mass += p[i] = std::exp(beta * static_cast<double>(value.data()[i * channels + k]) - top);
  for (std::size_t i = 0; i < p.size(); ++i) {
    p[i] /= mass;
    x += p[i] * static_cast<double>(i % width);
    y += p[i] * static_cast<double>(i / width);
  }
  const double score = std::exp(-c * ((x - gx) * (x - gx) + (y - gy) * (y - gy)));
  for (std::size_t i = 0; i < p.size(); ++i) {
    seed.data()[i * channels + k] =
        static_cast<T>(beta * p[i] * -2 * c * score *
                       ((x - gx) * (static_cast<double>(i % width) - x) +
                        (y - gy) * (static_cast<double>(i / width) - y)));
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
    CHECK(relative_l2(thin_pixels(y[0].value(), output["step"]),
                      pk::load_npy<double>(folder / std::string(output["file"]))) < 1e-4);
  }
  for (const json& target : meta["targets"]) {
    const std::string name = target["tensor"];
    pk::Tape<T> tape;
    const auto x = tape.variable(pk::Tensor<T>(input));
    const auto y = target["feed"].is_null()
                       ? net(x, {name})
                       : net(std::map<std::string, pk::Var<T>>{{target["feed"], x}}, {name});
    const auto seed = score_seed(target, y[0].value());
    tape.backward(y[0], seed);
    // Rounding moves a few rectified units over their kinks, in the reference and here in float,
    // and each moves the gradient (docs/importer.md shows how many, and that nothing else does).
    const double tolerance = sizeof(T) == 8 ? 8e-3 : double(target["tol"]["grad_rel_l2"]);
    INFO(network << " gradient " << std::string(target["id"]));
    CHECK(relative_l2(thin_pixels(x.grad(), target["step"]),
                      pk::load_npy<double>(folder / std::string(target["file"]))) < tolerance);

    // Many cotangents at once take other kernels and give the same.
    pk::Shape stacked_shape = y[0].shape();
    stacked_shape.insert(stacked_shape.begin(), 4);
    pk::Tensor<T> stacked = pk::make_tensor<T>(stacked_shape);
    for (std::size_t k = 0; k < 4; ++k)
      std::copy_n(seed.data(), seed.size(), stacked.data() + k * seed.size());
    const auto together = tape.vjp(y[0], stacked, x);
    pk::Tensor<T> last = pk::make_tensor<T>(x.shape());
    std::copy_n(together.data() + 3 * last.size(), last.size(), last.data());
    CHECK(relative_l2(thin_elements(last, 1), pk::cast<double>(x.grad())) <
          (sizeof(T) == 4 ? 1e-5 : 1e-12));
  }
}

/// A soft pattern in every colour from `low` to `high`, as the programs in tests/golden draw it.
template <class T>
pk::Tensor<T> pattern(std::size_t size, double low, double high) {
  pk::Tensor<T> image = pk::make_tensor<T>({1, size, size, 3});
  for (std::size_t y = 0; y < size; ++y)
    for (std::size_t x = 0; x < size; ++x)
      for (std::size_t c = 0; c < 3; ++c) {
        const auto u = static_cast<double>(x), v = static_cast<double>(y),
                   k = static_cast<double>(c);
        image(0, y, x, c) =
            static_cast<T>(low + (high - low) * (0.5 + 0.3 * std::sin(0.11 * u + 0.05 * v + k) +
                                                 0.2 * std::cos(0.07 * v - 0.13 * u + 2 * k)));
      }
  return image;
}

/// A cotangent of this shape.
template <class T>
pk::Tensor<T> waves(const pk::Shape& shape) {
  pk::Tensor<T> cotangent = pk::make_tensor<T>(shape);
  for (std::size_t i = 0; i < cotangent.size(); ++i)
    cotangent.data()[i] = static_cast<T>(std::cos(static_cast<double>(i)));
  return cotangent;
}

/// One of tests/golden/tfjs/cases.json, which TensorFlow.js computed (make_tfjs.mjs).
template <class T>
void check_tfjs_case(const json& item) {
  const std::string network = item["network"];
  const auto file = model_file(network);
  if (!file) return;
  const auto net = pk::load_tfjs<T>(*file);
  pk::Tape<T> tape;
  const auto x = tape.variable(pattern<T>(item["size"], item["low"], item["high"]));
  std::vector<std::string> names;
  for (const json& output : item["outputs"]) names.push_back(output["tensor"]);
  const auto y = item["feed"].is_null()
                     ? net(x, names)
                     : net(std::map<std::string, pk::Var<T>>{{item["feed"], x}}, names);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const json& output = item["outputs"][i];
    INFO(network << " " << names[i]);
    auto found = thin_elements(y[i].value(), output["step"]);
    auto expected = pk::load_npy<double>(golden_file("tfjs/" + std::string(output["file"])));
    CHECK(relative_l2(found, expected) < 1e-3);
    // But for probabilities near 0, more.
    for (std::size_t k = 0; k < found.size(); ++k) found[k] += 1, expected.data()[k] += 1;
    CHECK(relative_l2(found, expected) < 1e-4);
  }
  tape.backward(y[0], waves<T>(y[0].shape()));
  INFO(network << " gradient");
  const auto expected =
      pk::load_npy<double>(golden_file("tfjs/" + std::string(item["gradient"]["file"])));
  const double tolerance = item["gradient"]["tolerance"];
  CHECK(relative_l2(thin_elements(x.grad(), item["gradient"]["step"]), expected) < tolerance);
}

/// Of those cases the demo's networks, or all others.
void check_tfjs_cases(bool of_demo) {
  const json cases = json::parse(std::ifstream(golden_file("tfjs/cases.json")));
  CHECK(cases.size() == 11);
  for (const json& item : cases) {
    const std::string network = item["network"];
    if ((network == "movenet-lightning" || network == "handlandmark-lite") != of_demo) continue;
    check_tfjs_case<float>(item);
    check_tfjs_case<double>(item);
  }
}

/// The demo's networks against tests/golden/make_networks.py, on the pattern that it draws.
template <class T>
void check_pattern(const std::string& network, const std::string& feed, const std::string& output,
                   std::size_t size, double scale, double output_tolerance,
                   double gradient_tolerance) {
  const auto file = model_file(network);
  if (!file) return;
  const auto net = pk::load_tfjs<T>(*file);
  pk::Tape<T> tape;
  const auto x = tape.variable(pattern<T>(size, 0, scale));
  const auto y = feed.empty() ? net(x, {output})[0]
                              : net(std::map<std::string, pk::Var<T>>{{feed, x}}, {output})[0];
  tape.backward(y, waves<T>(y.shape()));
  INFO(network);
  CHECK(relative_l2(thin_elements(y.value(), 7),
                    pk::load_npy<double>(golden_file("networks/" + network + ".output.npy"))) <
        output_tolerance);
  CHECK(relative_l2(thin_elements(x.grad(), 61),
                    pk::load_npy<double>(golden_file("networks/" + network + ".gradient.npy"))) <
        gradient_tolerance);
}

}  // namespace

TEST_CASE("The demo's networks meet TensorFlow.js on a pattern", "[graph][networks]") {
  check_tfjs_cases(true);
}

TEST_CASE("All networks meet TensorFlow.js on a pattern", "[graph][networks]") {
  check_tfjs_cases(false);
}

TEST_CASE("Networks meet TensorFlow.js's outputs and gradients on photos", "[graph][shared]") {
  const auto golden = shared_folder("golden/tfjs");
  if (!golden) return;
  for (const auto& entry : std::filesystem::directory_iterator(*golden)) {
    if (!entry.is_directory()) continue;
    const std::string name = entry.path().filename().string();
    const std::string network = name.substr(0, name.find('_'));
    check_case<float>(entry.path(), network);
    check_case<double>(entry.path(), network);
  }
}

TEST_CASE("The demo's networks meet PyTorch in double to its last digits, and in float",
          "[graph][networks]") {
  const std::string logits = "StatefulPartitionedCall/kpt_heatmap_0/conv2d_5/BiasAdd";
  check_pattern<double>("movenet-lightning", "StatefulPartitionedCall/stack", logits, 192, 255,
                        1e-11, 1e-9);
  check_pattern<double>("handlandmark-lite", "", "Identity", 224, 1, 1e-11, 1e-9);
  // In float, rounding moves a few rectified units over their kinks.
  check_pattern<float>("movenet-lightning", "StatefulPartitionedCall/stack", logits, 192, 255, 1e-5,
                       8e-3);
  check_pattern<float>("handlandmark-lite", "", "Identity", 224, 1, 1e-5, 8e-3);
}
