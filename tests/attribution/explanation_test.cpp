#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <posekit/attribution/explanation.hpp>
#include <posekit/attribution/explanation_report.hpp>
#include <posekit/attribution/indices.hpp>
#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/io/parse_json.hpp>

#include "support/blob_network.hpp"

namespace pk = posekit;

namespace {

template <class T>
pk::Tensor<T> blob_photo() {
  return blobs::picture<T>(60, 80, {{{30, 20}, {50, 30}, {40, 44}}});
}
constexpr pk::Box blob_person{22, 12, 36, 40};

}  // namespace

TEMPLATE_TEST_CASE("Explaining a person is pose_ig on what the network saw", "[attribution]", float,
                   double) {
  using T = TestType;
  const auto photo = blob_photo<T>();
  const auto network = blobs::network<T>(48);
  const pk::PoseIgOptions how{.sigma = 4, .steps = 5};
  const auto why = pk::explain(network, photo, blob_person, how);
  const pk::Crop crop = pk::network_crop(network, blob_person);
  const auto image = pk::crop_image(photo, crop);
  CHECK(why.image == image);
  CHECK(why.crop.to_photo == crop.to_photo);
  CHECK(why.joints == std::vector<std::size_t>{0, 1, 2});
  CHECK(why.target == why.prediction.positions);
  const auto direct = pk::pose_ig(network, image, why.target, how);
  CHECK(why.attribution.attributions == direct.attributions);
  CHECK(why.maps == direct.maps());
  CHECK(why.signed_maps == direct.signed_maps());
  CHECK(why.diffusion_index == pk::diffusion_index(direct.maps()));
  CHECK(why.locality_index(1) == pk::locality_index(direct.maps(), why.target)(1, 1));
  CHECK(std::isnan(why.foreground_index(0)));
  // The maps of a colour's joint lie on its own colour.
  CHECK(why.locality_index(1) > 10);
}

TEST_CASE("Some joints, their true places and the person's pixels", "[attribution]") {
  const auto photo = blob_photo<double>();
  const auto network = blobs::network<double>(48);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  pk::Tensor<double> truth{{31.0, 21.0}, {nan, 4.0}, {40.0, 43.0}};
  pk::Tensor<double> mask = pk::zeros<double>({60, 80});
  for (std::size_t y = 10; y < 50; ++y) {
    for (std::size_t x = 20; x < 60; ++x) mask(y, x) = 1;
  }
  const auto why = pk::explain(network, photo, blob_person, {.sigma = 4, .steps = 4},
                               {.joints = {2, 1, 0}, .truth = truth, .mask = mask});
  // The second joint's place is not known.
  CHECK(why.joints == std::vector<std::size_t>{2, 0});
  const auto in_crop = pk::to_crop(why.crop, pk::Tensor<double>(truth));
  CHECK(why.target(0, 1) == in_crop(2, 1));
  CHECK(why.target(1, 0) == in_crop(0, 0));
  CHECK(pk::shape_of(why.maps) == pk::Shape{2, 48, 48});
  CHECK(why.foreground_index(0) > 0);
  const auto joints = pk::joint_explanations(network.skeleton(), why);
  REQUIRE(joints.size() == 2);
  CHECK(joints[0].name == "blue");
  CHECK(joints[1].target_photo[0] == Approx(31));
  CHECK(joints[1].error_photo() == Approx(joints[1].error_crop() * why.crop.scale()));
  CHECK(joints[1].fi);

  // Distances in photo pixels: those of the crop, scaled.
  const auto scaled = pk::explain(network, photo, blob_person, {.sigma = 4, .steps = 4},
                                  {.truth = truth, .distance_scale = why.crop.scale()});
  const double error = joints[1].error_photo();
  CHECK(scaled.attribution.score(0) == Approx(std::exp(-0.3 * error * error)));
  CHECK(scaled.attribution.pose(0, 0) == Approx(why.attribution.pose(1, 0)));
}

TEST_CASE("What does not fit is said", "[attribution]") {
  const auto photo = blob_photo<float>();
  const auto network = blobs::network<float>(48);
  const auto explain = [&](const pk::ExplanationOptions<float>& options) {
    return pk::explain(network, photo, blob_person, {.sigma = 4, .steps = 1}, options);
  };
  CHECK_THROWS_WITH(explain({.joints = {3}}), "explain: joint 3 of 3");
  CHECK_THROWS_AS(explain({.truth = pk::zeros<float>({2, 2})}), pk::ShapeError);
  pk::Tensor<float> unknown = pk::zeros<float>({3, 2});
  unknown.fill(NAN);
  CHECK_THROWS_WITH(explain({.truth = unknown}), Catch::Contains("says of none of the joints"));
  CHECK_THROWS_AS(explain({.mask = pk::zeros<float>({48, 48})}), pk::ShapeError);
  CHECK_THROWS_AS(explain({.baseline = pk::zeros<float>({3, 48, 48})}), pk::ShapeError);
  CHECK_THROWS_AS(explain({.distance_scale = 0}), pk::ValueError);
  CHECK_THROWS_AS(explain({.size = 47}), pk::ShapeError);
  CHECK_THROWS_AS(pk::explain(network, photo, {0, 0, 0, 4}), pk::ValueError);
  // A mask without any pixel of the person gives no FI, as without a mask.
  CHECK(std::isnan(explain({.mask = pk::zeros<float>({60, 80})}).foreground_index(0)));
}

TEST_CASE("A joint that nothing moves has no indices, and the report says why", "[attribution]") {
  const auto still = [](const pk::Var<double>& x) {
    return pk::reshape(pk::slice(pk::slice(x, 2, 0, 1), 3, 0, 2), {x.shape()[0], 3, 2}) * 0.0;
  };
  const pk::PoseNetwork<double> network(
      {.name = "still", .skeleton = &blobs::skeleton, .input = {.size = 16}}, still);
  const auto why =
      pk::explain(network, blob_photo<double>(), blob_person, {.sigma = 2, .steps = 2});
  CHECK(std::isnan(why.diffusion_index(0)));
  CHECK(std::isnan(why.locality_index(0)));
  const auto joints = pk::joint_explanations(network.skeleton(), why);
  CHECK_FALSE(joints[0].di);
  CHECK_FALSE(joints[0].li);
  CHECK(joints[0].note.find("no pixel has any influence") == 0);
  CHECK(pk::index_fields(joints[0]) == ",,,");
}

TEST_CASE("Reports say what was computed", "[attribution]") {
  const auto network = blobs::network<double>(48);
  const pk::PoseIgOptions how{.sigma = 4, .steps = 3};
  const auto why = pk::explain(network, blob_photo<double>(), blob_person, how);
  const auto joints = pk::joint_explanations(network.skeleton(), why);
  const std::string csv = pk::explanation_csv(joints);
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 4);
  CHECK(std::count(csv.begin(), csv.end(), ',') == 4 * 15);
  const std::string text =
      pk::explanation_json(network.description(), why, joints, how,
                           {.image = "a\xff.png", .width = 80, .height = 60, .box = blob_person});
  const auto json = pk::parse_json(
      std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()), "report");
  CHECK(json["model"]["name"] == "blobs");
  CHECK(json["image"]["width"] == 80);
  CHECK(json["integration"]["steps"] == 3);
  CHECK(json["joints"].size() == 3);
  CHECK(json["joints"][1]["name"] == "green");
  CHECK(json["joints"][1]["fi"].is_null());
  CHECK(json["joints"][1]["di"].get<double>() == Approx(why.diffusion_index(1)).epsilon(1e-5));
  CHECK(json["locality"]["matrix"][2].size() == 3);
}
