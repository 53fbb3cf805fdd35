#include <catch2/catch.hpp>

#include <cmath>

#include <posekit/testing/random_tensor.hpp>
#include <posekit/viz/overlay.hpp>

namespace pk = posekit;

TEST_CASE("Scales end at a quantile of the magnitudes", "[viz]") {
  std::vector<double> map(1000);
  for (std::size_t i = 0; i < 1000; ++i)
    map[i] = (i % 2 == 0 ? 1.0 : -1.0) * static_cast<double>(i);
  CHECK(pk::magnitude_quantile(map.data(), map.size(), 0.99) == Approx(989).margin(1.5));
  CHECK(pk::magnitude_quantile(map.data(), map.size(), 1.0) == 999);
  std::vector<double> sparse(1000, 0.0);
  sparse[5] = -3;
  sparse[6] = std::nan("");
  CHECK(pk::magnitude_quantile(sparse.data(), sparse.size(), 0.9) == 3);  // rather than 0
  CHECK(pk::magnitude_quantile(sparse.data(), 5, 0.9) == 0);
}

TEST_CASE("Signed maps are red where positive and blue where negative", "[viz]") {
  const pk::Bitmap photo(8, 6, 3, 90);
  std::vector<float> map(48, 0.0f);
  map[10] = 2.0f;
  map[20] = -2.0f;
  const auto picture = pk::signed_overlay(photo, map.data(), 2.0);
  const auto at = [&](std::size_t i) { return picture.samples.data() + 3 * i; };
  CHECK(at(10)[0] > at(10)[2]);
  CHECK(at(20)[2] > at(20)[0]);
  CHECK(at(0)[0] == at(0)[2]);
  CHECK(pk::signed_overlay(photo, map.data(), 0.0).samples[30] == at(0)[0]);
}

TEST_CASE("Densities brighten where they are high", "[viz]") {
  const pk::Bitmap photo(4, 1, 3, 100);
  const float map[4] = {0.0f, 0.1f, 0.5f, 1.0f};
  const auto picture = pk::density_overlay(photo, map);
  const auto brightness = [&](std::size_t x) {
    return picture.at(x, 0)[0] + picture.at(x, 0)[1] + picture.at(x, 0)[2];
  };
  CHECK(brightness(3) > brightness(2));
  CHECK(brightness(2) > brightness(1));
  const float zeros[4] = {};
  CHECK(pk::density_overlay(photo, zeros).samples[0] == picture.samples[0]);
}

TEST_CASE("Poses have left and right in their colours", "[viz]") {
  pk::Canvas canvas(200, 200);
  pk::Tensor<float> points = pk::make_tensor<float>({17, 2});
  for (std::size_t j = 0; j < 17; ++j) {
    points(j, 0) = static_cast<float>(10 * j + 15);
    points(j, 1) = j % 2 == 1 ? 50.0f : 150.0f;
  }
  points(16, 0) = std::numeric_limits<float>::quiet_NaN();
  pk::draw_pose(canvas, pk::skeletons::coco_17, points, 0, 0, 1, 4);
  CHECK(canvas.get(15 + 90, 50) == pk::colors::left);     // left wrist
  CHECK(canvas.get(15 + 100, 150) == pk::colors::right);  // right wrist
}
