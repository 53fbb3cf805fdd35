#include "report.hpp"

#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

#include <posekit/io/csv.hpp>

namespace pk = posekit;
using Json = nlohmann::ordered_json;

namespace {

/// Enough digits for a picture's coordinates and indices, without noise behind them.
double rounded(double value) {
  if (!std::isfinite(value) || value == 0) return value;
  const double scale = std::pow(10.0, 6 - std::ceil(std::log10(std::abs(value))));
  return std::round(value * scale) / scale;
}

Json optional_number(const std::optional<double>& value) {
  return value ? Json(rounded(*value)) : Json(nullptr);
}

Json point(const double (&p)[2]) { return Json::array({rounded(p[0]), rounded(p[1])}); }

const char* name_of(pk::Quadrature rule) {
  switch (rule) {
    case pk::Quadrature::left:
      return "left";
    case pk::Quadrature::midpoint:
      return "midpoint";
    case pk::Quadrature::trapezoid:
      return "trapezoid";
    case pk::Quadrature::gauss_legendre:
      break;
  }
  return "gauss-legendre";
}

}  // namespace

std::string report_json(const Report& report, const ExplainOptions& options, const Subject& subject,
                        const pk::PoseModel<float>& model) {
  const pk::PoseIgOptions& ig = options.integration;
  Json root;
  root["model"] = {{"name", model.name},
                   {"reads", model.reads},
                   {"skeleton", std::string(model.skeleton->name)},
                   {"size", subject.crop.width}};
  root["image"] = {{"file", options.image.string()},
                   {"width", subject.bitmap.width},
                   {"height", subject.bitmap.height}};
  root["box"] = {rounded(subject.box.x), rounded(subject.box.y), rounded(subject.box.width),
                 rounded(subject.box.height)};
  const auto& m = subject.crop.to_photo;
  root["crop_to_photo"] = {{m(0, 0), m(0, 1), m(0, 2)}, {m(1, 0), m(1, 1), m(1, 2)}};
  root["truth"] = options.truth;
  root["mask"] = subject.mask_source;
  const bool blur = ig.path == pk::PathKind::blur;
  Json path = {{"path", blur ? "blur" : "straight"}};
  if (blur) {
    path["sigma"] = ig.sigma;
    path["kernel"] = ig.kernel == pk::BlurKernel::gaussian ? "gaussian" : "taps31";
  } else {
    path["baseline"] = options.baseline;
  }
  path["steps"] = ig.steps;
  path["rule"] = name_of(ig.rule);
  path["integrand"] = ig.integrand == pk::Integrand::path_derivative ? "path" : "endpoint";
  path["likelihood"] = {
      {"kind", ig.likelihood.kind == pk::LikelihoodKind::squared_distance ? "squared" : "distance"},
      {"c", ig.likelihood.c},
      {"space", options.space}};
  if (ig.noise_samples > 0) {
    path["noise"] = {{"samples", ig.noise_samples}, {"sigma", ig.noise_sigma}, {"seed", ig.seed}};
  }
  root["integration"] = path;
  Json joints = Json::array();
  for (const JointReport& j : report.joints) {
    Json entry = {{"name", j.name},
                  {"predicted_crop", point(j.predicted_crop)},
                  {"predicted_photo", point(j.predicted_photo)},
                  {"target_crop", point(j.target_crop)},
                  {"target_photo", point(j.target_photo)},
                  {"confidence", rounded(j.confidence)},
                  {"score", rounded(j.score)},
                  {"score_baseline", rounded(j.score_baseline)},
                  {"completeness_gap", rounded(j.completeness_gap)},
                  {"fi", optional_number(j.fi)},
                  {"li", optional_number(j.li)},
                  {"di", optional_number(j.di)}};
    if (!j.note.empty()) entry["note"] = j.note;
    joints.push_back(std::move(entry));
  }
  root["joints"] = joints;
  if (report.locality.dimension() == 2) {
    Json matrix = Json::array();
    for (std::size_t a = 0; a < report.locality.shape()[0]; ++a) {
      Json row = Json::array();
      for (std::size_t x = 0; x < report.locality.shape()[1]; ++x) {
        const double value = report.locality(a, x);
        row.push_back(std::isfinite(value) ? Json(rounded(value)) : Json(nullptr));
      }
      matrix.push_back(row);
    }
    root["locality"] = {{"about", "LI_A(X): row A, column X, in the order of joints"},
                        {"matrix", matrix}};
  }
  root["seconds"] = {{"attribution", rounded(report.seconds_attribution)},
                     {"total", rounded(report.seconds_total)}};
  return root.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string report_csv(const Report& report) {
  std::string text =
      "joint,predicted_x,predicted_y,target_x,target_y,predicted_photo_x,predicted_photo_y,"
      "target_photo_x,target_photo_y,confidence,score,score_baseline,completeness_gap,fi,li,di\n";
  const auto cell = [&](const std::optional<double>& value) {
    char number[40] = "";
    if (value) std::snprintf(number, sizeof number, "%.7g", *value);
    text += ',';
    text += number;
  };
  for (const JointReport& j : report.joints) {
    text += j.name;
    for (const auto* p : {&j.predicted_crop, &j.target_crop, &j.predicted_photo, &j.target_photo}) {
      cell((*p)[0]);
      cell((*p)[1]);
    }
    for (const std::optional<double> value :
         {std::optional<double>(j.confidence), std::optional<double>(j.score),
          std::optional<double>(j.score_baseline), std::optional<double>(j.completeness_gap), j.fi,
          j.li, j.di}) {
      cell(value);
    }
    text += '\n';
  }
  return text;
}

std::string index_fields(const JointReport& joint) {
  std::string text;
  for (const auto& index : {joint.fi, joint.li, joint.di}) {
    text += ',' + pk::csv_field(index.value_or(std::nan("")));
  }
  return text;
}

std::string report_table(const Report& report) {
  std::string text;
  char line[200];
  std::snprintf(line, sizeof line, "%-18s %8s %8s %8s   %s\n", "joint", "FI", "LI", "DI",
                "confidence");
  text += line;
  const auto number = [](const std::optional<double>& value) {
    char digits[32] = "n/a";
    if (value) std::snprintf(digits, sizeof digits, "%.2f", *value);
    return std::string(digits);
  };
  for (const JointReport& joint : report.joints) {
    std::snprintf(line, sizeof line, "%-18s %8s %8s %8s   %.2f", joint.name.c_str(),
                  number(joint.fi).c_str(), number(joint.li).c_str(), number(joint.di).c_str(),
                  joint.confidence);
    text += line;
    if (!joint.note.empty()) text += "   " + joint.note;
    text += '\n';
  }
  return text;
}
