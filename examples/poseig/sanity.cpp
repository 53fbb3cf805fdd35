#include "sanity.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include <posekit/attribution/explanation.hpp>
#include <posekit/attribution/path.hpp>
#include <posekit/core/statistics.hpp>
#include <posekit/io/csv.hpp>
#include <posekit/viz/charts.hpp>
#include <posekit/viz/stacked.hpp>

namespace pk = posekit;

Sanity check_sanity(const ExplainOptions& options, const pk::PoseNetwork<float>& network,
                    const Explanation& e, const pk::ProgressCallback& progress,
                    const std::atomic<bool>& interrupted) {
  const auto go_on = [&](const pk::Progress& step) {
    (void)step;
    return !interrupted.load();
  };
  Sanity sanity;
  sanity.layers = network.weighted_layers();
  constexpr std::size_t stages = 8, points = 50;
  const std::size_t joints = e.result.joints.size();
  const std::size_t total = stages + joints + 1;
  std::size_t done = 0;
  const auto advance = [&] {
    if (!progress({++done, total})) throw pk::Cancelled("stopped");
  };
  for (std::size_t s = 0; s <= stages; ++s) {
    // Few layers at first, where most changes.
    const double part = static_cast<double>(s) / stages;
    const auto count =
        static_cast<std::size_t>(std::lround(part * part * static_cast<double>(sanity.layers)));
    const std::size_t randomized = s == 0 ? 0 : std::max(count, sanity.randomized.back() + 1);
    if (randomized > sanity.layers) break;
    sanity.randomized.push_back(randomized);
    if (s == 0) {
      sanity.ssim.push_back(1);
      sanity.rank_correlation.push_back(1);
      continue;
    }
    const auto forgetful = network.randomized(randomized);
    // Each network is asked why its joints are where it puts them: near the true places, where it
    // puts none, its likelihood would be flat.
    pk::ExplanationOptions<float> own = e.subject.what;
    own.joints = e.result.joints;
    own.truth.reset();
    pk::PoseIgOptions integration = options.integration;
    integration.progress = go_on;
    const auto maps = pk::explain(forgetful, e.subject.image, integration, own).maps;
    const auto similarity = pk::map_similarity(e.result.maps, maps);
    sanity.ssim.push_back(pk::mean_measured(similarity.ssim));
    sanity.rank_correlation.push_back(pk::mean_measured(similarity.rank_correlation));
    advance();
  }
  // Where pixels are taken away, the blurred photo remains.
  const pk::Tensor<float>& image = e.subject.image;
  const std::size_t pixels = image.shape()[1] * image.shape()[2];
  pk::Tensor<float> fill = e.result.attribution.baseline;
  const auto chosen = [&](const pk::Var<float>& x) {
    return pk::plane_joints(network, x, e.result.joints);
  };
  const auto curve = [&](const std::vector<std::size_t>& order) {
    return pk::perturbation_curve(chosen, image, e.result.target, order, fill,
                                  {.points = points, .progress = go_on});
  };
  const auto at_random = curve(pk::random_order(pixels));
  advance();
  sanity.fractions = at_random.fractions;
  sanity.by_importance.assign(points, 0);
  sanity.at_random.assign(points, 0);
  const auto count = static_cast<double>(joints);
  for (std::size_t k = 0; k < joints; ++k) {
    pk::Tensor<float> map = pk::make_tensor<float>({image.shape()[1], image.shape()[2]});
    std::copy_n(e.result.maps.data() + k * pixels, pixels, map.data());
    const auto by_importance = curve(pk::importance_order(map));
    for (std::size_t i = 0; i < points; ++i) {
      sanity.by_importance[i] += by_importance.errors(i, k) / count;
      sanity.at_random[i] += at_random.errors(i, k) / count;
    }
    sanity.area_by_importance += by_importance.area[k] / count;
    sanity.area_at_random += at_random.area[k] / count;
    advance();
  }
  return sanity;
}

pk::Bitmap sanity_picture(const Sanity& s) {
  std::vector<double> layers(s.randomized.begin(), s.randomized.end());
  const pk::Bitmap similarity = pk::line_chart(
      {{"structural similarity", layers, s.ssim}, {"rank correlation", layers, s.rank_correlation}},
      {.title = "Attributions of networks that forget, layer by layer from the output",
       .x = {"layers with random weights, of " + std::to_string(s.layers), 0},
       .y = {"similarity with the true attributions, mean over the joints",
             std::min(0.0, *std::min_element(s.rank_correlation.begin(), s.rank_correlation.end())),
             1.02}});
  const pk::Bitmap deletion =
      pk::line_chart({{"most important pixels first", s.fractions, s.by_importance},
                      {"pixels at random", s.fractions, s.at_random}},
                     {.title = "Predictions while pixels are taken away",
                      .x = {"fraction of the pixels that is blurred away", 0, 1},
                      .y = {"error, pixels of the crop, mean over the joints", 0}});
  return pk::stacked({similarity, deletion});
}

std::string sanity_csv(const Sanity& s) {
  std::string text = "curve,x,y\n";
  const auto add = [&](const char* name, const auto& xs, const std::vector<double>& ys) {
    for (std::size_t i = 0; i < ys.size(); ++i) {
      text += std::string(name) + ',' + pk::csv_field(static_cast<double>(xs[i])) + ',' +
              pk::csv_field(ys[i]) + '\n';
    }
  };
  add("ssim by randomized layers", s.randomized, s.ssim);
  add("rank correlation by randomized layers", s.randomized, s.rank_correlation);
  add("error by fraction of important pixels deleted", s.fractions, s.by_importance);
  add("error by fraction of random pixels deleted", s.fractions, s.at_random);
  return text;
}

std::string sanity_summary(const Sanity& s) {
  char text[400];
  std::snprintf(text, sizeof text,
                "sanity: with random weights in all %zu layers the maps' rank correlation with the "
                "true ones\n        is %.2f (SSIM %.2f)\n"
                "        mean error while pixels are blurred away: %.1f px by importance, %.1f px "
                "at random\n",
                s.randomized.back(), s.rank_correlation.back(), s.ssim.back(), s.area_by_importance,
                s.area_at_random);
  return text;
}
