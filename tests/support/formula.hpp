#pragma once

// Numbers that are a formula of their names: tests/golden/formula.py in C++.

#include <cmath>
#include <cstddef>
#include <string>

#include <posekit/core/random.hpp>
#include <posekit/core/shape.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/nn/initialization.hpp>
#include <posekit/nn/module.hpp>

/// scale u + shift, u being uniform in [0, 1).
template <class T>
posekit::Tensor<T> formula_uniform(const std::string& name, const posekit::Shape& shape,
                                   double scale = 1, double shift = 0) {
  const posekit::CounterRandom random(0, posekit::nn::name_stream(name));
  posekit::Tensor<T> tensor = posekit::make_tensor<T>(shape);
  for (std::size_t i = 0; i < tensor.size(); ++i)
    tensor.data()[i] = static_cast<T>(scale * random.uniform(i) + shift);
  return tensor;
}

/// A network's tensor; what has two axes or more is multiplied with `scale`.
template <class T>
posekit::Tensor<T> formula(const std::string& name, const posekit::Shape& shape, double scale) {
  if (shape.size() >= 2) {
    double inputs = 1;
    for (std::size_t a = 1; a < shape.size(); ++a) inputs *= static_cast<double>(shape[a]);
    const double bound = scale * std::sqrt(3.0 / inputs);
    return formula_uniform<T>(name, shape, 2 * bound, -bound);
  }
  const bool is_scale = name.ends_with("running_var") || name.ends_with("weight");
  return is_scale ? formula_uniform<T>(name, shape, 1, 0.5)
                  : formula_uniform<T>(name, shape, 0.2, -0.1);
}

template <class M>
void fill_by_formula(M& net, double scale = 1) {
  using T = typename M::value_type;
  for (const auto& [name, parameter] : posekit::nn::parameters(net))
    parameter->set_value(formula<T>(name, posekit::shape_of(parameter->value()), scale));
  for (const auto& [name, buffer] : posekit::nn::buffers(net)) {
    if (!name.ends_with("num_batches_tracked"))
      buffer->value = formula<T>(name, posekit::shape_of(buffer->value), scale);
  }
}
