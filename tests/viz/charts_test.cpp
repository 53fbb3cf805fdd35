#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <posekit/viz/charts.hpp>

namespace pk = posekit;

namespace {

std::size_t count(const pk::Bitmap& picture, pk::Color color) {
  std::size_t found = 0;
  for (std::size_t y = 0; y < picture.height; ++y)
    for (std::size_t x = 0; x < picture.width; ++x) {
      const auto* p = picture.at(x, y);
      found += pk::Color{p[0], p[1], p[2]} == color;
    }
  return found;
}

const double none = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("Curves and points are drawn in the colours of their series", "[viz]") {
  const std::vector<pk::ChartSeries> two{{"a", {0, 1, 2, 3}, {0, 1, none, 3}},
                                         {"b", {0, 3}, {3, 0}}};
  const auto lines = pk::line_chart(two, {.title = "t", .x = {"x"}, .y = {"y"}});
  CHECK(lines.width == 860);
  CHECK(count(lines, pk::chart_palette[0]) > 200);
  CHECK(count(lines, pk::chart_palette[1]) > 1000);  // a line across the chart
  const auto points = pk::scatter_chart(two, {.title = "t", .x = {"x"}, .y = {"y"}});
  CHECK(count(points, pk::chart_palette[1]) < 1000);
  CHECK_THROWS_WITH(pk::line_chart({{"a", {1, 2}, {1}}}, {}),
                    "line_chart: the series 'a' has 2 x and 1 y");
}

TEST_CASE("Bars are as long as their values", "[viz]") {
  const auto short_bar =
      pk::bar_chart({{"a", 1}, {"b", 10}}, {.title = "t", .x = {"x", 0, 10}, .y = {}});
  const auto long_bar =
      pk::bar_chart({{"a", 5}, {"b", 10}}, {.title = "t", .x = {"x", 0, 10}, .y = {}});
  const double one = static_cast<double>(count(short_bar, pk::chart_palette[0])),
               five = static_cast<double>(count(long_bar, pk::chart_palette[0]));
  CHECK(five / one == Approx(15.0 / 11).epsilon(0.03));
}

TEST_CASE("Charts of nothing, of one value and of what is not finite are drawn", "[viz]") {
  for (const auto& series :
       {std::vector<pk::ChartSeries>{},
        {{"a", {}, {}}},
        {{"a", {1}, {1}}},
        {{"a", {none}, {none}}},
        {{"a", {1, 2}, {std::numeric_limits<double>::infinity(), 1e300}}},
        {{"a", {5, std::nextafter(5.0, 0.0), 5}, {1e17, 1e17 + 16, 1e12 + 1.3e-4}}}}) {
    CHECK(pk::line_chart(series, {}).width == 860);
    CHECK(pk::scatter_chart(series, {}).width == 860);
  }
  CHECK(pk::bar_chart({}, {}).width == 860);
  CHECK(pk::bar_chart({{"a", none}, {"b", -3}}, {}).width == 860);
  CHECK(pk::box_chart({{"a", pk::box_plot(std::vector<double>{})},
                       {"b", pk::box_plot(std::vector<double>{1, 2, 3, 50})}},
                      {})
            .width == 860);
  CHECK(pk::matrix_chart(pk::zeros<double>({0, 0}), {}, {}, {}).height > 50);
  CHECK_THROWS_AS(pk::matrix_chart(pk::zeros<double>({2, 2}), {"a"}, {"b", "c"}, {}),
                  pk::ShapeError);
}
