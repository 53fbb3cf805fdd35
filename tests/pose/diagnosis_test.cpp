#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include <posekit/core/random.hpp>
#include <posekit/pose/difficulty.hpp>
#include <posekit/pose/interpretability.hpp>
#include <posekit/pose/inversions.hpp>
#include <posekit/pose/localization_errors.hpp>
#include <posekit/pose/position_errors.hpp>
#include <posekit/testing/random_tensor.hpp>

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

const auto& people = pk::skeletons::coco_17;
std::size_t at(const char* joint) { return people.index(joint); }

void put(pk::Tensor<double>& poses, std::size_t frame, const char* joint,
         const pk::Tensor<double>& other, const char* where, double dx = 0) {
  poses(frame, at(joint), 0) = other(frame, at(where), 0) + dx;
  poses(frame, at(joint), 1) = other(frame, at(where), 1);
}

/// Joints far from each other.
pk::Tensor<double> spread_pose(std::size_t frames) {
  pk::Tensor<double> poses = pk::make_tensor<double>({frames, 17, 2});
  for (std::size_t f = 0; f < frames; ++f) {
    for (std::size_t j = 0; j < 17; ++j) {
      poses(f, j, 0) = 100 * static_cast<double>(j % 5) + 7 * static_cast<double>(f);
      poses(f, j, 1) = 100 * static_cast<double>(j / 5);
    }
  }
  return poses;
}

}  // namespace

TEST_CASE("Inversions of each kind are found", "[pose]") {
  const auto truth = spread_pose(3);
  auto prediction = truth;
  put(prediction, 0, "left_wrist", truth, "right_wrist", 4.9);  // symmetric
  put(prediction, 0, "left_ankle", truth, "left_knee");         // child as parent
  put(prediction, 1, "right_elbow", truth, "right_wrist");      // parent as child
  put(prediction, 1, "nose", truth, "left_hip");                // other
  put(prediction, 2, "left_eye", truth, "right_eye", 5.0);      // not nearer than 5
  put(prediction, 2, "left_ear", truth, "left_ear", 30);        // wrong, but nobody's
  const auto result = pk::find_inversions(prediction, truth, people);
  CHECK(result.by_kind == std::array<std::size_t, 4>{1, 1, 1, 1});
  REQUIRE(result.found.size() == 4);
  CHECK(result.found[0].joint == at("left_wrist"));
  CHECK(result.found[0].taken_for == at("right_wrist"));
  CHECK(result.confusion(at("left_ankle"), at("left_knee")) == 1);
  CHECK(result.confusion(at("left_knee"), at("left_ankle")) == 0);
  CHECK(result.opportunities(at("left_ankle"), at("left_knee")) == 3);
  CHECK(result.measured == 51);
  CHECK(result.inverted == 4);
  CHECK(result.large_errors == 6);
  CHECK(result.inverted_large_errors == 4);
  // What is not visible is not looked at, on either side.
  std::vector<std::uint8_t> visible(51, 1);
  visible[at("right_wrist")] = visible[at("left_ankle")] = 0;
  CHECK(pk::find_inversions(prediction, truth, people, {.visible = visible}).found.size() == 2);
  CHECK_THROWS_AS(pk::find_inversions(prediction, truth, people, {.epsilon = 0}), pk::ValueError);
  CHECK_THROWS_AS(
      pk::find_inversions(pk::zeros<double>({1, 17, 3}), pk::zeros<double>({1, 17, 3}), people),
      pk::ShapeError);
}

