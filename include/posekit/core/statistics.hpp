#pragma once

// Numbers that summarise other numbers. NaN marks what was not measured, and is left out.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// What a box plot shows: quartiles, the furthest values within 1.5 times their distance, and what
/// lies beyond (Tukey).
struct BoxPlot {
  std::size_t count = 0;
  double low = 0, q1 = 0, median = 0, q3 = 0, high = 0;  ///< low and high: the whiskers' ends
  std::vector<double> outliers;
};

/// Box plots of values by the quartiles of another quantity.
struct QuartileBoxes {
  std::array<double, 5> edges{};  ///< least, quartiles, most of that quantity
  std::array<BoxPlot, 4> boxes;
};

/// How many values lie in each bin of equal width; the last bin holds its upper edge too.
struct Histogram {
  double first = 0, width = 0;
  std::vector<std::size_t> counts;
};

/// The mean of the values that are not NaN; NaN where there are none.
double mean_measured(std::span<const double> values);

/// The values that are not NaN, in ascending order.
std::vector<double> sorted_values(std::span<const double> values);

/// The value below which a fraction q of the values lies, linear between neighbours (NumPy's
/// default); NaN where there are none. Throws ValueError unless q is in [0, 1].
double quantile(std::span<const double> values, double q);

BoxPlot box_plot(std::span<const double> values);

/// What `values` are where `by` is in its first, second, third and last quartile. Pairs of which
/// one is NaN are left out. Throws ShapeError.
QuartileBoxes box_plots_by_quartile(std::span<const double> values, std::span<const double> by);

/// Throws ValueError unless there is a bin and first < last. What lies outside is not counted.
Histogram histogram(std::span<const double> values, std::size_t bins, double first, double last);

/// Pearson's correlation of the pairs of which both are measured; NaN where one does not vary.
double correlation(std::span<const double> a, std::span<const double> b);

/// Each value's place in ascending order from 1 on; equal ones share the mean of theirs. Throws
/// ValueError for NaN, which has no place.
std::vector<double> ranks(std::span<const double> values);

/// Spearman's rank correlation of the pairs of which both are measured.
double rank_correlation(std::span<const double> a, std::span<const double> b);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_CORE

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE double mean_measured(std::span<const double> values) {
  double sum = 0;
  std::size_t count = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    ++count;
  }
  return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(count);
}

POSEKIT_INLINE std::vector<double> sorted_values(std::span<const double> values) {
  std::vector<double> sorted;
  for (const double value : values) {
    if (!std::isnan(value)) sorted.push_back(value);
  }
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

POSEKIT_INLINE double quantile(std::span<const double> values, double q) {
  if (!(q >= 0 && q <= 1)) {
    throw ValueError(error_text("quantile: q is ", q, ", expected 0 to 1"));
  }
  const std::vector<double> sorted = sorted_values(values);
  if (sorted.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double part = place - static_cast<double>(below);
  return part == 0 ? sorted[below] : sorted[below] + part * (sorted[above] - sorted[below]);
}

POSEKIT_INLINE BoxPlot box_plot(std::span<const double> values) {
  const std::vector<double> sorted = sorted_values(values);
  BoxPlot box;
  box.count = sorted.size();
  box.q1 = quantile(sorted, 0.25);
  box.median = quantile(sorted, 0.5);
  box.q3 = quantile(sorted, 0.75);
  box.low = box.q1;
  box.high = box.q3;
  const double reach = 1.5 * (box.q3 - box.q1);
  for (const double value : sorted) {
    if (value < box.q1 - reach || value > box.q3 + reach) {
      box.outliers.push_back(value);
    } else {
      box.low = std::min(box.low, value);
      box.high = std::max(box.high, value);
    }
  }
  return box;
}

POSEKIT_INLINE QuartileBoxes box_plots_by_quartile(std::span<const double> values,
                                                   std::span<const double> by) {
  if (values.size() != by.size()) {
    throw ShapeError(error_text("box_plots_by_quartile: there are ", values.size(), " and ",
                                by.size(), " values"));
  }
  std::vector<double> known;
  for (std::size_t i = 0; i < by.size(); ++i) {
    if (!std::isnan(values[i]) && !std::isnan(by[i])) known.push_back(by[i]);
  }
  QuartileBoxes result;
  for (std::size_t q = 0; q < 5; ++q) {
    result.edges[q] = quantile(known, 0.25 * static_cast<double>(q));
  }
  std::array<std::vector<double>, 4> groups;
  for (std::size_t i = 0; i < by.size(); ++i) {
    if (std::isnan(values[i]) || std::isnan(by[i])) continue;
    std::size_t q = 0;
    while (q < 3 && by[i] > result.edges[q + 1]) ++q;
    groups[q].push_back(values[i]);
  }
  for (std::size_t q = 0; q < 4; ++q) result.boxes[q] = box_plot(groups[q]);
  return result;
}

POSEKIT_INLINE Histogram histogram(std::span<const double> values, std::size_t bins, double first,
                                   double last) {
  if (bins == 0 || !(first < last)) {
    throw ValueError(error_text("histogram: expected bins from a lower to a higher value, found ",
                                bins, " bins from ", first, " to ", last));
  }
  Histogram result{first, (last - first) / static_cast<double>(bins),
                   std::vector<std::size_t>(bins)};
  for (const double value : values) {
    if (!(value >= first && value <= last)) continue;
    const auto bin = static_cast<std::size_t>((value - first) / result.width);
    ++result.counts[std::min(bin, bins - 1)];
  }
  return result;
}

POSEKIT_INLINE double correlation(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) {
    throw ShapeError(error_text("correlation: there are ", a.size(), " and ", b.size(), " values"));
  }
  double count = 0, mean_a = 0, mean_b = 0, aa = 0, bb = 0, ab = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) || std::isnan(b[i])) continue;
    count += 1;
    const double da = a[i] - mean_a, db = b[i] - mean_b;
    mean_a += da / count;
    mean_b += db / count;
    aa += da * (a[i] - mean_a);
    bb += db * (b[i] - mean_b);
    ab += da * (b[i] - mean_b);
  }
  if (!(aa > 0 && bb > 0)) return std::numeric_limits<double>::quiet_NaN();
  return ab / std::sqrt(aa * bb);
}

POSEKIT_INLINE std::vector<double> ranks(std::span<const double> values) {
  for (const double value : values) {
    if (std::isnan(value)) throw ValueError("ranks: a value is NaN");
  }
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t i, std::size_t k) { return values[i] < values[k]; });
  std::vector<double> result(values.size());
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i + 1;
    while (end < order.size() && values[order[end]] == values[order[i]]) ++end;
    const double mean = (static_cast<double>(i + 1) + static_cast<double>(end)) / 2;
    for (; i < end; ++i) result[order[i]] = mean;
  }
  return result;
}

POSEKIT_INLINE double rank_correlation(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) {
    throw ShapeError(
        error_text("rank_correlation: there are ", a.size(), " and ", b.size(), " values"));
  }
  std::vector<double> x, y;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) || std::isnan(b[i])) continue;
    x.push_back(a[i]);
    y.push_back(b[i]);
  }
  return correlation(ranks(x), ranks(y));
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_CORE
