#pragma once

// The gradients that a tape holds for parameters, and equal blocks of their elements.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include <posekit/autodiff/parameter.hpp>
#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA::optim {

namespace internal {

/// Elements that one thread computes together. The bits of what is computed for an element depend
/// on its place in the block, not on the number of threads.
struct Block {
  std::size_t tensor;  ///< number of the gradient
  std::size_t begin, end;
};

}  // namespace internal

/// False where an element of a gradient is NaN or infinite. Parameters that are frozen or got no
/// gradient do not count. Throws ValueError where a parameter is null.
///
///     tape.backward(loss);
///     if (optim::has_finite_gradients(tape, parameters)) optimizer.step(tape);
template <class T>
bool has_finite_gradients(Tape<T>& tape, const NamedParameters<T>& parameters);

/// Adds `scale` times the gradients that `from` holds for parameters to those of `sum`, so that one
/// step follows several recordings: a large batch in parts, or several tapes at once. What was
/// recorded on `sum` stays. Throws ValueError where a parameter is null, ShapeError where one has
/// another shape than its gradient.
///
///     Tape<T> sum;
///     for (const auto& part : parts) {
///       tape.backward(loss(part));
///       optim::add_gradients(sum, tape, parameters, T(1) / parts.size());
///       tape.clear();
///     }
///     optimizer.step(sum);
///     sum.clear();
template <class T>
void add_gradients(Tape<T>& sum, Tape<T>& from, const NamedParameters<T>& parameters,
                   std::type_identity_t<T> scale = 1);

}  // namespace posekit::inline POSEKIT_ISA::optim

#if POSEKIT_DEFINES_OPTIM

#include <posekit/core/error.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/core/threads.hpp>

namespace posekit::inline POSEKIT_ISA::optim {

namespace internal {

template <class T>
struct ParameterGradient {
  std::size_t index;  ///< of the parameter
  Tensor<T>* gradient;
};

inline constexpr std::size_t block_size = 4096;

/// The gradients of those parameters that are trainable and got one, each once though its parameter
/// may be there under several names. Throws ValueError where a parameter is null, ShapeError where
/// a gradient has another shape than its parameter has now.
template <class T>
std::vector<ParameterGradient<T>> gradients_of(Tape<T>& tape, const NamedParameters<T>& parameters,
                                               const std::string& function);

/// Tensor after tensor, in ascending order.
template <class T>
std::vector<Block> blocks_of(const std::vector<ParameterGradient<T>>& gradients);

/// Calls `body(block)` with the number of every block.
template <class Body>
void for_each_block(const std::vector<Block>& blocks, int threads, const Body& body) {
  std::size_t elements = 0;
  for (const Block& block : blocks) elements += block.end - block.begin;
  parallel_for(blocks.size(), elements > 4 * block_size ? threads : 1, body);
}

/// The number of the first gradient with an element that is NaN or infinite; the number of
/// gradients where there is none.
template <class T>
std::size_t first_nonfinite(const std::vector<ParameterGradient<T>>& gradients, int threads);

template <class T>
std::vector<ParameterGradient<T>> gradients_of(Tape<T>& tape, const NamedParameters<T>& parameters,
                                               const std::string& function) {
  std::vector<ParameterGradient<T>> found;
  std::unordered_set<const Tensor<T>*> seen;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& [name, parameter] = parameters[i];
    if (parameter == nullptr) {
      throw ValueError(
          error_text(function, ": parameter '", name, "' is null, expected a Parameter"));
    }
    if (!parameter->trainable) continue;
    Tensor<T>* gradient = parameter->gradient(tape);
    if (gradient == nullptr || !seen.insert(gradient).second) continue;
    const auto& shape = parameter->value().shape();
    if (gradient->shape() != shape) {
      throw ShapeError(error_text(function, ": the gradient of parameter '", name, "' has shape ",
                                  to_string(gradient->shape()), ", expected ", to_string(shape)));
    }
    found.push_back({i, gradient});
  }
  return found;
}

template <class T>
std::vector<Block> blocks_of(const std::vector<ParameterGradient<T>>& gradients) {
  std::vector<Block> blocks;
  for (std::size_t k = 0; k < gradients.size(); ++k) {
    const std::size_t size = gradients[k].gradient->size();
    for (std::size_t begin = 0; begin < size; begin += block_size) {
      blocks.push_back({k, begin, std::min(begin + block_size, size)});
    }
  }
  return blocks;
}

template <class T>
std::size_t first_nonfinite(const std::vector<ParameterGradient<T>>& gradients, int threads) {
  const std::vector<Block> blocks = blocks_of(gradients);
  std::vector<std::uint8_t> finite(blocks.size());
  for_each_block(blocks, threads, [&](std::size_t b) {
    const Block& block = blocks[b];
    const T* g = gradients[block.tensor].gradient->data();
    // No early exit, so that the compiler can use vectors.
    int all = 1;
    for (std::size_t i = block.begin; i < block.end; ++i) {
      all &= static_cast<int>(std::abs(g[i]) <= std::numeric_limits<T>::max());
    }
    finite[b] = static_cast<std::uint8_t>(all);
  });
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    if (finite[b] == 0) return blocks[b].tensor;
  }
  return gradients.size();
}

}  // namespace internal

template <class T>
bool has_finite_gradients(Tape<T>& tape, const NamedParameters<T>& parameters) {
  const auto gradients = internal::gradients_of(tape, parameters, "optim::has_finite_gradients");
  return internal::first_nonfinite(gradients, tape.threads()) == gradients.size();
}

template <class T>
void add_gradients(Tape<T>& sum, Tape<T>& from, const NamedParameters<T>& parameters,
                   std::type_identity_t<T> scale) {
  for (const auto& [index, gradient] :
       internal::gradients_of(from, parameters, "optim::add_gradients")) {
    sum.add_gradient(parameters[index].parameter->on(sum), *gradient, scale);
  }
}

}  // namespace posekit::inline POSEKIT_ISA::optim

#endif  // POSEKIT_DEFINES_OPTIM
