#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include <posekit/core/error.hpp>
#include <posekit/core/statistics.hpp>

namespace pk = posekit;

namespace {

const double none = std::numeric_limits<double>::quiet_NaN();
const std::vector<double> a{3.1, -2, 7.5, 0, 4, 4, 9, 11, -6.25, 2};
const std::vector<double> b{1, 5, 2, 2, 8, -3, 7, 7.5, 0, 1};

}  // namespace

TEST_CASE("Quantiles and correlations are numpy's and scipy's", "[core]") {
  CHECK(pk::quantile(a, 0) == -6.25);
  CHECK(pk::quantile(a, 0.1) == Approx(-2.4249999999999998).epsilon(1e-14));
  CHECK(pk::quantile(a, 0.25) == Approx(0.5).epsilon(1e-14));
  CHECK(pk::quantile(a, 0.5) == Approx(3.5499999999999998).epsilon(1e-14));
  CHECK(pk::quantile(a, 0.9) == Approx(9.1999999999999993).epsilon(1e-14));
  CHECK(pk::quantile(a, 1) == 11);
  CHECK(pk::correlation(a, b) == Approx(0.45077768502748355).epsilon(1e-13));
  CHECK(pk::rank_correlation(a, b) == Approx(0.47706645095140865).epsilon(1e-13));
  CHECK(pk::ranks(a) == std::vector<double>{5, 2, 8, 3, 6.5, 6.5, 9, 10, 1, 4});
}

TEST_CASE("What was not measured is left out", "[core]") {
  CHECK(pk::quantile(std::vector<double>{none, 4, none, 2}, 0.5) == 3);
  CHECK(std::isnan(pk::quantile(std::vector<double>{none}, 0.5)));
  CHECK(pk::mean_measured(std::vector<double>{none, 4, none, 3}) == 3.5);
  CHECK(std::isnan(pk::mean_measured(std::vector<double>{none})));
  CHECK(pk::correlation(std::vector<double>{1, none, 2, 3}, std::vector<double>{2, 9, 4, 6}) ==
        Approx(1));
  CHECK(std::isnan(pk::correlation(std::vector<double>{1, 1}, std::vector<double>{1, 2})));
  CHECK(pk::rank_correlation(std::vector<double>{1, 2, none}, std::vector<double>{9, 3, 0}) ==
        Approx(-1));
  CHECK_THROWS_AS(pk::correlation(a, std::vector<double>{1}), pk::ShapeError);
  CHECK_THROWS_AS(pk::quantile(a, 1.5), pk::ValueError);
}

TEST_CASE("Box plots and histograms", "[core]") {
  const auto box = pk::box_plot(std::vector<double>{1, 2, 3, 4, 5, 100, none});
  CHECK(box.count == 6);
  CHECK(box.q1 == 2.25);
  CHECK(box.median == 3.5);
  CHECK(box.q3 == 4.75);
  CHECK(box.low == 1);
  CHECK(box.high == 5);
  CHECK(box.outliers == std::vector<double>{100});
  CHECK(pk::box_plot(std::vector<double>{}).count == 0);
  const auto bins = pk::histogram(std::vector<double>{0, 0.5, 1, 3.99, 4, 5, none}, 4, 0, 4);
  CHECK(bins.counts == std::vector<std::size_t>{2, 1, 0, 2});
  const auto quartiles = pk::box_plots_by_quartile(std::vector<double>{10, 20, 30, 40, 50, none},
                                                   std::vector<double>{5, 1, 4, 2, 3, 9});
  CHECK(quartiles.edges == std::array<double, 5>{1, 2, 3, 4, 5});
  CHECK(quartiles.boxes[0].count == 2);  // 20 and 40
  CHECK(quartiles.boxes[0].median == 30);
  CHECK(quartiles.boxes[3].median == 10);
  CHECK_THROWS_AS(pk::histogram(a, 0, 0, 1), pk::ValueError);
  CHECK_THROWS_AS(pk::histogram(a, 3, 1, 1), pk::ValueError);
}
