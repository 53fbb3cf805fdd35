#pragma once

// Charts: curves, bars, boxes, scattered points and matrices, with axes that say what they show.
// The colours can be told apart in all common kinds of colour blindness (Okabe and Ito), and series
// also by the shape of their marks.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <limits>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/statistics.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/io/image.hpp>
#include <posekit/viz/colormap.hpp>

namespace posekit::inline POSEKIT_ISA {

inline constexpr std::array<Color, 7> chart_palette{{{0, 114, 178},
                                                     {213, 94, 0},
                                                     {0, 158, 115},
                                                     {204, 121, 167},
                                                     {230, 159, 0},
                                                     {86, 180, 233},
                                                     {60, 60, 60}}};

/// What an axis measures. Limits that are NaN follow from the data.
struct ChartAxis {
  std::string label;  ///< with its unit
  double low = std::numeric_limits<double>::quiet_NaN();
  double high = std::numeric_limits<double>::quiet_NaN();
};

struct ChartOptions {
  std::string title;
  ChartAxis x{}, y{};
  std::size_t width = 860, height = 560;
};

/// Points (x, y) that belong together; NaN points are left out.
struct ChartSeries {
  std::string name;
  std::vector<double> x, y;
};

/// A bar or a box with its name.
struct ChartBar {
  std::string name;
  double value = 0;
};
struct ChartBox {
  std::string name;
  BoxPlot box;
};

/// Curves through the points of each series, in their order; marks on them where they are few.
/// Throws ShapeError.
Bitmap line_chart(const std::vector<ChartSeries>& series, const ChartOptions& options);

/// The points of each series. Throws ShapeError.
Bitmap scatter_chart(const std::vector<ChartSeries>& series, const ChartOptions& options);

/// A bar for each name, from top to bottom, with its value. The options' y is not used.
Bitmap bar_chart(const std::vector<ChartBar>& bars, ChartOptions options);

/// A box plot for each name, from top to bottom: quartiles, median, whiskers and outliers. The
/// options' y is not used.
Bitmap box_chart(const std::vector<ChartBox>& boxes, ChartOptions options);

/// A matrix [rows, columns] as colours with its numbers; 0 and NaN stay empty. `x.label` is under
/// the columns, `y.label` over the rows. Throws ShapeError where names and matrix do not fit.
Bitmap matrix_chart(const Tensor<double>& matrix, const std::vector<std::string>& rows,
                    const std::vector<std::string>& columns, const ChartOptions& options);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_VIZ

#include <posekit/core/error.hpp>
#include <posekit/viz/canvas.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// A number as an axis shows it.
inline std::string tick_text(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g", std::abs(value) < 1e-12 ? 0.0 : value);
  return text;
}

/// The distance of round ticks of which about `count` fit.
inline double tick_step(double range, int count) {
  const double rough = range / count;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10 * power;
}

/// Limits that are given, or around the data with some air.
inline std::pair<double, double> axis_limits(const ChartAxis& axis,
                                             const std::vector<double>& values) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (!(low <= high)) low = 0, high = 1;
  const double air = high > low ? 0.04 * (high - low) : std::max(0.5, 0.05 * std::abs(high));
  // Measures that cannot be negative start at 0 where they come near to it.
  const bool from_zero = low >= 0 && low < 0.35 * high;
  low = from_zero ? 0.0 : low - air;
  high += air;
  if (!std::isnan(axis.low)) low = axis.low;
  if (!std::isnan(axis.high)) high = axis.high;
  // A range that numbers of this size can be told apart in.
  const double least = 1e-9 * std::max(std::abs(low), std::abs(high));
  if (!(high - low > least)) {
    low -= std::max(0.5, least);
    high += std::max(0.5, least);
  }
  return {low, high};
}

/// A frame with axes, and where values lie in it.
class ChartFrame {
 public:
  ChartFrame(const ChartOptions& options, const std::vector<double>& xs,
             const std::vector<double>& ys, const std::vector<std::string>& legend = {},
             double left = 78)
      : canvas_(options.width, options.height),
        left_(left),
        right_(static_cast<double>(options.width) - 24),
        bottom_(static_cast<double>(options.height) - 62) {
    std::tie(x_low_, x_high_) = axis_limits(options.x, xs);
    std::tie(y_low_, y_high_) = axis_limits(options.y, ys);
    canvas_.text(left_, 32, options.title, 15, colors::ink, TextAlign::left, 1.25);
    top_ = 52;
    if (legend.size() > 1) draw_legend(legend);
    if (!options.y.label.empty()) {
      // The label of y stands over its axis, where it can be read.
      top_ += 20;
      canvas_.text(left_, top_ - 10, options.y.label, 11, colors::muted);
    }
    canvas_.text((left_ + right_) / 2, bottom_ + 48, options.x.label, 12, colors::ink,
                 TextAlign::centre);
  }

