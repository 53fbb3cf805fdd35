#include <catch2/catch.hpp>

#include <filesystem>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/reductions.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/models/pose_network.hpp>
#include <posekit/testing/gradient_check.hpp>

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

constexpr std::array<std::string_view, 3> joint_names{"a", "b", "c"};
constexpr std::array<std::int8_t, 3> joint_parents{-1, 0, 1};
constexpr std::array<std::uint8_t, 3> joint_flips{0, 1, 2};
const pk::Skeleton skeleton{"three", joint_names, {}, joint_parents, joint_flips};

/// What somebody's own network may look like: the mean of each channel, as x and y.
struct Means {
  template <class T>
  pk::Var<T> operator()(const pk::Var<T>& images) const {
    const auto mean = pk::mean(images, {2, 3});  // [N, 3]
    const std::size_t batch = images.shape()[0];
    return pk::concatenate(
        std::vector{pk::reshape(mean, {batch, 3, 1}), pk::reshape(mean * T(2), {batch, 3, 1})}, 2);
  }
};

template <class T>
pk::PoseNetwork<T> means(const pk::PoseInput& input) {
  return {{.name = "means", .skeleton = &skeleton, .input = input}, Means{}};
}

}  // namespace

TEMPLATE_TEST_CASE("A struct of one's own is a pose network", "[models]", float, double) {
  using T = TestType;
  const auto network = means<T>({.size = 4,
                                 .size_step = 2,
                                 .min_size = 2,
                                 .mean = {0.1, 0.2, 0.3},
                                 .deviation = {0.5, 0.25, 2}});
  const auto images = random_tensor<T>({2, 3, 4, 6}, 3, 0, 1);
  pk::Tape<T> tape;
  const auto x = tape.variable(images);
  const pk::PoseOutput<T> answer = network.run(x);
  CHECK_FALSE(answer.confidence.has_value());
  CHECK_FALSE(answer.heatmaps.has_value());
  double sum = 0;
  for (std::size_t i = 0; i < 24; ++i) sum += static_cast<double>(images.data()[24 * 4 + i]);
  // The second image's green: its channel is the fifth of all.
  CHECK(static_cast<double>(answer.positions.value()(1, 1, 0)) ==
        Approx((sum / 24 - 0.2) / 0.25).epsilon(1e-5));
  CHECK(answer.positions.value()(1, 1, 1) == 2 * answer.positions.value()(1, 1, 0));
  CHECK(network(x).value() == answer.positions.value());
  pk::Tensor<T> seed = pk::zeros<T>({2, 3, 2});
  seed(0, 2, 0) = 1;
  tape.backward(answer.positions, seed);
  CHECK(static_cast<double>(x.grad()(0, 2, 1, 1)) == Approx(1 / 2.0 / 24));
  CHECK(x.grad()(0, 1, 1, 1) == 0);
  CHECK_THROWS_WITH(network.save("means.safetensors"), Catch::Contains("nothing says how"));
}

TEST_CASE("What a network is shown is checked, and what it answers", "[models]") {
  const auto run = [](const pk::PoseNetwork<float>& network, const pk::Shape& shape) {
    pk::Tape<float> tape;
    return network.run(tape.constant(pk::zeros<float>(shape)));
  };
  const auto network = means<float>({.size = 8});
  CHECK_THROWS_WITH(run(network, {2, 4, 8, 8}),
                    "means: images have shape [2, 4, 8, 8], expected [N, 3, H, W]");
  CHECK_THROWS_AS(run(network, {3, 8, 8}), pk::ShapeError);
  CHECK_THROWS_WITH(run(network, {1, 3, 8, 9}), "means takes images of 8 pixels, not of 9");
  const auto made = [](const auto& model) {
    return pk::PoseNetwork<float>({.name = "wrong", .skeleton = &skeleton, .input = {.size = 8}},
                                  model);
  };
  const auto flat = made([](const pk::Var<float>& x) { return pk::mean(x, {3}); });
  CHECK_THROWS_WITH(run(flat, {1, 3, 8, 8}), Catch::Contains("expected [1, 3, 2 or 3]"));
  const auto unsure = made([](const pk::Var<float>& x) -> pk::PoseOutput<float> {
    return {.positions = Means{}(x), .confidence = pk::zeros<float>({3})};
  });
  CHECK_THROWS_WITH(run(unsure, {1, 3, 8, 8}), Catch::Contains("confidences have shape [3]"));
  const auto flat_maps = made([](const pk::Var<float>& x) -> pk::PoseOutput<float> {
    return {.positions = Means{}(x), .heatmaps = pk::mean(x, {2, 3})};
  });
  CHECK_THROWS_WITH(run(flat_maps, {1, 3, 8, 8}), Catch::Contains("heatmaps have shape [1, 3]"));
  CHECK_THROWS_AS(means<float>({.size = 256, .size_step = 32, .min_size = 100}), pk::ValueError);
  CHECK_THROWS_AS(means<float>({.size = 256, .size_step = 32}), pk::ValueError);
  CHECK_THROWS_WITH(pk::PoseNetwork<float>({.name = "bare"}, Means{}),
                    "PoseNetwork: 'bare' has no skeleton");
  for (const pk::PoseInput& input :
       {pk::PoseInput{.size = 0}, pk::PoseInput{.deviation = {1, 0, 1}},
        pk::PoseInput{.crop_margin = -1}, pk::PoseInput{.mean = {0, NAN, 0}}}) {
    CHECK_THROWS_AS(means<float>(input), pk::ValueError);
  }
}

