#pragma once

// Modules against what PyTorch computes with the same (tests/golden/make_nn.py), and against
// central differences.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <future>
#include <limits>
#include <string>
#include <utility>

#include <posekit/core/threads.hpp>
#include <posekit/io/npz.hpp>
#include <posekit/nn/checkpoint.hpp>
#include <posekit/nn/module.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/close.hpp"
#include "support/shared_data.hpp"

inline posekit::NpzArchive nn_golden(const std::string& name) {
  return posekit::NpzArchive(golden_file("nn/" + name + ".npz"));
}

/// The names of a module's parameters and buffers, one on each line, in their order.
template <class M>
std::string names_of(M& module) {
  std::string names;
  for (const auto& tensor : posekit::nn::named_tensors(module))
    names += (names.empty() ? "" : "\n") + tensor.name;
  return names;
}
inline std::string names_of(const posekit::NpzArchive& file) {
  const auto bytes = file.array<std::uint8_t>("names");
  return std::string(bytes.begin(), bytes.end());
}

/// Sets all parameters and buffers to the case's.
template <class M>
void set_state(M& module, const posekit::NpzArchive& file) {
  using T = typename M::value_type;
  for (const auto& tensor : posekit::nn::named_tensors(module))
    tensor.set(file.array<T>("state." + tensor.name));
}

/// The largest difference of two tensors relative to the largest magnitude of the second, or to 1
/// where that is less: what vanishes exactly is all rounding.
template <class T>
double gradient_difference(const posekit::Tensor<T>& a, const posekit::Tensor<double>& b) {
  if (a.shape() != b.shape()) return std::numeric_limits<double>::infinity();
  double scale = 1, difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double error = std::abs(static_cast<double>(a.data()[i]) - b.data()[i]);
    if (std::isnan(error)) return std::numeric_limits<double>::infinity();
    scale = std::max(scale, std::abs(b.data()[i]));
    difference = std::max(difference, error);
  }
  return difference / scale;
}

/// The worst disagreement of output, gradients and buffers of run(x) with PyTorch's; infinite where
/// the names of parameters and buffers, or their shapes, are not the same.
template <class M, class Run>
double module_case_difference(const std::string& name, M& module, const Run& run) {
  namespace pk = posekit;
  using T = typename M::value_type;
  constexpr double unlike = std::numeric_limits<double>::infinity();
  const pk::NpzArchive file = nn_golden(name);
  if (names_of(module) != names_of(file)) return unlike;
  for (const auto& tensor : pk::nn::named_tensors(module)) {
    const pk::Shape shape = pk::shape_of(file.array<double>("state." + tensor.name));
    if (pk::shape_of(*tensor.tensor) != shape) return unlike;
  }
  set_state(module, file);
  pk::Tape<T> tape;
  const auto x = tape.variable(file.array<T>("x"));
  const auto y = run(x);
  const auto expected = file.array<double>("out");
  if (y.shape() != pk::shape_of(expected)) return unlike;
  double worst = relative_difference(y.value(), expected);
  tape.backward(y, file.array<T>("cotangent"));
  worst = std::max(worst, relative_difference(x.grad(), file.array<double>("grad")));
  for (const auto& [entry, parameter] : pk::nn::parameters(module)) {
    const pk::Tensor<T>* gradient = parameter->gradient(tape);
    if (gradient == nullptr) return unlike;
    worst = std::max(worst, gradient_difference(*gradient, file.array<double>("grad." + entry)));
  }
  for (const auto& [entry, buffer] : pk::nn::buffers(module)) {
    worst =
        std::max(worst, relative_difference(buffer->value, file.array<double>("after." + entry)));
  }
  return worst;
}

template <class M>
double module_case_difference(const std::string& name, M module) {
  using T = typename M::value_type;
  return module_case_difference(name, module, [&](const posekit::Var<T>& x) { return module(x); });
}

template <class M>
posekit::testing::GradientCheckResult compare_module_gradients(const M& module,
                                                               const posekit::Tensor<double>& x) {
  namespace pk = posekit;
  // A module may change with each call.
  auto result = pk::testing::check_gradients(
      [&](const auto& v) {
        M fresh = module;
        return fresh(v[0]);
      },
      {x});
  M run = module, moved = module;
  const auto parameters = pk::nn::parameters(moved);
  if (parameters.empty()) return result;
  pk::Tape<double> tape;
  const auto y = run(tape.constant(pk::Tensor<double>(x)));
  const auto cotangent = pk::testing::random_tensor<double>(y.shape(), 4);
  tape.backward(y, cotangent);
  const auto product = [&] {
    M fresh = moved;
    pk::Tape<double> other;
    const auto value = fresh(other.constant(pk::Tensor<double>(x)));
    double sum = 0;
    for (std::size_t i = 0; i < cotangent.size(); ++i)
      sum += value.value().data()[i] * cotangent.data()[i];
    return sum;
  };
  const double step = 1e-5;
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    const auto& [name, parameter] = parameters[k];
    const pk::Tensor<double> gradient = *pk::nn::parameters(run)[k].parameter->gradient(tape);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      double& element = parameter->mutable_value().data()[i];
      const double centre = element;
      element = centre + step;
      const double above = product();
      element = centre - step;
      const double below = product();
      element = centre;
      const double numeric = (above - below) / (2 * step);
      const double error =
          std::abs(gradient.data()[i] - numeric) / std::max(1.0, std::abs(numeric));
      result.worst = std::max(result.worst, error);
      if (error <= 1e-7) continue;
      result.ok = false;
      result.message = pk::error_text(name, " element ", i, ": the tape gives ", gradient.data()[i],
                                      ", central differences ", numeric);
    }
  }
  return result;
}

/// Compares the gradients of a module's input and of its parameters with central differences, on
/// one thread: to wake others for something so small takes longer than to do it.
template <class M>
posekit::testing::GradientCheckResult check_module_gradients(const M& module,
                                                             const posekit::Tensor<double>& x) {
  namespace pk = posekit;
  const auto check = [&] {
    pk::limit_threads_of_this_thread(1);
    return compare_module_gradients(module, x);
  };
  return std::async(std::launch::async, check).get();
}