  Canvas& canvas() { return canvas_; }
  double x(double value) const {
    return left_ + (value - x_low_) / (x_high_ - x_low_) * (right_ - left_);
  }
  double y(double value) const {
    return bottom_ - (value - y_low_) / (y_high_ - y_low_) * (bottom_ - top_);
  }
  double left() const { return left_; }
  double right() const { return right_; }
  double top() const { return top_; }
  double bottom() const { return bottom_; }

  void x_ticks() {
    const double step = tick_step(x_high_ - x_low_, 8);
    const double first = std::ceil(x_low_ / step);
    for (int i = 0; i < 40 && (first + i) * step <= x_high_ + 1e-9 * step; ++i) {
      const double v = (first + i) * step;
      canvas_.line(x(v), top_, x(v), bottom_, colors::rule);
      canvas_.text(x(v), bottom_ + 22, tick_text(v), 11, colors::muted, TextAlign::centre);
    }
  }
  void y_ticks() {
    const double step = tick_step(y_high_ - y_low_, 6);
    const double first = std::ceil(y_low_ / step);
    for (int i = 0; i < 40 && (first + i) * step <= y_high_ + 1e-9 * step; ++i) {
      const double v = (first + i) * step;
      canvas_.line(left_, y(v), right_, y(v), colors::rule);
      canvas_.text(left_ - 8, y(v) + 4, tick_text(v), 11, colors::muted, TextAlign::right);
    }
  }
  void axes() {
    canvas_.line(left_, bottom_, right_, bottom_, colors::ink, 1.4);
    canvas_.line(left_, top_, left_, bottom_, colors::ink, 1.4);
  }

  /// A mark whose shape tells the series too.
  void mark(double px, double py, std::size_t series, double size = 4, double opacity = 1) {
    const Color color = chart_palette[series % chart_palette.size()];
    switch (series % 4) {
      case 0:
        canvas_.disc(px, py, size, color, opacity);
        break;
      case 1:
        canvas_.fill_rectangle(px - size, py - size, px + size, py + size, color, opacity);
        break;
      case 2:
        canvas_.line(px - size, py - size, px + size, py + size, color, 2, opacity);
        canvas_.line(px - size, py + size, px + size, py - size, color, 2, opacity);
        break;
      default:
        canvas_.circle(px, py, size, color, 2);
    }
  }

 private:
  /// Names of the series under the title, as many in a row as fit.
  void draw_legend(const std::vector<std::string>& names) {
    double x = left_;
    top_ += 20;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const double width = Canvas::text_width(names[i], 11) + 40;
      if (x > left_ && x + width > right_) {
        x = left_;
        top_ += 20;
      }
      mark(x + 6, top_ - 16, i);
      canvas_.text(x + 18, top_ - 12, names[i], 11, colors::ink);
      x += width;
    }
  }

  Canvas canvas_;
  double left_, right_, top_ = 0, bottom_;
  double x_low_ = 0, x_high_ = 1, y_low_ = 0, y_high_ = 1;
};

inline void require_series(const char* function, const std::vector<ChartSeries>& series) {
  for (const ChartSeries& one : series) {
    if (one.x.size() == one.y.size()) continue;
    throw ShapeError(error_text(function, ": the series '", one.name, "' has ", one.x.size(),
                                " x and ", one.y.size(), " y"));
  }
}

inline std::pair<std::vector<double>, std::vector<double>> all_points(
    const std::vector<ChartSeries>& series) {
  std::vector<double> xs, ys;
  for (const ChartSeries& one : series) {
    xs.insert(xs.end(), one.x.begin(), one.x.end());
    ys.insert(ys.end(), one.y.begin(), one.y.end());
  }
  return {std::move(xs), std::move(ys)};
}

inline std::vector<std::string> series_names(const std::vector<ChartSeries>& series) {
  std::vector<std::string> names;
  for (const ChartSeries& one : series) names.push_back(one.name);
  return names;
}