TEST_CASE("Errors are good, jitter, inversion, swap or miss", "[pose]") {
  const auto truth = spread_pose(2);
  auto prediction = truth;
  const double area = 4000;
  // The distance at which a wrist's similarity is s.
  const auto distance = [&](double s) { return 2 * 0.062 * std::sqrt(2 * area * std::log(1 / s)); };
  put(prediction, 0, "left_wrist", truth, "left_wrist", distance(0.86));
  put(prediction, 0, "right_wrist", truth, "right_wrist", distance(0.84));
  put(prediction, 1, "left_wrist", truth, "left_wrist", 50);
  put(prediction, 1, "right_wrist", truth, "left_wrist", 1);
  put(prediction, 1, "right_ankle", truth, "nose");  // nobody's ankle: a miss
  const std::vector<double> areas{area, area};
  using E = pk::LocalizationError;
  const auto kind = [&](const auto& result, std::size_t f, const char* joint) {
    return *result.kinds[f * 17 + at(joint)];
  };
  const auto alone = pk::classify_errors(prediction, truth, people, areas);
  CHECK(kind(alone, 0, "left_wrist") == E::good);
  CHECK(kind(alone, 0, "right_wrist") == E::jitter);
  CHECK(kind(alone, 1, "left_wrist") == E::miss);
  CHECK(kind(alone, 1, "right_wrist") == E::inversion);
  CHECK(kind(alone, 1, "right_ankle") == E::miss);
  CHECK(alone.share(E::good) == Approx(30.0 / 34));
  CHECK(alone.per_joint[at("right_wrist")] == std::array<std::size_t, 5>{0, 1, 1, 0, 0});
  // The other person's wrist, in the same image only.
  auto swapped = truth;
  auto far = truth;
  for (std::size_t i = 34; i < 68; ++i) swapped.data()[i] = far.data()[i] += 1000;
  swapped(1, at("left_wrist"), 0) = far(0, at("left_wrist"), 0);
  swapped(1, at("left_wrist"), 1) = far(0, at("left_wrist"), 1);
  CHECK(kind(pk::classify_errors(swapped, far, people, areas, {.images = {5, 5}}), 1,
             "left_wrist") == E::swap);
  CHECK(kind(pk::classify_errors(swapped, far, people, areas, {.images = {5, 6}}), 1,
             "left_wrist") == E::miss);
  // Somebody nobody predicted is in the image, with a wrist on either side.
  pk::OtherPeople others;
  others.truth = pk::reshaped(random_tensor<double>({34}, 9, 5000, 6000), {1, 17, 2});
  others.visible.assign(17, 1);
  others.areas = {area};
  others.images = {5};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    others.truth(0, at("right_wrist"), axis) = prediction(1, at("left_wrist"), axis);
  }
  CHECK(kind(pk::classify_errors(prediction, truth, people, areas,
                                 {.images = {7, 5}, .others = others}),
             1, "left_wrist") == E::swap);
  others.visible[at("right_wrist")] = 0;
  CHECK(kind(pk::classify_errors(prediction, truth, people, areas,
                                 {.images = {7, 5}, .others = others}),
             1, "left_wrist") == E::miss);
  others.areas.clear();
  CHECK_THROWS_AS(pk::classify_errors(prediction, truth, people, areas, {.others = others}),
                  pk::ShapeError);
  CHECK_THROWS_AS(pk::classify_errors(prediction, truth, people, {1.0}), pk::ShapeError);
}

TEST_CASE("Low interpretability is little error from little of the person", "[pose]") {
  pk::Tensor<double> prediction = pk::zeros<double>({4, 2, 2}), truth = prediction;
  pk::Tensor<double> fi = pk::make_tensor<double>({4, 2});
  for (std::size_t f = 0; f < 4; ++f) {
    prediction(f, 0, 0) = static_cast<double>(f);       // errors 0 1 2 3
    prediction(f, 1, 0) = static_cast<double>(10 + f);  // errors 10 ... 13
    fi(f, 0) = f == 0 ? 0.1 : 0.9;
    fi(f, 1) = 0.2 + 0.1 * static_cast<double>(f);
  }
  constexpr std::array<std::string_view, 2> joints{"left_wrist", "left_knee"};
  constexpr std::array<std::int8_t, 2> parents{-1, -1};
  constexpr std::array<std::uint8_t, 2> flips{0, 1};
  const pk::Skeleton two{
      .name = "two", .joints = joints, .bones = {}, .parents = parents, .flips = flips};
  const auto low = pk::low_interpretability(pk::epe(prediction, truth, two), fi);
  CHECK(low.error_quartile == Approx(1.75));
  CHECK(low.rate.per_joint[0] == 0.25);  // frame 0 only
  CHECK(low.rate.per_joint[1] == 0);
  CHECK(low.rate.per_group()[0].first == "leaf");
  fi(0, 0) = std::numeric_limits<double>::quiet_NaN();
  CHECK(pk::low_interpretability(pk::epe(prediction, truth, two), fi).rate.measured == 7);
  CHECK_THROWS_AS(
      pk::low_interpretability(pk::epe(prediction, truth, two), pk::zeros<double>({4, 3})),
      pk::ShapeError);
}

