#pragma once

// Initial values of weights. All are functions of a seed, and of the parameter's name where a whole
// module is initialised: neither the order of layers nor their number changes what a layer gets.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include <posekit/autodiff/parameter.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/random.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/nn/module.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

/// Which number of connections keeps its variance: of the inputs going forward, or of the outputs
/// going backward.
enum class Fan { in, out };

/// The connections of a weight [out, in, kernel...]: in * kernel and out * kernel.
struct Fans {
  double in = 1, out = 1;
};

/// Throws ShapeError for fewer than two axes.
Fans fans(const Shape& weight);

template <class T>
void fill_normal(Tensor<T>& tensor, double mean, double deviation, std::uint64_t seed,
                 std::uint64_t stream = 0);

template <class T>
void fill_uniform(Tensor<T>& tensor, double low, double high, std::uint64_t seed,
                  std::uint64_t stream = 0);

/// Normal with the variance gain^2 / fan (He et al. 2015; the gain of a rectifier is sqrt(2)).
template <class T>
void kaiming_normal(Tensor<T>& weight, Fan fan, std::uint64_t seed, std::uint64_t stream = 0,
                    double gain = std::sqrt(2.0));

/// Uniform with the same variance.
template <class T>
void kaiming_uniform(Tensor<T>& weight, Fan fan, std::uint64_t seed, std::uint64_t stream = 0,
                     double gain = std::sqrt(2.0));

/// Normal with the variance gain^2 * 2 / (fan in + fan out) (Glorot and Bengio 2010).
template <class T>
void xavier_normal(Tensor<T>& weight, std::uint64_t seed, std::uint64_t stream = 0,
                   double gain = 1.0);

/// Uniform with the same variance.
template <class T>
void xavier_uniform(Tensor<T>& weight, std::uint64_t seed, std::uint64_t stream = 0,
                    double gain = 1.0);

/// A weight [out, ...] whose rows (columns, where there are more rows) are orthonormal up to the
/// gain: Q of a random normal matrix, uniformly distributed (Saxe et al. 2013).
template <class T>
void orthogonal(Tensor<T>& weight, std::uint64_t seed, std::uint64_t stream = 0, double gain = 1.0);

/// How the weights of a module are drawn.
enum class Initialization {
  kaiming_normal_out,  ///< normal, by fan out: what MargiPose's heatmap columns start with
  kaiming_normal_in,   ///< normal, by fan in
  kaiming_uniform_in,  ///< uniform in +-1 / sqrt(fan in): PyTorch's default
  xavier_uniform,
  xavier_normal,
  orthogonal,
};

struct InitializationOptions {
  Initialization scheme = Initialization::kaiming_normal_out;
  std::uint64_t seed = 0;
};

/// A number for a name: FNV-1a.
constexpr std::uint64_t name_stream(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

/// Draws one weight of at least two axes.
template <class T>
void initialize_weight(Tensor<T>& weight, std::string_view name,
                       const InitializationOptions& options);

/// A layer's weight as PyTorch's layers have it from the start. Layers of one shape and one seed
/// get the same: give each a seed of its own, or call `initialize` on the whole, which goes by
/// names.
template <class T>
Parameter<T> usual_weight(const Shape& shape, std::uint64_t seed);

/// Draws all weights (parameters of two axes and more) of a module and sets its biases to 0, and
/// gives layers that drop elements seeds of their own; other parameters stay what their layers made
/// them.
template <class M>
void initialize(M& module, const InitializationOptions& options = {}) {
  using T = typename M::value_type;
  struct Seed final : ModuleVisitor<T> {
    std::uint64_t base = 0;
    void seed(const std::string& name, std::uint64_t& value) override {
      value = CounterRandom(base, name_stream(name)).bits(0);
    }
  } seeds;
  seeds.base = options.seed;
  module.visit(seeds);
  for (const auto& [name, parameter] : parameters(module)) {
    auto& value = parameter->value_to_change();
    if (value.dimension() >= 2) {
      initialize_weight(value, name, options);
    } else if (name == "bias" || name.ends_with(".bias")) {
      std::fill_n(value.data(), value.size(), 0);
    }
  }
}

}  // namespace posekit::inline POSEKIT_ISA::nn

#if POSEKIT_DEFINES_NN