namespace {

/// Counts how often it is copied.
struct Counted : Means {
  Counted() = default;
  Counted(const Counted& other) : Means(other) { ++copies; }
  Counted(Counted&&) = default;
  static inline int copies = 0;
};

}  // namespace

TEST_CASE("Copies of a network share what it holds", "[models]") {
  const pk::PoseNetwork<float> network(
      {.name = "counted", .skeleton = &skeleton, .input = {.size = 8}}, Counted());
  const int before = Counted::copies;
  const pk::PoseNetwork<float> copy = network, another = copy;
  CHECK(Counted::copies == before);
  CHECK(another.name() == "counted");
}

TEST_CASE("Images are arranged and scaled for a network", "[models]") {
  const std::vector<pk::Tensor<double>> in{random_tensor<double>({2, 3, 4, 5}, 1)};
  for (const pk::PoseInput& input :
       {pk::PoseInput{.mean = {0.5, 0.5, 0.5},
       .deviation = {0.5, 0.5, 0.5},
       .layout = pk::ImageLayout::channels_last},
        pk::PoseInput{.mean = {0.1, 0.5, 0.9},
        .deviation = {2, 0.5, 0.25},
        .layout = pk::ImageLayout::channels_last},
        pk::PoseInput{.mean = {0.1, 0.5, 0.9}, .deviation = {2, 0.5, 0.25}}, pk::PoseInput{}}) {
    const auto f = [&](const auto& v) {
      using T = typename std::decay_t<decltype(v[0])>::value_type;
      return pk::to_network_input<T>(v[0], input);
    };
    const auto gradients = pk::testing::check_gradients(f, in);
    INFO(gradients.message);
    CHECK(gradients.ok);
    pk::Tape<double> tape;
    const auto y = f(std::vector{tape.constant(pk::Tensor<double>(in[0]))}).value();
    const bool last = input.layout == pk::ImageLayout::channels_last;
    for (std::size_t c = 0; c < 3; ++c) {
      CHECK((last ? y(1, 2, 3, c) : y(1, c, 2, 3)) ==
            Approx((in[0](1, c, 2, 3) - input.mean[c]) / input.deviation[c]));
    }
  }
}

TEST_CASE("Sizes whose grid would lie elsewhere are refused", "[models]") {
  const auto fixed = means<float>({.size = 257});
  CHECK(fixed.input().accepts(257));
  CHECK_FALSE(fixed.input().accepts(273));
  CHECK_THROWS_WITH(fixed.require_size(256), "means takes images of 257 pixels, not of 256");
  const auto free = means<float>({.size = 257, .size_step = 16, .min_size = 65});
  CHECK(free.input().accepts(273));
  CHECK(free.input().accepts(65));
  CHECK_FALSE(free.input().accepts(49));
  CHECK_THROWS_WITH(
      free.require_size(288),
      "means takes images of 65, 81, ... pixels, not of 288; the nearest are 273 and 289");
  CHECK_THROWS_WITH(free.require_size(1), Catch::Contains("the nearest are 65 and 81"));
}
