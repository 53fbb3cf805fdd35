#include "report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

#include <posekit/io/csv.hpp>

namespace pk = posekit;
using Json = nlohmann::ordered_json;

namespace {

std::string text(const char* format, auto... values) {
  char line[256];
  std::snprintf(line, sizeof line, format, values...);
  return line;
}

std::string number(double value, int digits) {
  return std::isnan(value) ? "-" : text("%.*f", digits, value);
}

/// COCO's -1 for what there is nothing of.
std::string precision(double value) { return value < 0 ? "-" : text("%.3f", value); }

Json json_number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json json_pairs(const std::vector<std::pair<std::string, double>>& pairs) {
  Json object = Json::object();
  for (const auto& [name, value] : pairs) object[name] = json_number(value);
  return object;
}

/// A row of the table: a name, how many were measured, and a value for each column.
std::string row(const std::string& name, const std::string& count,
                const std::vector<std::string>& values) {
  std::string line = text("%-18s %8s", name.c_str(), count.c_str());
  for (const std::string& value : values) line += text(" %13s", value.c_str());
  return line + '\n';
}

/// [group][column]: the means over each group of joints, and the groups' names.
struct GroupMeans {
  std::vector<std::string> names;
  std::vector<std::vector<double>> values;
};
GroupMeans group_means(const std::vector<Column>& columns) {
  GroupMeans means;
  for (const Column& column : columns) {
    const auto groups = column.metric.per_group();
    if (means.names.empty()) {
      for (const auto& group : groups) means.names.push_back(group.first);
      means.values.resize(groups.size());
    }
    for (std::size_t g = 0; g < groups.size(); ++g) means.values[g].push_back(groups[g].second);
  }
  return means;
}

/// How many values were measured of each joint.
std::vector<std::size_t> counts(const pk::PoseMetric& metric) {
  std::vector<std::size_t> result(metric.joints.size());
  for (std::size_t i = 0; i < metric.values.size(); ++i) {
    result[i % result.size()] += !std::isnan(metric.values.data()[i]);
  }
  return result;
}

/// How many poses cannot be aligned at their root.
std::size_t rootless(const Evaluation& e) {
  const auto& status = e.error().status;
  return static_cast<std::size_t>(
      std::count(status.begin(), status.end(), pk::AlignmentStatus::rootless));
}

}  // namespace

