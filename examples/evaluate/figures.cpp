#include "figures.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <posekit/viz/charts.hpp>

namespace pk = posekit;

namespace {

std::string spaced(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

}  // namespace

void draw_figures(const Evaluation& e, StagedOutput& output) {
  const auto& error = e.error();
  pk::save_png(
      output.file("pck.png"),
      pk::line_chart({e.pck_curve}, {.title = "How many joints are right, by what counts as right",
                                     .x = {e.threshold_label, 0},
                                     .y = {"fraction of joints with a smaller error", 0, 1}}));
  std::vector<pk::ChartBox> boxes;
  for (std::size_t j = 0; j < error.joints.size(); ++j) {
    std::vector<double> values;
    for (std::size_t f = 0; f < error.per_frame.size(); ++f) values.push_back(error.values(f, j));
    boxes.push_back({spaced(error.joints[j]), pk::box_plot(values)});
  }
  pk::save_png(output.file("error-per-joint.png"),
               pk::box_chart(boxes, {.title = "Error of each joint: quartiles and outliers",
                                     .x = {"error, " + error.unit, 0},
                                     .y = {}}));
  std::vector<pk::ChartBar> bars;
  for (const auto& [group, value] : error.per_group()) bars.push_back({group, value});
  pk::save_png(output.file("error-per-group.png"),
               pk::bar_chart(bars, {.title = "Mean error of each group of joints",
                                    .x = {"mean error, " + error.unit, 0},
                                    .y = {}}));
  if (e.inversions) {
    std::vector<std::string> names;
    for (const auto joint : e.skeleton->joints) names.push_back(spaced(std::string(joint)));
    pk::save_png(output.file("inversions.png"),
                 pk::matrix_chart(e.inversions->confusion, names, names,
                                  {.title = "Keypoint inversions: how often",
                                   .x = {"the joint where it was predicted"},
                                   .y = {"the joint that was predicted"}}));
  }
  for (const IndexRelation& relation : e.relations) {
    if (relation.pairs == 0) continue;
    char title[100];
    std::snprintf(title, sizeof title, "Error against %s: rank correlation %.2f over %zu joints",
                  relation.index.c_str(), relation.rank_correlation, relation.pairs);
    std::string index = relation.index;
    std::transform(index.begin(), index.end(), index.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    std::vector<double> attributed, errors;
    for (const pk::ChartSeries& group : relation.groups) {
      attributed.insert(attributed.end(), group.x.begin(), group.x.end());
      errors.insert(errors.end(), group.y.begin(), group.y.end());
    }
    const auto quartiles = pk::box_plots_by_quartile(errors, attributed);
    std::vector<pk::ChartBox> rows;
    for (std::size_t q = 0; q < 4; ++q) {
      char range[60];
      std::snprintf(range, sizeof range, "%s %.3g to %.3g", relation.index.c_str(),
                    quartiles.edges[q], quartiles.edges[q + 1]);
      rows.push_back({range, quartiles.boxes[q]});
    }
    pk::save_png(
        output.file("error-by-" + index + "-quartile.png"),
        pk::box_chart(rows, {.title = "Error in each quarter of the joints by " + relation.index,
                             .x = {"error, " + error.unit, 0},
                             .y = {}}));
    const std::string name = "error-against-" + index + ".png";
    pk::save_png(output.file(name),
                 pk::scatter_chart(
                     relation.groups,
                     {.title = title, .x = {relation.index}, .y = {"error, " + error.unit, 0}}));
  }
}
