#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include <posekit/datasets/mocap.hpp>
#include <posekit/synthetic/synthetic_people.hpp>

#include "support/close.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;
namespace person = posekit::person;
using Catch::Matchers::Contains;

namespace {

bool identical_examples(const pk::PoseExample& a, const pk::PoseExample& b) {
  return identical(a.image, b.image) && identical(a.joints, b.joints) &&
         identical(a.visible, b.visible) && identical(a.mask, b.mask) &&
         identical(a.positions, b.positions) && a.root_depth == b.root_depth &&
         a.camera.fx == b.camera.fx && a.camera.cx == b.camera.cx;
}

double covered(const pk::PoseExample& example) {
  double sum = 0;
  for (const float value : example.mask) sum += value;
  return sum;
}

/// Whether the mask is set within `reach` pixels.
bool near_mask(const pk::PoseExample& example, float x, float y, int reach) {
  const auto size = static_cast<int>(example.mask.shape()[0]);
  for (int dy = -reach; dy <= reach; ++dy) {
    for (int dx = -reach; dx <= reach; ++dx) {
      const int px = static_cast<int>(std::lround(x)) + dx;
      const int py = static_cast<int>(std::lround(y)) + dy;
      if (px < 0 || py < 0 || px >= size || py >= size) continue;
      if (example.mask(static_cast<std::size_t>(py), static_cast<std::size_t>(px)) > 0) return true;
    }
  }
  return false;
}

}  // namespace

TEST_CASE("An example is what its index and the options make it, on any number of threads",
          "[data]") {
  for (const auto kind : {pk::SyntheticKind::person, pk::SyntheticKind::hand}) {
    const pk::SyntheticPeople data({.size = 48, .seed = 4, .count = 30, .kind = kind});
    CHECK(data.size() == 30);
    const auto one = data.examples(0, 30, 1), two = data.examples(0, 30, 2);
    for (std::size_t i = 0; i < 30; ++i) {
      REQUIRE(identical_examples(one[i], two[i]));
      if (i % 7 == 0) REQUIRE(identical_examples(one[i], data.example(i)));
      if (i > 0) REQUIRE_FALSE(identical(one[i].image, one[i - 1].image));
    }
    CHECK(identical_examples(data.examples(11, 1).front(), one[11]));
    const pk::SyntheticPeople other({.size = 48, .seed = 5, .count = 30, .kind = kind});
    CHECK_FALSE(identical(other.example(3).positions, one[3].positions));
    CHECK_FALSE(identical(other.example(3).image, one[3].image));
    CHECK_THROWS_WITH(data.example(30), Contains("example 30 of 30"));
    CHECK_THROWS_AS(data.examples(29, 2, 2), pk::ValueError);
  }
}

TEST_CASE("A laboratory has few people and few walls", "[data]") {
  pk::SyntheticPeopleOptions options{.size = 48, .seed = 4, .count = 40};
  options.occluders.probability = 0;
  options.noise = 0;
  options.backdrops = 3;
  options.backdrop_seed = 9;
  // A corner, which nobody stands before, tells the wall.
  const auto walls = [](const pk::SyntheticPeopleOptions& o) {
    const pk::SyntheticPeople people(o);
    std::set<float> corners;
    for (const pk::PoseExample& example : people.examples(0, 40))
      corners.insert(example.image(0, 0, 0));
    return corners;
  };
  const auto three = walls(options);
  CHECK(three.size() == 3);
  options.seed = 5;  // other people before the same walls
  CHECK(walls(options) == three);
  options.backdrop_seed.reset();
  CHECK(walls(options) != three);
  options.backdrops = 0;
  CHECK(walls(options).size() > 30);

  // The same clothes in another pose: what the look decides is the person's alone.
  options.looks = 2;
  const pk::SyntheticPeople two(options);
  options.looks = 0;
  const pk::SyntheticPeople many(options);
  CHECK(identical(two.example(7).positions, many.example(7).positions));
  CHECK_FALSE(identical(two.example(7).image, many.example(7).image));
  CHECK(identical_examples(two.examples(0, 40, 2)[7], two.example(7)));
}