/// A chart's left margin for names as wide as these.
template <class Named>
double name_margin(const std::vector<Named>& rows) {
  double widest = 40;
  for (const auto& row : rows) widest = std::max(widest, Canvas::text_width(row.name, 11));
  return widest + 24;
}

}  // namespace internal

POSEKIT_INLINE Bitmap line_chart(const std::vector<ChartSeries>& series,
                                 const ChartOptions& options) {
  internal::require_series("line_chart", series);
  const auto [xs, ys] = internal::all_points(series);
  internal::ChartFrame frame(options, xs, ys, internal::series_names(series));
  frame.x_ticks();
  frame.y_ticks();
  for (std::size_t s = 0; s < series.size(); ++s) {
    const Color color = chart_palette[s % chart_palette.size()];
    double px = 0, py = 0;
    bool has_last = false;
    const std::size_t marks = std::max<std::size_t>(1, series[s].x.size() / 10);
    for (std::size_t i = 0; i < series[s].x.size(); ++i) {
      const double x = frame.x(series[s].x[i]), y = frame.y(series[s].y[i]);
      if (!std::isfinite(x) || !std::isfinite(y)) {
        has_last = false;
        continue;
      }
      if (has_last) frame.canvas().line(px, py, x, y, color, 2.2);
      if (i % marks == 0) frame.mark(x, y, s);
      px = x;
      py = y;
      has_last = true;
    }
  }
  frame.axes();
  return frame.canvas().bitmap();
}

POSEKIT_INLINE Bitmap scatter_chart(const std::vector<ChartSeries>& series,
                                    const ChartOptions& options) {
  internal::require_series("scatter_chart", series);
  const auto [xs, ys] = internal::all_points(series);
  internal::ChartFrame frame(options, xs, ys, internal::series_names(series));
  frame.x_ticks();
  frame.y_ticks();
  for (std::size_t s = 0; s < series.size(); ++s) {
    for (std::size_t i = 0; i < series[s].x.size(); ++i) {
      const double x = frame.x(series[s].x[i]), y = frame.y(series[s].y[i]);
      if (std::isfinite(x) && std::isfinite(y)) frame.mark(x, y, s, 4, 0.75);
    }
  }
  frame.axes();
  return frame.canvas().bitmap();
}

POSEKIT_INLINE Bitmap bar_chart(const std::vector<ChartBar>& bars, ChartOptions options) {
  std::vector<double> values{0};
  for (const ChartBar& bar : bars) values.push_back(bar.value);
  options.height = std::max<std::size_t>(180, 120 + 26 * bars.size());
  internal::ChartFrame frame(options, values, {}, {}, internal::name_margin(bars));
  frame.x_ticks();
  const double row =
      (frame.bottom() - frame.top()) / static_cast<double>(std::max<std::size_t>(1, bars.size()));
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const double y = frame.top() + row * (static_cast<double>(i) + 0.5);
    frame.canvas().text(frame.left() - 10, y + 4, bars[i].name, 11, colors::ink, TextAlign::right);
    if (!std::isfinite(bars[i].value)) {
      frame.canvas().text(frame.left() + 8, y + 4, "nothing measured", 11, colors::muted);
      continue;
    }
    const double from = std::clamp(frame.x(0), frame.left(), frame.right()),
                 to = std::clamp(frame.x(bars[i].value), frame.left(), frame.right());
    frame.canvas().fill_rectangle(std::min(from, to), y - 0.34 * row, std::max(from, to),
                                  y + 0.34 * row, chart_palette[0]);
    const std::string text = internal::tick_text(bars[i].value);
    const bool inside = to > frame.right() - 60;
    frame.canvas().text(inside ? to - 6 : to + 6, y + 4, text, 11,
                        inside ? colors::white : colors::ink,
                        inside ? TextAlign::right : TextAlign::left);
  }
  frame.axes();
  return frame.canvas().bitmap();
}