std::string report_table(const Evaluation& e) {
  std::string out;
  if (e.coco) {
    out += text("%zu people looked for, %zu found by %zu detections\n\n", e.matches->people,
                e.matches->areas.size(), e.matches->detections);
    out += "             .50:.95     .50     .75  medium   large\n";
    const auto line = [&](const char* name, const auto... values) {
      out += name;
      ((out += text("%8s", precision(values).c_str())), ...);
      out += '\n';
    };
    const auto& c = *e.coco;
    line("precision   ", c.ap, c.ap50, c.ap75, c.ap_medium, c.ap_large);
    line("recall      ", c.ar, c.ar50, c.ar75, c.ar_medium, c.ar_large);
    out += "(COCO's AP and AR over object keypoint similarity)\n\nOf the people found:\n";
  } else {
    out += text("%zu poses of %s\n", e.error().per_frame.size(),
                std::string(e.skeleton->name).c_str());
    if (const std::size_t count = rootless(e); count > 0) {
      out +=
          text("%zu of them without a visible root: not measured where roots are aligned\n", count);
    }
    out += '\n';
  }
  std::vector<std::string> headings;
  for (const Column& column : e.columns) headings.push_back(column.heading);
  out += row("joint", "measured", headings);
  const auto measured = counts(e.error());
  // A row's values, of which `value(c)` is that of column c.
  const auto values_of = [&](const auto& value) {
    std::vector<std::string> values;
    for (std::size_t c = 0; c < e.columns.size(); ++c) {
      values.push_back(number(value(c) * e.columns[c].factor, e.columns[c].digits));
    }
    return values;
  };
  for (std::size_t j = 0; j < measured.size(); ++j) {
    out += row(e.error().joints[j], std::to_string(measured[j]),
               values_of([&](std::size_t c) { return e.columns[c].metric.per_joint[j]; }));
  }
  out += '\n';
  const GroupMeans groups = group_means(e.columns);
  for (std::size_t g = 0; g < groups.names.size(); ++g) {
    out += row(groups.names[g], "", values_of([&](std::size_t c) { return groups.values[g][c]; }));
  }
  out += row("all", std::to_string(e.error().measured),
             values_of([&](std::size_t c) { return e.columns[c].metric.mean; }));
  if (e.kinds && e.error().measured > 0) {
    out += "\nKinds of error (Ronchi and Perona): ";
    for (std::size_t k = 0; k < pk::localization_error_names.size(); ++k) {
      out += text("%s%s %.1f %%", k == 0 ? "" : ", ", pk::localization_error_names[k],
                  100 * e.kinds->share(static_cast<pk::LocalizationError>(k)));
    }
    out += '\n';
  }
  if (e.inversions) {
    const auto& i = *e.inversions;
    out += text("Inversions: %zu of %zu joints were predicted at another one's place", i.inverted,
                i.measured);
    for (std::size_t k = 0; k < i.by_kind.size(); ++k) {
      out += text("%s%s %zu", k == 0 ? ": " : ", ", pk::inversion_kind_names[k], i.by_kind[k]);
    }
    out += text("\n            and %zu of the %zu that are more than 10 px off\n",
                i.inverted_large_errors, i.large_errors);
  }
  for (const auto& [heading, values] : e.splits) {
    out += text("Error by %s: ", heading.c_str());
    for (std::size_t i = 0; i < values.size(); ++i) {
      out += text("%s%s %s px", i == 0 ? "" : ", ", values[i].first.c_str(),
                  number(values[i].second, 2).c_str());
    }
    out += '\n';
  }
  if (e.low_interpretability) {
    const auto& low = *e.low_interpretability;
    out +=
        text("Low interpretability (error up to %.2f px with FI up to %.2f): %s %% of the joints",
             low.error_quartile, low.index_quartile, number(100 * low.rate.mean, 1).c_str());
    for (const auto& [group, rate] : low.rate.per_group()) {
      out += text(", %s %s %%", group.c_str(), number(100 * rate, 1).c_str());
    }
    out += '\n';
  }
  for (const IndexRelation& relation : e.relations) {
    out += text("Error against %s: rank correlation %s over %zu joints\n", relation.index.c_str(),
                number(relation.rank_correlation, 3).c_str(), relation.pairs);
  }
  return out;
}

