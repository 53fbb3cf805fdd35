#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <posekit/attribution/path.hpp>
#include <posekit/attribution/quadrature.hpp>
#include <posekit/attribution/score.hpp>
#include <posekit/autodiff/tape.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/progress.hpp>
#include <posekit/core/random.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/core/threads.hpp>

namespace posekit {

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
  path_derivative,      ///< grad S(gamma) * gamma'(alpha): the attributions sum to S(x) - S(baseline)
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

}  // namespace posekit

namespace posekit::inline POSEKIT_ISA {

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
  Tensor<T> signed_maps() const {
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

  /// [J, H, W], the magnitude of the sum over the channels: what the indices are computed from.
  Tensor<T> maps() const {
    Tensor<T> maps = signed_maps();
    for (std::size_t i = 0; i < maps.size(); ++i) maps.data()[i] = std::abs(maps.data()[i]);
    return maps;
  }
};

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
        for (std::size_t i = 0; i < pixels; ++i) sum += static_cast<double>(image.data()[c * pixels + i]);
        std::fill_n(baseline.data() + c * pixels, pixels, static_cast<T>(sum / static_cast<double>(pixels)));
      }
      break;
    case Baseline::image:
      if (!given) throw ValueError("pose_ig: Baseline::image needs a baseline image");
      return *given;
  }
  return baseline;
}

/// The poses [J, D] that the model gives for one image [C, H, W].
template <class T, class Model>
Var<T> run_pose_model(const Model& model, Tape<T>& tape, const Var<T>& x, std::size_t joints,
                      std::size_t dimensions) {
  const Var<T> pose = model(x);
  const Shape shape = pose.shape();
  if (shape != Shape{1, joints, dimensions}) {
    throw ShapeError(error_text("pose_ig: the model returned shape ", to_string(shape),
                                ", expected [1, ", joints, ", ", dimensions, "] as truth says"));
  }
  if (&pose.tape() != &tape) throw Error("pose_ig: the model returned a Var of another tape");
  return pose;
}

template <class T>
Tensor<T> with_batch_axis(const Tensor<T>& image) {
  Shape shape = shape_of(image);
  shape.insert(shape.begin(), 1);
  return reshaped(Tensor<T>(image), shape);
}

}  // namespace internal

