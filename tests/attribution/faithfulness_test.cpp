#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include <posekit/attribution/faithfulness.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/heatmap/soft_argmax.hpp>
#include <posekit/testing/random_tensor.hpp>

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

/// One joint at the soft-argmax of the image's first channel; counts the images it sees.
struct Model {
  std::size_t* images;
  pk::Var<double> operator()(const pk::Var<double>& x) const {
    *images += x.shape()[0];
    return pk::soft_argmax(pk::slice(x, 1, 0, 1),
                           {.beta = 30, .coordinates = pk::Coordinates::pixel});
  }
};

}  // namespace

TEST_CASE("Deleting what matters moves the joint at once, and as many passes are made as points",
          "[attribution]") {
  pk::Tensor<double> image = pk::zeros<double>({3, 12, 16});
  image(0, 4, 11) = 1;
  const auto fill = pk::zeros<double>({3, 12, 16});
  const pk::Tensor<double> target = pk::tensor_from<double>({1, 2}, std::vector<double>{11, 4});
  pk::Tensor<double> importance = pk::zeros<double>({12, 16});
  importance(4, 11) = 5;
  std::size_t images = 0;
  const Model model{&images};
  const auto order = pk::importance_order(importance);
  CHECK(order[0] == 4 * 16 + 11);
  CHECK(order[1] == 0);
  const auto deletion =
      pk::perturbation_curve(model, image, target, order, fill, {.points = 50, .batch = 7});
  CHECK(images == 50);
  CHECK(deletion.fractions.front() == 0);
  CHECK(deletion.fractions.back() == 1);
  CHECK(deletion.errors(0, 0) < 1e-3);
  const double middle = std::hypot(11 - 7.5, 4 - 5.5);
  for (std::size_t i = 1; i < 50; ++i) CHECK(deletion.errors(i, 0) == Approx(middle));
  CHECK(deletion.area[0] == Approx(middle * (49 - 0.5) / 49));
  // Put back first, it is right at once.
  const auto insertion = pk::perturbation_curve(model, image, target, order, fill,
                                                {.perturbation = pk::Perturbation::insertion});
  CHECK(insertion.errors(0, 0) == Approx(middle));
  CHECK(insertion.errors(1, 0) < 1e-3);
  // In a random order it takes its time: the pixel is 104th of 192 for this seed, or so.
  const auto at_random =
      pk::perturbation_curve(model, image, target, pk::random_order(192, 3), fill);
  CHECK(at_random.area[0] < deletion.area[0]);
}

TEST_CASE("A random order holds every pixel once", "[attribution]") {
  const auto order = pk::random_order(1000, 1);
  CHECK(std::set<std::size_t>(order.begin(), order.end()).size() == 1000);
  CHECK(order == pk::random_order(1000, 1));
  CHECK(order != pk::random_order(1000, 2));
}

TEST_CASE("Structural similarity equals scipy's windows", "[attribution]") {
  pk::Tensor<double> a = pk::make_tensor<double>({17, 23}), b = a;
  for (std::size_t y = 0; y < 17; ++y) {
    for (std::size_t x = 0; x < 23; ++x) {
      const auto u = static_cast<double>(x), v = static_cast<double>(y);
      a(y, x) = std::sin(0.3 * u + 0.1 * v * v / 5);
      b(y, x) = std::cos(0.25 * u) * 0.7 + 0.01 * v;
    }
  }
  CHECK(pk::structural_similarity(a, b) == Approx(0.152983463488172).epsilon(1e-12));
  CHECK(pk::structural_similarity(a, a) == Approx(1));
  CHECK(pk::structural_similarity(pk::zeros<double>({3, 4}), pk::zeros<double>({3, 4})) == 1);
  CHECK(std::isfinite(pk::structural_similarity(random_tensor<double>({1, 1}, 1),
                                                random_tensor<double>({1, 1}, 2))));
}

TEST_CASE("Maps are as alike as they are, whatever their scale", "[attribution]") {
  const auto a = random_tensor<float>({2, 20, 20}, 1, 0, 1);
  pk::Tensor<float> b = a;
  for (std::size_t i = 0; i < 400; ++i) b.data()[i] *= 7;
  for (std::size_t i = 400; i < 800; ++i) b.data()[i] = 1 - b.data()[i];
  const auto s = pk::map_similarity(a, b);
  CHECK(s.ssim[0] == Approx(1).epsilon(1e-6));
  CHECK(s.rank_correlation[0] == Approx(1));
  CHECK(s.rank_correlation[1] == Approx(-1));
  CHECK(s.ssim[1] < 0);
  CHECK(std::isnan(pk::map_similarity(a, pk::zeros<float>({2, 20, 20})).rank_correlation[0]));
}

TEST_CASE("Curves that cannot be are refused in words", "[attribution]") {
  const auto image = pk::zeros<double>({3, 4, 5});
  const auto target = pk::zeros<double>({1, 2});
  std::size_t images = 0;
  const Model model{&images};
  const auto order = pk::random_order(20);
  CHECK_THROWS_WITH(pk::perturbation_curve(model, image, target, pk::random_order(19), image),
                    "perturbation_curve: order has 19 pixels, expected 20");
  CHECK_THROWS_AS(pk::perturbation_curve(model, image, target, order, image, {.points = 1}),
                  pk::ValueError);
  CHECK_THROWS_AS(pk::perturbation_curve(model, image, pk::zeros<double>({2, 2}), order, image),
                  pk::ShapeError);
  CHECK_THROWS_AS(pk::perturbation_curve(model, image, target, order, image,
                                         {.progress = [](const pk::Progress&) { return false; }}),
                  pk::Cancelled);
}