std::string report_json(const Evaluation& e, const EvaluateOptions& options) {
  Json root;
  root["truth"] = options.truth.string();
  root["results"] = options.results.string();
  root["skeleton"] = std::string(e.skeleton->name);
  if (e.coco) {
    const auto& c = *e.coco;
    const auto value = [](double v) { return v < 0 ? Json(nullptr) : Json(v); };
    root["coco"] = {{"ap", value(c.ap)},
                    {"ap50", value(c.ap50)},
                    {"ap75", value(c.ap75)},
                    {"ap_medium", value(c.ap_medium)},
                    {"ap_large", value(c.ap_large)},
                    {"ar", value(c.ar)},
                    {"ar50", value(c.ar50)},
                    {"ar75", value(c.ar75)},
                    {"ar_medium", value(c.ar_medium)},
                    {"ar_large", value(c.ar_large)}};
    root["people"] = {{"looked_for", e.matches->people},
                      {"found", e.matches->areas.size()},
                      {"detections", e.matches->detections}};
  }
  if (!e.coco) root["poses"] = {{"count", e.error().per_frame.size()}, {"rootless", rootless(e)}};
  for (const Column& column : e.columns) {
    const auto& m = column.metric;
    Json joints = Json::object();
    for (std::size_t j = 0; j < m.joints.size(); ++j)
      joints[m.joints[j]] = json_number(m.per_joint[j]);
    root["metrics"][m.name] = {{"unit", m.unit},         {"alignment", m.alignment},
                               {"measured", m.measured}, {"mean", json_number(m.mean)},
                               {"per_joint", joints},    {"per_group", json_pairs(m.per_group())}};
  }
  if (e.kinds) {
    for (std::size_t k = 0; k < pk::localization_error_names.size(); ++k) {
      root["kinds_of_error"][pk::localization_error_names[k]] = e.kinds->counts[k];
    }
  }
  if (e.inversions) {
    const auto& i = *e.inversions;
    Json kinds = Json::object();
    for (std::size_t k = 0; k < i.by_kind.size(); ++k)
      kinds[pk::inversion_kind_names[k]] = i.by_kind[k];
    Json pairs = Json::array();
    for (std::size_t a = 0; a < e.skeleton->size(); ++a) {
      for (std::size_t b = 0; b < e.skeleton->size(); ++b) {
        if (i.confusion(a, b) == 0) continue;
        pairs.push_back({{"joint", std::string(e.skeleton->joints[a])},
                         {"taken_for", std::string(e.skeleton->joints[b])},
                         {"count", i.confusion(a, b)},
                         {"of", i.opportunities(a, b)}});
      }
    }
    root["inversions"] = {{"epsilon", options.epsilon},
                          {"joints", i.inverted},
                          {"of", i.measured},
                          {"by_kind", kinds},
                          {"large_errors", i.large_errors},
                          {"large_errors_inverted", i.inverted_large_errors},
                          {"pairs", pairs}};
  }
  for (const auto& [heading, values] : e.splits) root["error_by"][heading] = json_pairs(values);
  if (e.low_interpretability) {
    const auto& low = *e.low_interpretability;
    Json joints = Json::object();
    for (std::size_t j = 0; j < low.rate.joints.size(); ++j) {
      joints[low.rate.joints[j]] = json_number(low.rate.per_joint[j]);
    }
    root["low_interpretability"] = {{"error_quartile", json_number(low.error_quartile)},
                                    {"fi_quartile", json_number(low.index_quartile)},
                                    {"rate", json_number(low.rate.mean)},
                                    {"per_joint", joints},
                                    {"per_group", json_pairs(low.rate.per_group())}};
  }
  for (const IndexRelation& relation : e.relations) {
    root["error_against"][relation.index] = {
        {"rank_correlation", json_number(relation.rank_correlation)}, {"pairs", relation.pairs}};
  }
  return root.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string report_csv(const Evaluation& e) {
  std::string out = "joint,group,measured";
  for (const Column& column : e.columns) {
    out += ',' + pk::csv_field(column.metric.name + " (" + column.metric.unit + ')');
  }
  out += '\n';
  const auto measured = counts(e.error());
  for (std::size_t j = 0; j < measured.size(); ++j) {
    const std::string& joint = e.error().joints[j];
    out += pk::csv_field(joint) + ',' + std::string(pk::joint_group(joint)) + ',' +
           std::to_string(measured[j]);
    for (const Column& column : e.columns) out += ',' + pk::csv_field(column.metric.per_joint[j]);
    out += '\n';
  }
  // Groups have no joint.
  const GroupMeans groups = group_means(e.columns);
  for (std::size_t g = 0; g < groups.names.size(); ++g) {
    out += "," + groups.names[g] + ',';
    for (const double mean : groups.values[g]) out += ',' + pk::csv_field(mean);
    out += '\n';
  }
  out += "all,," + std::to_string(e.error().measured);
  for (const Column& column : e.columns) out += ',' + pk::csv_field(column.metric.mean);
  return out + '\n';
}