POSEKIT_INLINE Bitmap box_chart(const std::vector<ChartBox>& boxes, ChartOptions options) {
  std::vector<double> values;
  for (const ChartBox& box : boxes) {
    if (box.box.count == 0) continue;
    values.insert(values.end(), {box.box.low, box.box.high});
    values.insert(values.end(), box.box.outliers.begin(), box.box.outliers.end());
  }
  options.height = std::max<std::size_t>(180, 120 + 34 * boxes.size());
  internal::ChartFrame frame(options, values, {}, {}, internal::name_margin(boxes));
  frame.x_ticks();
  const double row =
      (frame.bottom() - frame.top()) / static_cast<double>(std::max<std::size_t>(1, boxes.size()));
  Canvas& canvas = frame.canvas();
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const BoxPlot& box = boxes[i].box;
    const double y = frame.top() + row * (static_cast<double>(i) + 0.5), half = 0.3 * row;
    canvas.text(frame.left() - 10, y + 4, boxes[i].name, 11, colors::ink, TextAlign::right);
    if (box.count == 0) {
      canvas.text(frame.left() + 8, y + 4, "nothing measured", 11, colors::muted);
      continue;
    }
    canvas.line(frame.x(box.low), y, frame.x(box.high), y, colors::ink, 1.4);
    for (const double end : {box.low, box.high}) {
      canvas.line(frame.x(end), y - 0.5 * half, frame.x(end), y + 0.5 * half, colors::ink, 1.4);
    }
    canvas.fill_rectangle(frame.x(box.q1), y - half, frame.x(box.q3), y + half, chart_palette[5]);
    canvas.rectangle(frame.x(box.q1), y - half, frame.x(box.q3), y + half, colors::ink, 1.4);
    canvas.line(frame.x(box.median), y - half, frame.x(box.median), y + half, chart_palette[1], 3);
    for (const double outlier : box.outliers) {
      canvas.circle(frame.x(outlier), y, 3, colors::muted, 1.4);
    }
  }
  frame.axes();
  return canvas.bitmap();
}

POSEKIT_INLINE Bitmap matrix_chart(const Tensor<double>& matrix,
                                   const std::vector<std::string>& rows,
                                   const std::vector<std::string>& columns,
                                   const ChartOptions& options) {
  if (matrix.dimension() != 2 || matrix.shape()[0] != rows.size() ||
      matrix.shape()[1] != columns.size()) {
    throw ShapeError(error_text("matrix_chart: the matrix has shape ", to_string(shape_of(matrix)),
                                ", there are ", rows.size(), " names of rows and ", columns.size(),
                                " of columns"));
  }
  constexpr double cell = 38;
  double row_names = 40, column_names = 40, top_value = 0;
  for (const std::string& name : rows) {
    row_names = std::max(row_names, Canvas::text_width(name, 11));
  }
  for (const std::string& name : columns) {
    column_names = std::max(column_names, Canvas::text_width(name, 11));
  }
  for (const double value : matrix) {
    if (std::isfinite(value)) top_value = std::max(top_value, value);
  }
  // Names of columns stand aslant.
  constexpr double slant = 0.7071;
  const double left = row_names + 30, top = 92 + slant * column_names;
  const auto width = static_cast<std::size_t>(
      std::max(left + cell * static_cast<double>(columns.size()) + slant * column_names + 16,
               Canvas::text_width(options.title, 15) + 60));
  const auto height = static_cast<std::size_t>(top + cell * static_cast<double>(rows.size()) + 48);
  Canvas canvas(width, height);
  canvas.text(20, 32, options.title, 15, colors::ink, TextAlign::left, 1.25);
  canvas.text(20, 54, options.y.label + " in rows, " + options.x.label + " in columns", 11,
              colors::muted);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const double x = left + cell * (static_cast<double>(c) + 0.5);
    canvas.slanted_text(x - 2, top - 8, columns[c], 11, colors::ink);
  }
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const double y = top + cell * static_cast<double>(r);
    canvas.text(left - 10, y + cell / 2 + 4, rows[r], 11, colors::ink, TextAlign::right);
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const double x = left + cell * static_cast<double>(c);
      const double value = matrix(r, c);
      if (std::isfinite(value) && value > 0) {
        const double shade = top_value > 0 ? value / top_value : 0;
        canvas.fill_rectangle(x, y, x + cell, y + cell,
                              mix(colors::paper, chart_palette[0], 0.15 + 0.85 * shade));
        canvas.text(x + cell / 2, y + cell / 2 + 4, internal::tick_text(value), 10,
                    shade > 0.5 ? colors::white : colors::ink, TextAlign::centre);
      }
      canvas.rectangle(x, y, x + cell, y + cell, colors::rule);
    }
  }
  return canvas.bitmap();
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_VIZ
