#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <posekit/attribution/gaussian_kernel.hpp>
#include <posekit/attribution/quadrature.hpp>
#include <posekit/attribution/score.hpp>
#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/progress.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The way from the baseline to the image.
enum class PathKind {
  blur,      ///< ever less Gaussian blur, Eq. (8) of PoseIG
  straight,  ///< linear interpolation from a baseline image, Eq. (5)
};

/// Where a straight path begins.
enum class Baseline {
  black,     ///< 0 everywhere
  mean,      ///< the image's mean colour
  constant,  ///< PoseIgOptions::baseline_value everywhere
  image,     ///< the image passed to pose_ig
};

/// What is integrated.
enum class Integrand {
  path_derivative,  ///< grad S(gamma) * gamma'(alpha): the attributions sum to S(x) - S(baseline)
  endpoint_difference,  ///< Eq. (10) as printed: (x - baseline) * the integral of grad S(gamma);
                        ///< the same for a straight path, not complete for a blur path
};

struct PoseIgOptions {
  PathKind path = PathKind::blur;
  double sigma = 19.0;  ///< pixels; the blur path's baseline
  BlurKernel kernel = BlurKernel::gaussian;
  Baseline baseline = Baseline::black;
  double baseline_value = 0.0;
  std::size_t steps = 50;
  Quadrature rule = Quadrature::midpoint;
  Integrand integrand = Integrand::path_derivative;
  Likelihood likelihood{};
  /// Gradients are averaged over this many noisy copies of each point (SmoothGrad); 0: none.
  std::size_t noise_samples = 0;
  double noise_sigma = 0.1;  ///< standard deviation, in the image's units
  std::uint64_t seed = 0;
  int threads = 0;  ///< path steps in parallel; 0: as many as OpenMP would use
  ProgressCallback progress{};
};

/// What `pose_ig` returns. J joints, an image [C, H, W], D coordinates.
template <class T>
struct PoseIgResult {
  Tensor<T> attributions;      ///< [J, C, H, W], signed
  Tensor<T> pose;              ///< [J, D], the prediction for the image
  Tensor<T> pose_baseline;     ///< [J, D], the prediction for the baseline
  Tensor<T> score;             ///< [J], S of the image
  Tensor<T> score_baseline;    ///< [J], S of the baseline
  Tensor<T> completeness_gap;  ///< [J], |sum of the attributions - (score - score_baseline)|
  Tensor<T> baseline;          ///< [C, H, W]

  /// [J, H, W], the attributions summed over the channels.
  Tensor<T> signed_maps() const;

  /// [J, H, W], the magnitude of the sum over the channels: what the indices are computed from.
  Tensor<T> maps() const;
};

/// A model of poses, whatever its type: Vars [1, C, H, W] to Vars [1, J, D].
template <class T>
using PoseFunction = std::function<Var<T>(const Var<T>&)>;

namespace internal {

template <class T>
PoseIgResult<T> pose_ig(const PoseFunction<T>& model, const Tensor<T>& image,
                        const Tensor<T>& truth, const PoseIgOptions& options,
                        const std::optional<Tensor<T>>& baseline);

}  // namespace internal

/// Pose integrated gradients: which pixels of an image made a model put each joint where it did.
///
/// `model` is any callable Var<T> -> Var<T> from images [1, C, H, W] to poses [1, J, D]; it is
/// called from several threads at once, each with its own tape. `image` is [C, H, W], `truth` [1,
/// J, D] or [J, D] (D = 2 or 3) in the model's output space. All joints share each forward pass.
///
/// For joint k the attribution is Eq. (10) of PoseIG with the path derivative inside the integral,
///     G = integral over alpha of dS(model(gamma(alpha)), truth, k) / dx * gamma'(alpha)
/// or, with Integrand::endpoint_difference, as printed. The result does not depend on the number of
/// threads, and the memory not on the number of steps.
///
/// Throws ShapeError and ValueError for impossible arguments, Cancelled when the progress callback
/// returns false, and whatever the model throws.
template <class Model, class T>
PoseIgResult<T> pose_ig(const Model& model, const Tensor<T>& image, const Tensor<T>& truth,
                        const PoseIgOptions& options = {},
                        const std::optional<Tensor<T>>& baseline = {}) {
  const PoseFunction<T> function = [&model](const Var<T>& x) -> Var<T> { return model(x); };
  return internal::pose_ig(function, image, truth, options, baseline);
}

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_ATTRIBUTION

