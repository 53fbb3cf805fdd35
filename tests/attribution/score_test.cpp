#include <catch2/catch.hpp>

#include <cmath>
#include <vector>

#include <posekit/attribution/score.hpp>

namespace pk = posekit;

TEST_CASE("Likelihoods and their gradients", "[attribution]") {
  for (const auto kind : {pk::LikelihoodKind::squared_distance, pk::LikelihoodKind::distance}) {
    for (const std::size_t dimensions : {2u, 3u}) {
      const pk::Likelihood options{kind, 0.3};
      const std::vector<double> target{1.0, -2.0, 0.5};
      std::vector<double> predicted{2.1, -1.4, 1.7};
      double squared = 0;
      for (std::size_t d = 0; d < dimensions; ++d)
        squared += (predicted[d] - target[d]) * (predicted[d] - target[d]);
      double gradient[3] = {};
      const double score =
          pk::likelihood(options, predicted.data(), target.data(), dimensions, gradient);
      CHECK(score ==
            Approx(std::exp(
                -0.3 * (kind == pk::LikelihoodKind::distance ? std::sqrt(squared) : squared))));
      for (std::size_t d = 0; d < dimensions; ++d) {
        const double centre = predicted[d];
        predicted[d] = centre + 1e-6;
        const double above = pk::likelihood(options, predicted.data(), target.data(), dimensions);
        predicted[d] = centre - 1e-6;
        const double below = pk::likelihood(options, predicted.data(), target.data(), dimensions);
        predicted[d] = centre;
        CHECK(gradient[d] == Approx((above - below) / 2e-6).epsilon(1e-6));
      }
      double at_target[3] = {9, 9, 9};
      CHECK(pk::likelihood(options, target.data(), target.data(), dimensions, at_target) == 1.0);
      CHECK(at_target[0] == 0.0);
      CHECK(at_target[1] == 0.0);
    }
  }
  const float far[2] = {1e6f, 0.0f}, here[2] = {0.0f, 0.0f};
  double gradient[2];
  CHECK(pk::likelihood({}, far, here, 2, gradient) == 0.0);
  CHECK(gradient[0] == 0.0);
}