TEST_CASE("Joints are where the camera sees the positions", "[data]") {
  for (const auto kind : {pk::SyntheticKind::person, pk::SyntheticKind::hand}) {
    const pk::SyntheticPeople data({.size = 64, .count = 40, .kind = kind});
    const std::size_t root = data.skeleton().index(data.skeleton().root);
    for (const auto& e : data.examples(0, 40)) {
      REQUIRE(pk::shape_of(e.image) == pk::Shape{3, 64, 64});
      REQUIRE(pk::shape_of(e.mask) == pk::Shape{64, 64});
      REQUIRE(pk::shape_of(e.joints) == pk::Shape{data.skeleton().size(), 3});
      REQUIRE(pk::shape_of(e.visible) == pk::Shape{data.skeleton().size()});
      REQUIRE(e.three_dimensional);
      const auto pixels = pk::project(pk::cast<double>(e.positions), e.camera);
      for (std::size_t j = 0; j < e.joints.shape()[0]; ++j) {
        REQUIRE(e.joints(j, 0) == Approx(pixels(j, 0)).margin(1e-3));
        REQUIRE(e.joints(j, 1) == Approx(pixels(j, 1)).margin(1e-3));
        const double z = (e.positions(j, 2) - e.root_depth) * e.camera.fx / e.root_depth;
        REQUIRE(e.joints(j, 2) == Approx(z).margin(1e-3));
      }
      REQUIRE(e.joints(root, 2) == 0);
      REQUIRE(e.positions(root, 2) == Approx(e.root_depth));
    }
  }
}

TEST_CASE("Pictures are in range, and people fill them", "[data]") {
  const pk::SyntheticPeople data({.size = 64, .count = 60});
  double contrast = 0;
  for (const auto& e : data.examples(0, 60)) {
    float least = 9, most = -9;
    for (const float value : e.image) {
      least = std::min(least, value);
      most = std::max(most, value);
    }
    REQUIRE(least >= 0);
    REQUIRE(most <= 1);
    contrast += (most - least) / 60;
    for (const float value : e.mask) REQUIRE((value == 0 || value == 1));
    double top = 1e9, bottom = -1e9, left = 1e9, right = -1e9;
    for (std::size_t j = 0; j < person::joint_count; ++j) {
      left = std::min(left, static_cast<double>(e.joints(j, 0)));
      right = std::max(right, static_cast<double>(e.joints(j, 0)));
      top = std::min(top, static_cast<double>(e.joints(j, 1)));
      bottom = std::max(bottom, static_cast<double>(e.joints(j, 1)));
    }
    const double side = std::max(right - left, bottom - top);
    REQUIRE(side > 0.5 * 64);
    REQUIRE(side < 0.9 * 64);
    REQUIRE((left > 0 && top > 0 && right < 63 && bottom < 63));
  }
  CHECK(contrast > 0.5);
}

TEST_CASE("The mask shows where the joints that count are", "[data]") {
  for (const auto kind : {pk::SyntheticKind::person, pk::SyntheticKind::hand}) {
    const pk::SyntheticPeople data({.size = 96, .count = 60, .kind = kind});
    double count = 0, all = 0, beside = 0;
    for (const auto& e : data.examples(0, 60)) {
      REQUIRE(covered(e) > 0.01 * 96 * 96);
      for (std::size_t j = 0; j < e.joints.shape()[0]; ++j) {
        all += 1;
        REQUIRE((e.visible(j) == 0 || e.visible(j) == 1));
        if (e.visible(j) == 0) continue;
        count += 1;
        beside += !near_mask(e, e.joints(j, 0), e.joints(j, 1), 0);
        // Heads and fingers end at their joints.
        INFO(j);
        REQUIRE(near_mask(e, e.joints(j, 0), e.joints(j, 1), 2));
      }
    }
    CHECK(count / all > 0.6);
    CHECK(count / all < 0.98);
    CHECK(beside / count < 0.1);
  }
}