#include <posekit/attribution/path.hpp>
#include <posekit/core/random.hpp>
#include <posekit/core/require.hpp>
#include <posekit/core/threads.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
Tensor<T> PoseIgResult<T>::signed_maps() const {
  const auto& shape = attributions.shape();
  Tensor<T> maps = zeros<T>({shape[0], shape[2], shape[3]});
  const std::size_t pixels = shape[2] * shape[3];
  for (std::size_t j = 0; j < shape[0]; ++j) {
    for (std::size_t c = 0; c < shape[1]; ++c) {
      const T* plane = attributions.data() + (j * shape[1] + c) * pixels;
      for (std::size_t i = 0; i < pixels; ++i) maps.data()[j * pixels + i] += plane[i];
    }
  }
  return maps;
}

template <class T>
Tensor<T> PoseIgResult<T>::maps() const {
  Tensor<T> maps = signed_maps();
  for (std::size_t i = 0; i < maps.size(); ++i) maps.data()[i] = std::abs(maps.data()[i]);
  return maps;
}

namespace internal {

template <class T>
Tensor<T> baseline_image(const Tensor<T>& image, const PoseIgOptions& options,
                         const std::optional<Tensor<T>>& given) {
  Tensor<T> baseline = zeros<T>(shape_of(image));
  const std::size_t pixels = image.shape()[1] * image.shape()[2];
  switch (options.baseline) {
    case Baseline::black:
      break;
    case Baseline::constant:
      std::fill_n(baseline.data(), baseline.size(), static_cast<T>(options.baseline_value));
      break;
    case Baseline::mean:
      for (std::size_t c = 0; c < image.shape()[0]; ++c) {
        double sum = 0;
        for (std::size_t i = 0; i < pixels; ++i)
          sum += static_cast<double>(image.data()[c * pixels + i]);
        std::fill_n(baseline.data() + c * pixels, pixels,
                    static_cast<T>(sum / static_cast<double>(pixels)));
      }
      break;
    case Baseline::image:
      if (!given) throw ValueError("pose_ig: Baseline::image needs a baseline image");
      require_finite(*given, "pose_ig", "baseline");
      return *given;
  }
  return baseline;
}

/// Throws ShapeError and ValueError where there is nothing that could be computed.
template <class T>
void require_pose_ig_arguments(const Tensor<T>& image, const Tensor<T>& truth,
                               const PoseIgOptions& options) {
  require_rank(image, 3, "pose_ig", "image", "[C, H, W]");
  if (image.size() == 0) {
    throw ShapeError(
        error_text("pose_ig: image has shape ", to_string(image.shape()), ", expected pixels"));
  }
  const std::size_t rank = truth.dimension();
  if ((rank != 2 && rank != 3) || (rank == 3 && truth.shape()[0] != 1) || truth.size() == 0 ||
      (truth.shape()[rank - 1] != 2 && truth.shape()[rank - 1] != 3)) {
    throw ShapeError(error_text("pose_ig: truth has shape ", to_string(truth.shape()),
                                ", expected [1, J, D] or [J, D] with D = 2 or 3"));
  }
  require_finite(image, "pose_ig", "image");
  require_finite(truth, "pose_ig", "truth");
  require_positive("pose_ig", "likelihood.c", options.likelihood.c);
  require_positive("pose_ig", "noise_sigma", options.noise_sigma, true);
  require_finite_number("pose_ig", "baseline_value", options.baseline_value);
}

/// What all steps of a path have in common.
template <class T>
struct PoseIgProblem {
  const PoseFunction<T>& model;
  const Tensor<T>& truth;  // [.., J, D]
  const PoseIgOptions& options;
  const ImagePath<T>& path;
  std::size_t joints, dimensions;

  /// Points whose gradients are averaged at each step.
  std::size_t samples() const { return std::max<std::size_t>(options.noise_samples, 1); }

  /// The model's poses [1, J, D] for images [1, C, H, W].
  Var<T> pose(Tape<T>& tape, const Var<T>& x) const {
    const Var<T> pose = model(x);
    const Shape& shape = pose.shape();
    if (shape != Shape{1, joints, dimensions}) {
      throw ShapeError(error_text("pose_ig: the model returned shape ", to_string(shape),
                                  ", expected [1, ", joints, ", ", dimensions, "] as truth says"));
    }
    if (&pose.tape() != &tape) throw Error("pose_ig: the model returned a Var of another tape");
    return pose;
  }

