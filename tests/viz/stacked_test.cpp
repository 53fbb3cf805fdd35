#include <catch2/catch.hpp>

#include <posekit/core/error.hpp>
#include <posekit/viz/stacked.hpp>

namespace pk = posekit;

namespace {

pk::Bitmap filled(std::size_t width, std::size_t height, std::uint8_t value) {
  pk::Bitmap picture(width, height, 3);
  std::fill(picture.samples.begin(), picture.samples.end(), value);
  return picture;
}

}  // namespace

TEST_CASE("Pictures are put one under the other", "[viz]") {
  const pk::Bitmap both = pk::stacked({filled(5, 2, 10), filled(3, 4, 20)});
  REQUIRE(both.width == 5);
  REQUIRE(both.height == 6);
  const auto at = [&](std::size_t x, std::size_t y) { return both.samples[3 * (y * 5 + x)]; };
  CHECK(at(4, 1) == 10);
  CHECK(at(0, 2) == 20);
  CHECK(at(2, 5) == 20);
  CHECK(at(3, 5) > 200);  // paper

  const pk::Bitmap titled = pk::stacked({filled(90, 2, 10), filled(90, 2, 20)}, {"one", "two"});
  CHECK(titled.height > 4);
  CHECK(titled.samples[3 * (titled.height - 1) * 90] == 20);
  CHECK_THROWS_AS(pk::stacked({filled(2, 2, 0)}, {"one", "two"}), pk::ValueError);
  CHECK(pk::stacked({}).samples.empty());
}