TEST_CASE("Difficulties have their limits where the paper has them", "[pose]") {
  CHECK(pk::difficulty_by_keypoints(17) == "11-17");
  CHECK(pk::difficulty_by_keypoints(10) == "6-10");
  CHECK(pk::difficulty_by_keypoints(5) == "1-5");
  CHECK(pk::difficulty_by_occlusion(0.09) == "<10%");
  CHECK(pk::difficulty_by_occlusion(0.5) == "10-50%");
  CHECK(pk::difficulty_by_occlusion(0.51) == ">50%");
  CHECK(pk::difficulty_by_size(129) == ">128");
  CHECK(pk::difficulty_by_size(128) == "96-128");
  CHECK(pk::difficulty_by_size(40) == "32-64");
  CHECK_THROWS_AS(pk::difficulty_by_occlusion(1.2), pk::ValueError);
}

TEST_CASE("Errors in a crowd are those that comparing with everybody finds", "[pose]") {
  const auto& skeleton = pk::skeletons::coco_17;
  constexpr std::size_t persons = 60, bystanders = 40, joints = 17;
  const pk::CounterRandom random(8);
  std::uint64_t next = 0;
  const auto fill = [&](std::size_t count) {
    pk::Tensor<double> poses = pk::make_tensor<double>({count, joints, 2});
    for (auto& v : poses) v = 300 * random.uniform(next++);
    return poses;
  };
  const auto truth = fill(persons);
  pk::Tensor<double> prediction = truth;
  for (auto& v : prediction) v += 30 * random.normal(next++);
  std::vector<double> areas;
  std::vector<std::int64_t> images;
  std::vector<std::uint8_t> visible;
  pk::LocalizationErrorOptions options;
  options.others.truth = fill(bystanders);
  for (std::size_t f = 0; f < persons + bystanders; ++f) {
    (f < persons ? areas : options.others.areas).push_back(200 + 20000 * random.uniform(next++));
    (f < persons ? images : options.others.images).push_back(static_cast<std::int64_t>(f % 3));
    for (std::size_t j = 0; j < joints; ++j) {
      (f < persons ? visible : options.others.visible)
          .push_back(random.uniform(next++) < 0.8 ? 1 : 0);
    }
  }
  options.visible = visible;
  options.images = images;
  const auto errors = pk::classify_errors(prediction, truth, skeleton, areas, options);
  const auto similarity = [&](std::size_t f, std::size_t a, std::size_t person, std::size_t b) {
    const bool other = person >= persons;
    const std::size_t p = other ? person - persons : person;
    if ((other ? options.others.visible : visible)[p * joints + b] == 0) return -1.0;
    const auto& pose = other ? options.others.truth : truth;
    const double dx = prediction(f, a, 0) - pose(p, b, 0), dy = prediction(f, a, 1) - pose(p, b, 1);
    const double spread = 2 * skeleton.oks_sigmas[a];
    return std::exp(-(dx * dx + dy * dy) /
                    (2 * spread * spread * (other ? options.others.areas : areas)[p]));
  };
  std::size_t swaps = 0;
  for (std::size_t f = 0; f < persons; ++f) {
    for (std::size_t a = 0; a < joints; ++a) {
      if (visible[f * joints + a] == 0) continue;
      const std::size_t mirrored = skeleton.flips[a];
      double best = similarity(f, a, f, a);
      auto kind = best >= 0.85 ? pk::LocalizationError::good : pk::LocalizationError::jitter;
      for (std::size_t person = 0; person < persons + bystanders; ++person) {
        const auto image =
            person < persons ? images[person] : options.others.images[person - persons];
        if (person == f || image != images[f]) continue;
        for (const std::size_t b : {a, mirrored}) {
          if (similarity(f, a, person, b) <= best) continue;
          best = similarity(f, a, person, b);
          kind = pk::LocalizationError::swap;
        }
      }
      if (similarity(f, a, f, mirrored) > best) {
        best = similarity(f, a, f, mirrored);
        kind = pk::LocalizationError::inversion;
      }
      if (best < 0.5) kind = pk::LocalizationError::miss;
      swaps += kind == pk::LocalizationError::swap;
      CHECK(errors.kinds[f * joints + a] == kind);
    }
  }
  CHECK(swaps > 20);
}