  /// S of joint j, and dS/dpose [D] into `gradient` unless it is null.
  double score(const Tensor<T>& pose, std::size_t j, double* gradient = nullptr) const {
    return likelihood(options.likelihood, pose.data() + j * dimensions,
                      truth.data() + j * dimensions, dimensions, gradient);
  }

  /// The pose [J, D] for one image [C, H, W].
  Tensor<T> pose_of(Tape<T>& tape, const Tensor<T>& image) const {
    tape.clear();
    Shape shape = path.shape();
    shape.insert(shape.begin(), 1);
    const Var<T> output = pose(tape, tape.constant(reshaped(Tensor<T>(image), shape)));
    require_finite(output.value(), "pose_ig", "the model's output");
    return reshaped(Tensor<T>(output.value()), {joints, dimensions});
  }
};

/// The integrand at a point of the path. Each thread has its own, with a tape and buffers.
template <class T>
class PoseIgStep {
 public:
  PoseIgStep(const PoseIgProblem<T>& problem, int threads)
      : problem_(problem),
        along_path_(problem.options.integrand == Integrand::path_derivative),
        tape_({.threads = threads}),
        point_(make_tensor<T>(problem.path.shape())),
        derivative_(make_tensor<T>(problem.path.shape())),
        integrand_(make_tensor<T>({problem.joints, point_.size()})),
        scales_(problem.joints) {}

  /// dS/dx (times the path's derivative) for each joint, summed over the noisy samples:
  /// [J, C * H * W]. `step` numbers the random numbers.
  const Tensor<T>& operator()(double position, std::size_t step) {
    problem_.path.point(position, point_, along_path_ ? &derivative_ : nullptr);
    std::fill_n(integrand_.data(), integrand_.size(), T(0));
    const std::size_t samples = problem_.samples();
    for (std::size_t sample = 0; sample < samples; ++sample) add_sample(step * samples + sample);
    return integrand_;
  }

 private:
  void add_sample(std::size_t stream) {
    tape_.clear();
    const Var<T> input = tape_.variable(noisy_point(stream));
    const Var<T> pose = problem_.pose(tape_, input);
    require_finite(pose.value(), "pose_ig", "the model's output along the path");
    Tensor<T> gradients = tape_.vjp(pose, unit_seeds(pose.value()), input);
    const std::size_t size = point_.size();
    for (std::size_t j = 0; j < problem_.joints; ++j) {
      const T scale = scales_[j];
      const T* gradient = gradients.data() + j * size;
      T* sum = integrand_.data() + j * size;
      if (along_path_) {
        const T* derivative = derivative_.data();
        for (std::size_t i = 0; i < size; ++i) sum[i] += scale * gradient[i] * derivative[i];
      } else {
        for (std::size_t i = 0; i < size; ++i) sum[i] += scale * gradient[i];
      }
    }
    tape_.pool().give(std::move(gradients));
  }

  Tensor<T> noisy_point(std::size_t stream) {
    Shape shape = problem_.path.shape();
    shape.insert(shape.begin(), 1);
    Tensor<T> x = tape_.pool().take(shape);
    std::copy_n(point_.data(), point_.size(), x.data());
    if (problem_.options.noise_samples > 0) {
      const CounterRandom random(problem_.options.seed, stream);
      for (std::size_t i = 0; i < x.size(); ++i) {
        x.data()[i] += static_cast<T>(problem_.options.noise_sigma * random.normal(i));
      }
    }
    return x;
  }

  /// dS_j/dpose for each joint j, of unit size; `scales_` holds the sizes. A score close to 0 then
  /// does not lose its gradient's digits to underflow on the way through the network.
  Tensor<T> unit_seeds(const Tensor<T>& pose) {
    const std::size_t joints = problem_.joints, dimensions = problem_.dimensions;
    Tensor<T> seeds = zeros<T>({joints, 1, joints, dimensions});
    for (std::size_t j = 0; j < joints; ++j) {
      double gradient[3] = {};
      problem_.score(pose, j, gradient);
      double largest = 0;
      for (const double g : gradient) largest = std::max(largest, std::abs(g));
      scales_[j] = static_cast<T>(largest);
      if (!(scales_[j] >= std::numeric_limits<T>::min())) continue;
      for (std::size_t d = 0; d < dimensions; ++d) {
        seeds.data()[(j * joints + j) * dimensions + d] = static_cast<T>(gradient[d] / largest);
      }
    }
    return seeds;
  }

