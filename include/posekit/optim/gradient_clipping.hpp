#pragma once

// Gradients that are too large, made smaller between Tape::backward and Optimizer::step.

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include <posekit/autodiff/parameter.hpp>
#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA::optim {

struct ClipNormOptions {
  /// Throws where the norm is NaN or infinite. Otherwise the gradients are scaled by it all the
  /// same, as PyTorch's are: they become NaN or 0.
  bool error_if_nonfinite = true;
};

/// The Euclidean norm of all gradients as one vector, 0 where there are none. Parameters that are
/// frozen or got no gradient do not count. Throws ValueError where a parameter is null.
template <class T>
double gradient_norm(Tape<T>& tape, const NamedParameters<T>& parameters);

/// Scales all gradients by max_norm / (norm + 1e-6) where that is less than 1, `norm` being their
/// `gradient_norm`, which is returned (torch.nn.utils.clip_grad_norm_).
///
/// Throws ValueError where `max_norm` is NaN or negative or a parameter is null, and, naming the
/// first parameter with such a gradient, where the norm is not finite; no gradient has changed
/// then.
template <class T>
double clip_gradient_norm(Tape<T>& tape, const NamedParameters<T>& parameters, double max_norm,
                          const ClipNormOptions& options = {});

/// Moves every element of the gradients into [-max_value, max_value]; NaN stays
/// (torch.nn.utils.clip_grad_value_). Throws ValueError where `max_value` is NaN or negative or a
/// parameter is null.
template <class T>
void clip_gradient_value(Tape<T>& tape, const NamedParameters<T>& parameters, double max_value);

}  // namespace posekit::inline POSEKIT_ISA::optim

#if POSEKIT_DEFINES_OPTIM

#include <posekit/core/error.hpp>
#include <posekit/optim/gradients.hpp>

namespace posekit::inline POSEKIT_ISA::optim {

namespace internal {

/// The squares of [begin, end) summed: in eight sums, so that no addition waits for the last, and
/// always in the same order.
template <class T>
double sum_of_squares(const T* values, std::size_t begin, std::size_t end) {
  std::array<double, 8> sums{};
  std::size_t i = begin;
  for (; i + sums.size() <= end; i += sums.size()) {
    for (std::size_t lane = 0; lane < sums.size(); ++lane) {
      const double value = static_cast<double>(values[i + lane]);
      sums[lane] += value * value;
    }
  }
  for (std::size_t lane = 0; i < end; ++i, ++lane) {
    const double value = static_cast<double>(values[i]);
    sums[lane] += value * value;
  }
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

/// The Euclidean norm of gradients as one vector: block sums added in order.
template <class T>
double norm_of(const std::vector<ParameterGradient<T>>& gradients, int threads) {
  const std::vector<Block> blocks = blocks_of(gradients);
  std::vector<double> sums(blocks.size());
  for_each_block(blocks, threads, [&](std::size_t b) {
    const Block& block = blocks[b];
    sums[b] = sum_of_squares(gradients[block.tensor].gradient->data(), block.begin, block.end);
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return std::sqrt(total);
}

/// gradient = op(gradient), element by element.
template <class T, class Op>
void change_gradients(const std::vector<ParameterGradient<T>>& gradients, int threads,
                      const Op& op) {
  const std::vector<Block> blocks = blocks_of(gradients);
  for_each_block(blocks, threads, [&](std::size_t b) {
    const Block& block = blocks[b];
    T* g = gradients[block.tensor].gradient->data();
    for (std::size_t i = block.begin; i < block.end; ++i) g[i] = op(g[i]);
  });
}

inline void require_limit(double limit, const char* function, const char* argument) {
  if (limit >= 0) return;
  throw ValueError(error_text("optim::", function, ": ", argument, " is ", limit,
                              ", expected a number of at least 0"));
}

}  // namespace internal

template <class T>
double gradient_norm(Tape<T>& tape, const NamedParameters<T>& parameters) {
  return internal::norm_of(internal::gradients_of(tape, parameters, "optim::gradient_norm"),
                           tape.threads());
}

template <class T>
double clip_gradient_norm(Tape<T>& tape, const NamedParameters<T>& parameters, double max_norm,
                          const ClipNormOptions& options) {
  internal::require_limit(max_norm, "clip_gradient_norm", "max_norm");
  const auto gradients = internal::gradients_of(tape, parameters, "optim::clip_gradient_norm");
  const double norm = internal::norm_of(gradients, tape.threads());
  if (options.error_if_nonfinite && !std::isfinite(norm)) {
    const std::size_t first = internal::first_nonfinite(gradients, tape.threads());
    if (first == gradients.size()) {
      throw ValueError(error_text("optim::clip_gradient_norm: the norm of finite gradients is ",
                                  norm, ", expected one that does not overflow"));
    }
    throw ValueError(error_text("optim::clip_gradient_norm: the norm is ", norm,
                                ", expected a finite one; the first parameter with a gradient ",
                                "that is not finite is '", parameters[gradients[first].index].name,
                                "'"));
  }
  const double scale = max_norm / (norm + 1e-6);
  if (scale >= 1) return norm;
  internal::change_gradients(gradients, tape.threads(),
                             [factor = static_cast<T>(scale)](T g) { return g * factor; });
  return norm;
}

template <class T>
void clip_gradient_value(Tape<T>& tape, const NamedParameters<T>& parameters, double max_value) {
  internal::require_limit(max_value, "clip_gradient_value", "max_value");
  const auto gradients = internal::gradients_of(tape, parameters, "optim::clip_gradient_value");
  const T limit = static_cast<T>(max_value);
  internal::change_gradients(gradients, tape.threads(), [limit](T g) {
    const T at_most = limit < g ? limit : g;
    return at_most < -limit ? -limit : at_most;
  });
}

}  // namespace posekit::inline POSEKIT_ISA::optim

#endif  // POSEKIT_DEFINES_OPTIM