TEST_CASE("Boxes hide joints and people; without them only the body does", "[data]") {
  pk::SyntheticPeopleOptions options{.size = 64, .count = 60};
  options.self_occlusion_tolerance = std::numeric_limits<double>::infinity();
  options.occluders.probability = 0;
  const auto none = pk::SyntheticPeople(options).examples(0, 60);
  options.self_occlusion_tolerance = 0.75;
  const auto body = pk::SyntheticPeople(options).examples(0, 60);
  options.occluders = {.probability = 1, .most = 3, .size = {0.3, 0.6}};
  const auto boxes = pk::SyntheticPeople(options).examples(0, 60);
  double seen = 0, seen_past_body = 0, seen_past_boxes = 0, wrists = 0, heads = 0;
  for (std::size_t i = 0; i < 60; ++i) {
    REQUIRE(identical(none[i].image, body[i].image));
    REQUIRE(identical(none[i].joints, boxes[i].joints));
    REQUIRE(covered(boxes[i]) <= covered(body[i]));
    for (std::size_t j = 0; j < person::joint_count; ++j) {
      seen += none[i].visible(j);
      seen_past_body += body[i].visible(j);
      seen_past_boxes += boxes[i].visible(j);
      REQUIRE(boxes[i].visible(j) <= body[i].visible(j));
    }
    wrists += body[i].visible(person::left_wrist) + body[i].visible(person::right_wrist);
    heads += body[i].visible(person::head_top);
  }
  CHECK(seen == 60 * 17);
  CHECK(seen_past_body < 0.97 * seen);
  CHECK(seen_past_body > 0.75 * seen);
  CHECK(seen_past_boxes < 0.9 * seen_past_body);
  CHECK(wrists / 2 < heads);
}

TEST_CASE("Joints outside the picture do not count", "[data]") {
  pk::SyntheticPeopleOptions options{.size = 64, .count = 10};
  options.occluders.probability = 0;
  options.camera = pk::CameraPlacementOptions{.fill = {2, 2}};
  std::size_t outside = 0;
  for (const auto& e : pk::SyntheticPeople(options).examples(0, 10)) {
    for (std::size_t j = 0; j < person::joint_count; ++j) {
      const float x = e.joints(j, 0), y = e.joints(j, 1);
      if (x >= -0.5f && y >= -0.5f && x < 63.5f && y < 63.5f) continue;
      ++outside;
      REQUIRE(e.visible(j) == 0);
    }
  }
  CHECK(outside > 20);
}

TEST_CASE("A camera may come as near as the joints allow", "[data]") {
  pk::SyntheticPeopleOptions options{.size = 48, .count = 80};
  options.camera = pk::CameraPlacementOptions{.distance = {1, 1}, .padding = 0};
  for (const auto kind : {pk::SyntheticKind::person, pk::SyntheticKind::hand}) {
    options.kind = kind;  // the arm of a hand reaches behind the camera
    for (const auto& e : pk::SyntheticPeople(options).examples(0, 80)) CHECK(covered(e) > 20);
  }
}

TEST_CASE("Recorded poses are seen as they were", "[synthetic][shared]") {
  auto poses = pk::generate_poses(3, 0, 4);
  for (double& value : poses) value += 1000;  // wherever in the world
  const pk::SyntheticPeople data({.size = 48, .count = 9, .poses = poses});
  const auto distance = [](const auto& p, std::size_t a, std::size_t b) {
    return std::hypot(p(a, 0) - p(b, 0), p(a, 1) - p(b, 1), p(a, 2) - p(b, 2));
  };
  const auto examples = data.examples(0, 9);
  for (std::size_t i = 0; i < 9; ++i) {
    auto pose = pk::make_tensor<double>({17, 3});
    std::copy_n(poses.data() + i % 4 * 51, 51, pose.data());
    const pk::Tensor<double> seen = pk::cast<double>(examples[i].positions);
    for (std::size_t a = 0; a < 17; ++a)
      for (std::size_t b = 0; b < a; ++b)
        REQUIRE(distance(seen, a, b) == Approx(distance(pose, a, b)).margin(1e-2));
    // Not mirrored: the same sign of a volume.
    const auto volume = [](const auto& p) {
      Eigen::Matrix3d m;
      for (Eigen::Index k = 0; k < 3; ++k) {
        const auto axis = static_cast<std::size_t>(k);
        m(0, k) = p(person::left_hip, axis) - p(person::right_hip, axis);
        m(1, k) = p(person::neck, axis) - p(person::pelvis, axis);
        m(2, k) = p(person::left_shoulder, axis) - p(person::left_wrist, axis);
      }
      return m.determinant();
    };
    REQUIRE(volume(seen) == Approx(volume(pose)).epsilon(1e-3));
  }
  CHECK(identical(pk::cast<float>(data.positions(4)), examples[4].positions));
  // The same pose from elsewhere.
  CHECK_FALSE(identical(examples[0].positions, examples[4].positions));
  const auto folder = shared_folder("data/cmu_mocap");
  if (!folder) return;
  const auto motion = pk::load_mocap(*folder / "test.npz");
  const pk::SyntheticPeople recorded(
      {.size = 48, .count = motion.poses.shape()[0], .poses = motion.poses});
  for (const auto& e : recorded.examples(0, 40)) CHECK(covered(e) > 40);
}