  const PoseIgProblem<T>& problem_;
  bool along_path_;
  Tape<T> tape_;
  Tensor<T> point_;
  Tensor<T> derivative_;
  Tensor<T> integrand_;
  std::vector<T> scales_;
};

template <class T>
PoseIgResult<T> pose_ig(const PoseFunction<T>& model, const Tensor<T>& image,
                        const Tensor<T>& truth, const PoseIgOptions& options,
                        const std::optional<Tensor<T>>& baseline) {
  require_pose_ig_arguments(image, truth, options);
  const auto nodes = quadrature_nodes(options.rule, options.steps);
  std::unique_ptr<const ImagePath<T>> path;
  if (options.path == PathKind::blur) {
    path = std::make_unique<BlurPath<T>>(image, options.sigma, options.kernel);
  } else {
    path = std::make_unique<StraightPath<T>>(baseline_image(image, options, baseline), image);
  }
  const std::size_t joints = truth.shape()[truth.dimension() - 2];
  const PoseIgProblem<T> problem{model, truth,  options,
                                 *path, joints, truth.shape()[truth.dimension() - 1]};

  PoseIgResult<T> result;
  result.baseline = path->image_at(0.0);
  {
    Tape<T> tape({.threads = options.threads});
    result.pose = problem.pose_of(tape, image);
    result.pose_baseline = problem.pose_of(tape, result.baseline);
  }

  const std::size_t size = image.size();
  std::vector<double> sums(joints * size, 0.0);
  const int threads = static_cast<int>(std::min<std::size_t>(
      static_cast<std::size_t>(resolve_threads(options.threads)), nodes.size()));
  using Step = PoseIgStep<T>;
  struct Worker {
    std::unique_ptr<Step> step;
    const Tensor<T>* integrand = nullptr;
  };
  parallel_ordered(
      nodes.size(), threads,
      [&] { return Worker{std::make_unique<Step>(problem, threads > 1 ? 1 : options.threads)}; },
      [&](Worker& worker, std::size_t i) {
        worker.integrand = &(*worker.step)(nodes[i].position, i);
      },
      [&](const Worker& worker, std::size_t i) {
        const double weight = nodes[i].weight / static_cast<double>(problem.samples());
        const T* integrand = worker.integrand->data();
        for (std::size_t k = 0; k < sums.size(); ++k)
          sums[k] += weight * static_cast<double>(integrand[k]);
        if (options.progress && !options.progress({i + 1, nodes.size()})) {
          throw Cancelled(
              error_text("pose_ig: cancelled after ", i + 1, " of ", nodes.size(), " steps"));
        }
      });

  if (options.integrand == Integrand::endpoint_difference) {
    for (std::size_t k = 0; k < sums.size(); ++k) {
      sums[k] *= static_cast<double>(image.data()[k % size]) -
                 static_cast<double>(result.baseline.data()[k % size]);
    }
  }
  result.attributions =
      make_tensor<T>({joints, image.shape()[0], image.shape()[1], image.shape()[2]});
  std::transform(sums.begin(), sums.end(), result.attributions.data(),
                 [](double value) { return static_cast<T>(value); });
  result.score = zeros<T>({joints});
  result.score_baseline = zeros<T>({joints});
  result.completeness_gap = zeros<T>({joints});
  for (std::size_t j = 0; j < joints; ++j) {
    const double score = problem.score(result.pose, j);
    const double score_baseline = problem.score(result.pose_baseline, j);
    double total = 0;
    for (std::size_t i = 0; i < size; ++i) total += sums[j * size + i];
    result.score.data()[j] = static_cast<T>(score);
    result.score_baseline.data()[j] = static_cast<T>(score_baseline);
    result.completeness_gap.data()[j] = static_cast<T>(std::abs(total - (score - score_baseline)));
  }
  return result;
}

}  // namespace internal

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_ATTRIBUTION