namespace posekit::inline POSEKIT_ISA::nn {

POSEKIT_INLINE Fans fans(const Shape& weight) {
  if (weight.size() < 2) {
    throw ShapeError(error_text("fans: weight has shape ", to_string(weight),
                                ", expected at least 2 axes [out, in, kernel...]"));
  }
  double kernel = 1;
  for (std::size_t axis = 2; axis < weight.size(); ++axis)
    kernel *= static_cast<double>(weight[axis]);
  return {static_cast<double>(weight[1]) * kernel, static_cast<double>(weight[0]) * kernel};
}

template <class T>
void fill_normal(Tensor<T>& tensor, double mean, double deviation, std::uint64_t seed,
                 std::uint64_t stream) {
  const CounterRandom random(seed, stream);
  T* data = tensor.data();
  parallel_for(tensor.size(), threads_for(tensor.size(), resolve_threads(0)), [&](std::size_t i) {
    data[i] = static_cast<T>(mean + deviation * random.normal(i));
  });
}

template <class T>
void fill_uniform(Tensor<T>& tensor, double low, double high, std::uint64_t seed,
                  std::uint64_t stream) {
  const CounterRandom random(seed, stream);
  T* data = tensor.data();
  parallel_for(tensor.size(), threads_for(tensor.size(), resolve_threads(0)), [&](std::size_t i) {
    data[i] = static_cast<T>(low + (high - low) * random.uniform(i));
  });
}

template <class T>
void kaiming_normal(Tensor<T>& weight, Fan fan, std::uint64_t seed, std::uint64_t stream,
                    double gain) {
  const Fans f = fans(shape_of(weight));
  fill_normal(weight, 0, gain / std::sqrt(fan == Fan::in ? f.in : f.out), seed, stream);
}

template <class T>
void kaiming_uniform(Tensor<T>& weight, Fan fan, std::uint64_t seed, std::uint64_t stream,
                     double gain) {
  const Fans f = fans(shape_of(weight));
  const double bound = gain * std::sqrt(3.0 / (fan == Fan::in ? f.in : f.out));
  fill_uniform(weight, -bound, bound, seed, stream);
}

template <class T>
void xavier_normal(Tensor<T>& weight, std::uint64_t seed, std::uint64_t stream, double gain) {
  const Fans f = fans(shape_of(weight));
  fill_normal(weight, 0, gain * std::sqrt(2.0 / (f.in + f.out)), seed, stream);
}

template <class T>
void xavier_uniform(Tensor<T>& weight, std::uint64_t seed, std::uint64_t stream, double gain) {
  const Fans f = fans(shape_of(weight));
  const double bound = gain * std::sqrt(6.0 / (f.in + f.out));
  fill_uniform(weight, -bound, bound, seed, stream);
}

template <class T>
void orthogonal(Tensor<T>& weight, std::uint64_t seed, std::uint64_t stream, double gain) {
  const Shape shape = shape_of(weight);
  fans(shape);
  if (weight.size() == 0) return;
  const std::size_t rows = shape[0], columns = weight.size() / rows;
  const std::size_t count = std::min(rows, columns), length = std::max(rows, columns);
  // Gram and Schmidt's process, twice, so that rounding leaves nothing.
  std::vector<std::vector<double>> q(count, std::vector<double>(length));
  const CounterRandom random(seed, stream);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t k = 0; k < length; ++k) q[i][k] = random.normal(i * length + k);
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t j = 0; j < i; ++j) {
        const double along = std::inner_product(q[i].begin(), q[i].end(), q[j].begin(), 0.0);
        for (std::size_t k = 0; k < length; ++k) q[i][k] -= along * q[j][k];
      }
      const double norm =
          std::sqrt(std::inner_product(q[i].begin(), q[i].end(), q[i].begin(), 0.0));
      for (double& value : q[i]) value /= norm;
    }
  }
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c)
      weight.data()[r * columns + c] = static_cast<T>(gain * (rows <= columns ? q[r][c] : q[c][r]));
  }
}

template <class T>
void initialize_weight(Tensor<T>& weight, std::string_view name,
                       const InitializationOptions& options) {
  const std::uint64_t seed = options.seed, stream = name_stream(name);
  switch (options.scheme) {
    case Initialization::kaiming_normal_out:
      return kaiming_normal(weight, Fan::out, seed, stream);
    case Initialization::kaiming_normal_in:
      return kaiming_normal(weight, Fan::in, seed, stream);
    case Initialization::kaiming_uniform_in:
      return kaiming_uniform(weight, Fan::in, seed, stream, std::sqrt(1.0 / 3.0));
    case Initialization::xavier_uniform:
      return xavier_uniform(weight, seed, stream);
    case Initialization::xavier_normal:
      return xavier_normal(weight, seed, stream);
    case Initialization::orthogonal:
      return orthogonal(weight, seed, stream);
  }
}

template <class T>
Parameter<T> usual_weight(const Shape& shape, std::uint64_t seed) {
  Tensor<T> weight = make_tensor<T>(shape);
  initialize_weight(weight, "weight", {.scheme = Initialization::kaiming_uniform_in, .seed = seed});
  return Parameter<T>(std::move(weight));
}

}  // namespace posekit::inline POSEKIT_ISA::nn

#endif  // POSEKIT_DEFINES_NN
