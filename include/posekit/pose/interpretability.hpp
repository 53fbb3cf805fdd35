#pragma once

// Predictions that are right for the wrong reasons: accurate, but with little of the attribution on
// the person (PoseIG, section 5.1).

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/pose_metric.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Which samples are of low interpretability: both their error and their foreground index lie in
/// the first quartile over all joints.
struct LowInterpretability {
  double error_quartile = 0, index_quartile = 0;  ///< the limits, inclusive
  /// Values 1 for such samples, 0 for others, NaN where one was not measured: the means are rates
  /// (LIR), per joint and, with per_group, per group.
  PoseMetric rate;
};

/// `errors` is an end-point error (its mean is MEPE), `foreground_index` [F, joints] belongs to the
/// same joints. Throws ShapeError.
LowInterpretability low_interpretability(const PoseMetric& errors,
                                         const Tensor<double>& foreground_index);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <posekit/core/error.hpp>
#include <posekit/core/statistics.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE LowInterpretability low_interpretability(const PoseMetric& errors,
                                                        const Tensor<double>& foreground_index) {
  if (shape_of(foreground_index) != shape_of(errors.values)) {
    throw ShapeError(error_text("low_interpretability: errors have shape ",
                                to_string(shape_of(errors.values)), ", foreground_index has shape ",
                                to_string(shape_of(foreground_index)), ", expected the same"));
  }
  std::vector<double> error(errors.values.begin(), errors.values.end());
  std::vector<double> index(foreground_index.begin(), foreground_index.end());
  for (std::size_t i = 0; i < error.size(); ++i) {
    if (std::isnan(error[i]) || std::isnan(index[i])) {
      error[i] = index[i] = std::numeric_limits<double>::quiet_NaN();
    }
  }
  LowInterpretability result;
  result.error_quartile = quantile(error, 0.25);
  result.index_quartile = quantile(index, 0.25);
  result.rate.name = "low_interpretability_rate";
  result.rate.unit = "fraction";
  result.rate.alignment = errors.alignment;
  result.rate.joints = errors.joints;
  result.rate.values = make_tensor<double>(shape_of(errors.values));
  for (std::size_t i = 0; i < error.size(); ++i) {
    result.rate.values.data()[i] =
        std::isnan(error[i])
            ? std::numeric_limits<double>::quiet_NaN()
            : (error[i] <= result.error_quartile && index[i] <= result.index_quartile ? 1.0 : 0.0);
  }
  result.rate = internal::summarised(std::move(result.rate));
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