/// Pose integrated gradients: which pixels of an image made a model put each joint where it did.
///
/// `model` is any callable Var<T> -> Var<T> from images [1, C, H, W] to poses [1, J, D]; it is called
/// from several threads at once, each with its own tape. `image` is [C, H, W], `truth` [1, J, D] or
/// [J, D] (D = 2 or 3) in the model's output space. All joints share each forward pass.
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
  require_rank(image, 3, "pose_ig", "image", "[C, H, W]");
  if (image.size() == 0) {
    throw ShapeError(error_text("pose_ig: image has shape ", to_string(image.shape()),
                                ", expected pixels"));
  }
  const std::size_t rank = truth.dimension();
  if ((rank != 2 && rank != 3) || (rank == 3 && truth.shape()[0] != 1) || truth.size() == 0 ||
      (truth.shape()[rank - 1] != 2 && truth.shape()[rank - 1] != 3)) {
    throw ShapeError(error_text("pose_ig: truth has shape ", to_string(truth.shape()),
                                ", expected [1, J, D] or [J, D] with D = 2 or 3"));
  }
  require_finite(image, "pose_ig", "image");
  require_finite(truth, "pose_ig", "truth");
  if (!(options.likelihood.c > 0)) {
    throw ValueError(error_text("pose_ig: likelihood.c is ", options.likelihood.c,
                                ", expected a positive number"));
  }
  const std::size_t dimensions = truth.shape()[rank - 1];
  const std::size_t joints = truth.shape()[rank - 2];
  const auto nodes = quadrature_nodes(options.rule, options.steps);

  std::unique_ptr<ImagePath<T>> path;
  if (options.path == PathKind::blur) {
    path = std::make_unique<BlurPath<T>>(image, options.sigma, options.kernel);
  } else {
    path = std::make_unique<StraightPath<T>>(internal::baseline_image(image, options, baseline), image);
  }

  PoseIgResult<T> result;
  result.baseline = path->image_at(0.0);
  result.score = zeros<T>({joints});
  result.score_baseline = zeros<T>({joints});
  result.completeness_gap = zeros<T>({joints});
  std::vector<double> score_difference(joints);
  {
    Tape<T> tape({.threads = options.threads});
    const auto evaluate = [&](const Tensor<T>& x, Tensor<T>& pose, Tensor<T>& score, double sign) {
      tape.clear();
      const Var<T> output = internal::run_pose_model(
          model, tape, tape.constant(internal::with_batch_axis(x)), joints, dimensions);
      pose = reshaped(Tensor<T>(output.value()), {joints, dimensions});
      require_finite(pose, "pose_ig", "the model's output");
      for (std::size_t j = 0; j < joints; ++j) {
        const double s = likelihood(options.likelihood, pose.data() + j * dimensions,
                                    truth.data() + j * dimensions, dimensions);
        score.data()[j] = static_cast<T>(s);
        score_difference[j] += sign * s;
      }
    };
    evaluate(image, result.pose, result.score, 1.0);
    evaluate(result.baseline, result.pose_baseline, result.score_baseline, -1.0);
  }

  const std::size_t size = image.size();
  const bool along_path = options.integrand == Integrand::path_derivative;
  const std::size_t samples = std::max<std::size_t>(options.noise_samples, 1);
  const int threads = resolve_threads(options.threads);
  const int step_threads = static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(threads), nodes.size()));
  std::vector<double> sums(joints * size, 0.0);

  struct Worker {
    Worker(const Shape& shape, std::size_t joints, int tape_threads)
        : tape({.threads = tape_threads}),
          point(make_tensor<T>(shape)),
          derivative(make_tensor<T>(shape)),
          sums(make_tensor<T>({joints, shape[0], shape[1], shape[2]})),
          scales(joints) {}
    Tape<T> tape;
    Tensor<T> point;
    Tensor<T> derivative;
    Tensor<T> sums;         // [joints, C, H, W], the integrand summed over the noisy samples
    std::vector<T> scales;  // of the joints' seeds
  };
  const auto make_worker = [&] {
    return std::make_unique<Worker>(path->shape(), joints, step_threads > 1 ? 1 : options.threads);
  };
  const auto compute = [&](std::unique_ptr<Worker>& worker, std::size_t step) {
    path->point(nodes[step].position, worker->point, along_path ? &worker->derivative : nullptr);
    Tape<T>& tape = worker->tape;
    for (std::size_t sample = 0; sample < samples; ++sample) {
      Tensor<T> x = tape.pool().take({1, image.shape()[0], image.shape()[1], image.shape()[2]});
      std::copy_n(worker->point.data(), size, x.data());
      if (options.noise_samples > 0) {
        const CounterRandom random(options.seed, step * samples + sample);
        for (std::size_t i = 0; i < size; ++i) {
          x.data()[i] += static_cast<T>(options.noise_sigma * random.normal(i));
        }
      }
      tape.clear();
      const Var<T> input = tape.variable(std::move(x));
      const Var<T> pose = internal::run_pose_model(model, tape, input, joints, dimensions);
      require_finite(pose.value(), "pose_ig", "the model's output along the path");
      // Seeds of unit size, scaled back afterwards: a score close to 0 does not lose its gradient's
      // digits to underflow on the way through the network.
      Tensor<T> seeds = zeros<T>({joints, 1, joints, dimensions});
      for (std::size_t j = 0; j < joints; ++j) {
        double gradient[3] = {};
        likelihood(options.likelihood, pose.value().data() + j * dimensions,
                   truth.data() + j * dimensions, dimensions, gradient);
        double largest = 0;
        for (const double g : gradient) largest = std::max(largest, std::abs(g));
        worker->scales[j] = static_cast<T>(largest);
        if (!(worker->scales[j] >= std::numeric_limits<T>::min())) continue;
        for (std::size_t d = 0; d < dimensions; ++d) {
          seeds.data()[(j * joints + j) * dimensions + d] = static_cast<T>(gradient[d] / largest);
        }
      }
      Tensor<T> gradients = tape.vjp(pose, seeds, input);
      if (sample == 0) std::fill_n(worker->sums.data(), worker->sums.size(), T(0));
      for (std::size_t j = 0; j < joints; ++j) {
        const T scale = worker->scales[j];
        const T* gradient = gradients.data() + j * size;
        T* sum = worker->sums.data() + j * size;
        if (along_path) {
          const T* derivative = worker->derivative.data();
          for (std::size_t i = 0; i < size; ++i) sum[i] += scale * gradient[i] * derivative[i];
        } else {
          for (std::size_t i = 0; i < size; ++i) sum[i] += scale * gradient[i];
        }
      }
      tape.pool().give(std::move(gradients));
    }
  };
  const auto commit = [&](const std::unique_ptr<Worker>& worker, std::size_t step) {
    const double weight = nodes[step].weight / static_cast<double>(samples);
    const T* integrand = worker->sums.data();
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += weight * static_cast<double>(integrand[i]);
    if (options.progress && !options.progress({step + 1, nodes.size()})) {
      throw Cancelled(error_text("pose_ig: cancelled after ", step + 1, " of ", nodes.size(), " steps"));
    }
  };
  parallel_ordered(nodes.size(), step_threads, make_worker, compute, commit);

  result.attributions =
      make_tensor<T>({joints, image.shape()[0], image.shape()[1], image.shape()[2]});
  for (std::size_t j = 0; j < joints; ++j) {
    double total = 0;
    for (std::size_t i = 0; i < size; ++i) {
      double value = sums[j * size + i];
      if (!along_path) {
        value *= static_cast<double>(image.data()[i]) - static_cast<double>(result.baseline.data()[i]);
      }
      total += value;
      result.attributions.data()[j * size + i] = static_cast<T>(value);
    }
    result.completeness_gap.data()[j] = static_cast<T>(std::abs(total - score_difference[j]));
  }
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA
