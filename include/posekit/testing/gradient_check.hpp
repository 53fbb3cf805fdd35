#pragma once

// Checks an operation's vector-Jacobian product against central differences. For tests of posekit's
// own operations and of its users'.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/testing/random_tensor.hpp>

namespace posekit::inline POSEKIT_ISA::testing {

struct GradientCheckOptions {
  double step = 1e-5;       ///< of the central differences
  double tolerance = 1e-7;  ///< on |analytic - numeric| / max(1, |numeric|)
  std::uint64_t seed = 1;   ///< of the cotangents
  std::size_t seeds = 4;    ///< cotangents that are also checked stacked, as Tape::vjp carries them
};

/// `message` describes the worst disagreement, in words that go into a test's log.
struct GradientCheckResult {
  bool ok = true;
  double worst = 0;
  std::string message = "no elements were compared";
  explicit operator bool() const { return ok; }
};

/// Compares, for a random cotangent w, the gradient of sum(w * f(inputs)) that the tape computes
/// with central differences, for every element of every input; and the stacked products of
/// `Tape::vjp` with the single ones. `function` is called as Var<double>(const
/// std::vector<Var<double>>&) and must be differentiable around the inputs (no kinks within a
/// step).
template <class Function>
GradientCheckResult check_gradients(const Function& function,
                                    const std::vector<Tensor<double>>& inputs,
                                    const GradientCheckOptions& options = {}) {
  GradientCheckResult result;
  const auto report = [&](double error, const std::string& what) {
    if (error > result.worst || !(error <= options.tolerance) || result.worst == 0) {
      result.message = what;
    }
    result.worst = std::isnan(error) ? error : std::max(result.worst, error);
    result.ok = result.ok && error <= options.tolerance;
  };

  Tape<double> tape;
  std::vector<Var<double>> variables;
  for (const auto& input : inputs) variables.push_back(tape.variable(Tensor<double>(input)));
  const Var<double> output = function(variables);
  const Shape shape = output.shape();
  const Tensor<double> cotangent = random_tensor<double>(shape, options.seed);
  tape.backward(output, cotangent);

  const auto value = [&](const std::vector<Tensor<double>>& at) {
    Tape<double> other;
    std::vector<Var<double>> constants;
    for (const auto& input : at) constants.push_back(other.constant(Tensor<double>(input)));
    const Tensor<double> y = function(constants).value();
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += y.data()[i] * cotangent.data()[i];
    return sum;
  };
  std::vector<Tensor<double>> moved = inputs;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const Tensor<double> gradient = variables[k].grad();
    for (std::size_t i = 0; i < inputs[k].size(); ++i) {
      const double centre = inputs[k].data()[i];
      moved[k].data()[i] = centre + options.step;
      const double above = value(moved);
      moved[k].data()[i] = centre - options.step;
      const double below = value(moved);
      moved[k].data()[i] = centre;
      const double numeric = (above - below) / (2.0 * options.step);
      const double error =
          std::abs(gradient.data()[i] - numeric) / std::max(1.0, std::abs(numeric));
      report(error, error_text("input ", k, " element ", i, " of shape ",
                               to_string(inputs[k].shape()), ": the tape gives ",
                               gradient.data()[i], ", central differences ", numeric));
    }
  }

  // Stacked cotangents must give what each gives alone.
  Shape stacked_shape = shape;
  stacked_shape.insert(stacked_shape.begin(), options.seeds);
  const Tensor<double> stacked = random_tensor<double>(stacked_shape, options.seed + 1);
  const std::size_t size = element_count(shape);
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const Tensor<double> together = tape.vjp(output, stacked, variables[k]);
    for (std::size_t s = 0; s < options.seeds; ++s) {
      Tensor<double> single = make_tensor<double>(shape);
      std::copy_n(stacked.data() + s * size, size, single.data());
      tape.backward(output, single);
      const Tensor<double>& alone = variables[k].grad();
      for (std::size_t i = 0; i < alone.size(); ++i) {
        const double both = together.data()[s * alone.size() + i];
        const double error =
            std::abs(both - alone.data()[i]) / std::max(1.0, std::abs(alone.data()[i]));
        report(error,
               error_text("input ", k, " element ", i, ": cotangent ", s, " of ", options.seeds,
                          " stacked gives ", both, ", alone ", alone.data()[i]));
      }
    }
  }
  return result;
}

/// The largest difference between an operation's value and gradients in float and in double,
/// relative to the largest magnitude of each tensor. `function` is generic: called with Var<float>
/// and with Var<double>.
template <class Function>
double float_disagreement(const Function& function, const std::vector<Tensor<double>>& inputs,
                          std::uint64_t seed = 1) {
  const auto run = [&]<class T>(std::type_identity<T>) {
    Tape<T> tape;
    std::vector<Var<T>> variables;
    for (const auto& input : inputs) variables.push_back(tape.variable(cast<T>(input)));
    const Var<T> output = function(variables);
    tape.backward(output, cast<T>(random_tensor<double>(output.shape(), seed)));
    std::vector<Tensor<double>> results{cast<double>(output.value())};
    for (const Var<T>& variable : variables) results.push_back(cast<double>(variable.grad()));
    return results;
  };
  const auto in_float = run(std::type_identity<float>{});
  const auto in_double = run(std::type_identity<double>{});
  double worst = 0;
  for (std::size_t k = 0; k < in_double.size(); ++k) {
    double scale = 1e-30, difference = 0;
    for (std::size_t i = 0; i < in_double[k].size(); ++i) {
      scale = std::max(scale, std::abs(in_double[k].data()[i]));
      difference = std::max(difference, std::abs(in_double[k].data()[i] - in_float[k].data()[i]));
    }
    worst = std::max(worst, difference / scale);
  }
  return worst;
}

}  // namespace posekit::inline POSEKIT_ISA::testing
