#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include <posekit/batches/pose_batch.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "batches/pose_batch_examples.hpp"
#include "support/close.hpp"

namespace pk = posekit;

namespace {

constexpr float unknown = std::numeric_limits<float>::quiet_NaN();
constexpr std::size_t width = 14, height = 10;

std::vector<pk::PoseExample> three_examples() {
  std::vector<pk::PoseExample> examples;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    examples.push_back(scattered_example(pk::skeletons::coco_17, width, height, seed,
                                         {.fx = 50, .fy = 48, .cx = 6, .cy = 4.5}));
  }
  // The second has two dimensions only.
  for (std::size_t j = 0; j < 17; ++j) examples[1].joints(j, 2) = unknown;
  examples[1].three_dimensional = false;
  examples[1].positions = pk::Tensor<float>();
  examples[1].mask = pk::Tensor<float>();
  // Of the third, one joint is not known.
  for (std::size_t a = 0; a < 3; ++a) examples[2].joints(5, a) = unknown;
  examples[2].visible(5) = 0;
  return examples;
}

template <class Error>
std::string error_of(const std::vector<pk::PoseExample>& examples) {
  const std::vector<std::size_t> indices{40, 50, 60};
  try {
    (void)pk::pose_batch<float>(examples, {}, indices);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEMPLATE_TEST_CASE("Examples are joined to a batch", "[batches]", float, double) {
  using T = TestType;
  const auto examples = three_examples();
  const std::vector<std::size_t> indices{7, 3, 5};
  const auto batch = pk::pose_batch<T>(examples, {}, indices);
  CHECK(pk::shape_of(batch.images) == pk::Shape{3, 3, height, width});
  CHECK(pk::shape_of(batch.targets) == pk::Shape{3, 17, 3});
  CHECK(pk::shape_of(batch.visible) == pk::Shape{3, 17});
  CHECK(pk::shape_of(batch.positions) == pk::Shape{3, 17, 3});
  CHECK(batch.indices == indices);
  CHECK(pk::pose_batch<T>(examples).indices == std::vector<std::size_t>{0, 1, 2});
  CHECK(batch.cameras[2].fy == 48);
  CHECK(batch.root_depths == std::vector<double>{4000, 4000, 4000});
  CHECK(batch.three_dimensional == pk::Tensor<T>{1, 0, 1});

  const double x = static_cast<double>(examples[0].joints(4, 0));
  const double y = static_cast<double>(examples[0].joints(4, 1));
  const double z = static_cast<double>(examples[0].joints(4, 2));
  CHECK(batch.targets(0, 4, 0) == Approx((2 * x + 1) / 14 - 1).margin(1e-6));
  CHECK(batch.targets(0, 4, 1) == Approx((2 * y + 1) / 10 - 1).margin(1e-6));
  CHECK(batch.targets(0, 4, 2) == Approx(2 * z / 14).margin(1e-6));
  for (std::size_t j = 0; j < 17; ++j) {
    CHECK(batch.targets(1, j, 2) == 0);
    CHECK(std::isnan(batch.positions(1, j, 0)));
    CHECK(batch.positions(2, j, 1) == static_cast<T>(examples[2].positions(j, 1)));
  }
  CHECK(batch.visible(2, 5) == 0);
  CHECK(batch.visible(2, 4) == 1);
  for (std::size_t a = 0; a < 3; ++a) CHECK(batch.targets(2, 5, a) == 0);
}

TEMPLATE_TEST_CASE("Images are normalised as torchvision does, to the bit", "[batches]", float,
                   double) {
  using T = TestType;
  const auto examples = three_examples();
  const auto batch = pk::pose_batch<T>(examples);
  const double mean[] = {0.485, 0.456, 0.406}, deviation[] = {0.229, 0.224, 0.225};
  bool exact = true;
  for (std::size_t n = 0; n < 3; ++n)
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t y = 0; y < height; ++y)
        for (std::size_t x = 0; x < width; ++x) {
          const T difference = static_cast<T>(examples[n].image(c, y, x)) - static_cast<T>(mean[c]);
          exact &= batch.images(n, c, y, x) == difference / static_cast<T>(deviation[c]);
        }
  CHECK(exact);
  // Of one's own.
  const pk::PoseBatchOptions options{.mean = {0, 0.5, 0}, .standard_deviation = {1, 0.25, 1}};
  const auto other = pk::pose_batch<T>(examples, options);
  CHECK(other.images(2, 0, 3, 4) == static_cast<T>(examples[2].image(0, 3, 4)));
  CHECK(other.images(2, 1, 3, 4) ==
        (static_cast<T>(examples[2].image(1, 3, 4)) - T(0.5)) / T(0.25));
  CHECK_THROWS_WITH(pk::pose_batch<T>(examples, {.standard_deviation = {1, 0, 1}}),
                    Catch::Contains("channel 1 has mean 0.456 and standard deviation 0"));
  CHECK_THROWS_AS(pk::normalize_images<T>(pk::zeros<float>({2, 4, 4})), pk::ShapeError);
}

TEMPLATE_TEST_CASE("Predictions go back to pixels and to camera space", "[batches]", float,
                   double) {
  using T = TestType;
  auto examples = three_examples();
  examples[2] = three_examples()[0];
  examples[2].camera = {.fx = 61,
                        .fy = 57,
                        .cx = 5,
                        .cy = 6,
                        .radial = {-0.2, 0.1, 0.02},
                        .tangential = {0.01, -0.02}};
  examples[2].root_depth = 3900;
  examples[2].joints =
      pk::picture_joints(examples[2].positions, examples[2].camera, examples[2].root_depth);
  const auto batch = pk::pose_batch<T>(examples);
  const auto pixels = pk::denormalize_joints(batch.targets, width, height);
  const auto places = pk::camera_space_joints(batch.targets, batch);
  CHECK(pk::shape_of(places) == pk::Shape{3, 17, 3});
  for (const std::size_t n : {std::size_t{0}, std::size_t{2}}) {
    for (std::size_t j = 0; j < 17; ++j) {
      for (std::size_t a = 0; a < 3; ++a) {
        CHECK(pixels(n, j, a) == Approx(examples[n].joints(j, a)).margin(1e-5));
        CHECK(places(n, j, a) == Approx(examples[n].positions(j, a)).margin(5e-3));
      }
    }
  }
  // By hand: 2 pixels behind a root at 4000 mm and 50 pixels of focal length are 160 mm.
  const pk::Tensor<T> joint = pk::reshaped(pk::Tensor<T>{11, 2.5, 2}, {1, 1, 3});
  const std::vector<pk::PinholeCamera> cameras{{.fx = 50, .fy = 40, .cx = 6, .cy = 4.5}};
  const std::vector<double> depths{4000};
  const auto place = pk::camera_space_joints(joint, cameras, depths);
  CHECK(place(0, 0, 2) == Approx(4160));
  CHECK(place(0, 0, 0) == Approx(416));
  CHECK(place(0, 0, 1) == Approx(-208));

  CHECK_THROWS_WITH(pk::camera_space_joints(pixels, cameras, depths),
                    Catch::Contains("[3, 17, 3]") && Catch::Contains("1 cameras"));
  CHECK_THROWS_AS(pk::denormalize_joints(pk::zeros<T>({4, 2}), 8, 8), pk::ShapeError);
  CHECK_THROWS_AS(pk::picture_joints(pk::zeros<T>({4, 3}), cameras[0], 0.0), pk::ValueError);
}

TEST_CASE("What does not fit is named with the example and both sizes", "[batches]") {
  auto examples = three_examples();
  CHECK(error_of<pk::Error>(examples) == "no error");
  examples[1].image = pk::zeros<float>({3, 10, 12});
  CHECK(error_of<pk::ShapeError>(examples) ==
        "pose_batch: example 1 (index 50): image has shape [3, 10, 12], expected [3, 10, 14] as of "
        "example 0 (index 40)");
  examples = three_examples();
  examples[2] = scattered_example(pk::skeletons::human36m_17, width, height, 1);
  examples[2].joints = pk::zeros<float>({16, 3});
  CHECK(error_of<pk::ShapeError>(examples) ==
        "pose_batch: example 2 (index 60): visible has shape [17], expected [16]");
  examples[2].visible = pk::zeros<float>({16});
  examples[2].positions = pk::Tensor<float>();
  CHECK(error_of<pk::ShapeError>(examples) ==
        "pose_batch: example 2 (index 60): joints has shape [16, 3], expected [17, 3] as of "
        "example 0 (index 40)");
  examples = three_examples();
  examples[0].mask = pk::zeros<float>({14, 10});
  CHECK(error_of<pk::ShapeError>(examples).find("mask has shape [14, 10], expected [10, 14]") !=
        std::string::npos);
  examples = three_examples();
  examples[0].positions = pk::zeros<float>({17, 2});
  CHECK(error_of<pk::ShapeError>(examples).find("positions has shape [17, 2], expected [17, 3]") !=
        std::string::npos);
  CHECK_THROWS_AS(pk::pose_batch<float>(std::vector<pk::PoseExample>{}), pk::ValueError);
  const std::vector<std::size_t> two{1, 2};
  CHECK_THROWS_WITH(pk::pose_batch<float>(three_examples(), {}, two),
                    Catch::Contains("3 examples, but 2 indices"));
}

TEST_CASE("A joint that counts and is not known is named", "[batches]") {
  auto examples = three_examples();
  examples[1].joints(9, 1) = unknown;
  CHECK(error_of<pk::ValueError>(examples) ==
        "pose_batch: example 1 (index 50): y of joint 9, which counts, is nan, expected a finite "
        "number");
  examples = three_examples();
  examples[0].joints(3, 2) = unknown;  // z of a three-dimensional example
  CHECK(error_of<pk::ValueError>(examples).find("z of joint 3") != std::string::npos);
  examples[0].visible(3) = 0;
  CHECK(error_of<pk::Error>(examples) == "no error");
  examples[0].positions(8, 0) = std::numeric_limits<float>::infinity();
  CHECK(error_of<pk::ValueError>(examples).find("x of the position of joint 8") !=
        std::string::npos);
  examples = three_examples();
  examples[2].visible(1) = unknown;
  CHECK(error_of<pk::ValueError>(examples).find("visible of joint 1 is nan") != std::string::npos);
}