TEST_CASE("Few pictures show poses from all over a recording", "[data]") {
  const pk::Tensor<double> one = pk::generate_pose(1, 0);
  pk::Tensor<double> poses = pk::make_tensor<double>({7, 17, 3});
  for (std::size_t f = 0; f < 7; ++f) {
    for (std::size_t i = 0; i < 51; ++i) {
      poses.data()[f * 51 + i] = one.data()[i] * (1 + 0.1 * static_cast<double>(f));
    }
  }
  const auto size_of = [](const pk::Tensor<double>& p) {
    return std::hypot(p(person::head, 0) - p(person::pelvis, 0),
                      p(person::head, 1) - p(person::pelvis, 1),
                      p(person::head, 2) - p(person::pelvis, 2));
  };
  const pk::SyntheticPeople few({.size = 32, .count = 3, .poses = poses});
  const pk::SyntheticPeople many({.size = 32, .count = 9, .poses = poses});
  const double whole = size_of(one);
  for (const auto& [index, frame] : {std::pair<std::size_t, int>{0, 0}, {1, 2}, {2, 4}})
    CHECK(size_of(few.positions(index)) == Approx(whole * (1 + 0.1 * frame)));
  for (const auto& [index, frame] : {std::pair<std::size_t, int>{1, 1}, {6, 6}, {8, 1}})
    CHECK(size_of(many.positions(index)) == Approx(whole * (1 + 0.1 * frame)));
}

TEST_CASE("Options of synthetic people that make no sense are refused", "[data]") {
  using Options = pk::SyntheticPeopleOptions;
  const auto make = [](const Options& options) { (void)pk::SyntheticPeople(options); };
  CHECK_THROWS_WITH(make({.size = 0}), Contains("size is 0") && Contains("16 to 4096"));
  CHECK_THROWS_AS(make({.count = 0}), pk::ValueError);
  CHECK_THROWS_AS(make({.noise = -1}), pk::ValueError);
  CHECK_THROWS_AS(make({.self_occlusion_tolerance = std::nan("")}), pk::ValueError);
  CHECK_THROWS_AS(make({.occluders = {.probability = 2}}), pk::ValueError);
  CHECK_THROWS_AS(make({.occluders = {.size = {0.5, 0.1}}}), pk::ValueError);
  CHECK_THROWS_AS(make({.backdrop = {.noise = 2}}), pk::ValueError);
  CHECK_THROWS_AS(make({.backdrop = {.octaves = -1}}), pk::ValueError);
  CHECK_THROWS_AS(make({.backdrop = {.saturation = std::nan("")}}), pk::ValueError);
  CHECK_THROWS_AS(make({.person = {.height = 0}}), pk::ValueError);
  CHECK_THROWS_AS(make({.hand = {.size = -1}}), pk::ValueError);
  CHECK_THROWS_WITH(make({.camera = pk::CameraPlacementOptions{.fill = {0, 1}}}),
                    Contains("SyntheticPeople: fill is 0"));
  CHECK_THROWS_AS(make({.poses = pk::zeros<double>({4, 16, 3})}), pk::ShapeError);
  CHECK_THROWS_AS(make({.kind = pk::SyntheticKind::hand, .poses = pk::generate_poses(1, 0, 2)}),
                  pk::ValueError);
  auto broken = pk::generate_poses(1, 0, 2);
  broken(1, 4, 2) = std::nan("");
  CHECK_THROWS_WITH(make({.poses = broken}), Contains("poses[1, 4, 2] is nan"));
}
