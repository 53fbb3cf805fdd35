#pragma once

// The cross-entropy of a softmax from classes or probabilities: the loss of classifiers.

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

struct CrossEntropyOptions {
  /// How much of each target goes to all C classes evenly, from 0 to 1 (Szegedy et al. 2016).
  double label_smoothing = 0;
  /// Rows of this class are not looked at, be it a class that there is or none such; nothing: every
  /// row has a class.
  std::optional<std::int64_t> ignore_class = -1;
  int threads = 0;  ///< of the overloads for tensors (0: all); a Var has its tape's
};

namespace internal {

/// What rows of logits are compared with: one of both.
template <class T>
struct CrossEntropyArgument {
  const ContiguousView<std::int64_t>* classes = nullptr;
  const ContiguousView<T>* probabilities = nullptr;
};

/// A loss for each row or, with `mean`, of all.
template <class T>
Var<T> cross_entropy(const Var<T>& logits, const CrossEntropyArgument<T>& target,
                     const CrossEntropyOptions& options, bool mean);
template <class T>
Tensor<T> cross_entropy(const ContiguousView<T>& logits, const CrossEntropyArgument<T>& target,
                        const CrossEntropyOptions& options, bool mean);

/// Calls `run` with classes or probabilities, whichever the target holds.
template <class T, TensorExpression Target, class Run>
auto with_cross_entropy_target(const Target& target, const Run& run) {
  if constexpr (std::signed_integral<typename Target::value_type>) {
    const ContiguousView<std::int64_t> view(target);
    return run(CrossEntropyArgument<T>{.classes = &view});
  } else {
    static_assert(std::same_as<typename Target::value_type, T>,
                  "cross_entropy: expected probabilities of the logits' type, or classes that are "
                  "signed integers");
    const ContiguousView<T> view(target);
    return run(CrossEntropyArgument<T>{.probabilities = &view});
  }
}

}  // namespace internal

// Logits are [..., C]; a row is what their last axis holds. The target is
//   - classes from 0 to C - 1, signed integers (std::int32_t, std::int64_t) of shape [...]; or
//   - probabilities [..., C] of the logits' type, which need not sum to 1.
// It is a constant: nothing is differentiated with respect to it. With label smoothing e, a target
// q (1 at the class and 0 elsewhere) is (1 - e) q + e / C, as in PyTorch.
//
// A row of the ignored class, or whose probabilities are all 0, is unlabelled: its loss and its
// gradient are 0, with and without smoothing, whatever its logits are. Other rows are finite for
// finite logits of any size. Where q is 0 the logit may be -infinity; at a class of probability 0
// the loss is infinite. Rows with NaN or +infinity among the logits are NaN; what has no cotangent
// has gradient 0 all the same.
//
// ShapeError is thrown for logits of rank 0, no classes, or a target of another shape; ValueError
// for a class out of range, a probability that is negative, infinite or NaN, and a label smoothing
// that is not from 0 to 1.

/// -sum over C of q log softmax(logits), in nats: a loss for each row, [...].
template <class T, TensorExpression Target>
Var<T> cross_entropy(const Var<T>& logits, const Target& target,
                     const CrossEntropyOptions& options = {}) {
  return internal::with_cross_entropy_target<T>(
      target, [&](const auto& q) { return internal::cross_entropy(logits, q, options, false); });
}
/// The same without a tape.
template <TensorExpression E, TensorExpression Target>
auto cross_entropy(const E& logits, const Target& target, const CrossEntropyOptions& options = {}) {
  using T = typename E::value_type;
  const ContiguousView<T> view(logits);
  return internal::with_cross_entropy_target<T>(
      target, [&](const auto& q) { return internal::cross_entropy(view, q, options, false); });
}

/// The mean of `cross_entropy` over the rows that are labelled: a scalar, []. Where none is, it is
/// 0, with a gradient of 0.
template <class T, TensorExpression Target>
Var<T> mean_cross_entropy(const Var<T>& logits, const Target& target,
                          const CrossEntropyOptions& options = {}) {
  return internal::with_cross_entropy_target<T>(
      target, [&](const auto& q) { return internal::cross_entropy(logits, q, options, true); });
}
/// The same without a tape.
template <TensorExpression E, TensorExpression Target>
auto mean_cross_entropy(const E& logits, const Target& target,
                        const CrossEntropyOptions& options = {}) {
  using T = typename E::value_type;
  const ContiguousView<T> view(logits);
  return internal::with_cross_entropy_target<T>(
      target, [&](const auto& q) { return internal::cross_entropy(view, q, options, true); });
}

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

#include <cmath>

#include <posekit/core/require.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/kernels/cross_entropy.hpp>

namespace posekit::inline POSEKIT_ISA::internal {

/// What the forward pass finds out, and its derivative needs.
template <class T>
struct CrossEntropyState {
  Shape shape;  ///< of the losses, one for each row
  std::size_t rows = 0, columns = 0, labelled = 0;
  std::vector<std::int64_t> classes;  ///< negative: unlabelled
  kernels::CrossEntropyTarget<T> target;
  std::vector<T> normal;  ///< [3, rows]

  template <class U>
  kernels::CrossEntropyRows<U> per_row(U* numbers) const {
    return {numbers, numbers + rows, numbers + 2 * rows};
  }

  CrossEntropyState(const char* name, const Shape& logits, const CrossEntropyArgument<T>& argument,
                    const CrossEntropyOptions& options);
  CrossEntropyState(const CrossEntropyState&) = delete;  // the target points here
  CrossEntropyState& operator=(const CrossEntropyState&) = delete;
  /// Writes the losses of the rows.
  void run(const char* name, const T* logits, T* losses, int threads);
  T mean(const T* losses) const;

 private:
  void take_classes(const char* name, const std::int64_t* given,
                    const std::optional<std::int64_t>& ignored);
};

template <class T>
CrossEntropyState<T>::CrossEntropyState(const char* name, const Shape& logits,
                                        const CrossEntropyArgument<T>& argument,
                                        const CrossEntropyOptions& options) {
  if (logits.empty() || logits.back() == 0) {
    throw ShapeError(error_text(name, ": logits has shape ", to_string(logits),
                                ", expected [..., C] with C > 0"));
  }
  require_between(name, "label_smoothing", options.label_smoothing, 0, 1);
  columns = logits.back();
  shape = Shape(logits.begin(), logits.end() - 1);
  rows = element_count(shape);
  const Shape& given =
      argument.classes != nullptr ? argument.classes->shape() : argument.probabilities->shape();
  const Shape& expected = argument.classes != nullptr ? shape : logits;
  if (given != expected) {
    throw ShapeError(error_text(name, ": target has shape ", to_string(given), ", expected ",
                                to_string(expected)));
  }
  target.keep = static_cast<T>(1 - options.label_smoothing);
  target.share = static_cast<T>(options.label_smoothing / static_cast<double>(columns));
  if (argument.classes != nullptr) {
    take_classes(name, argument.classes->data(), options.ignore_class);
    target.classes = classes.data();
  } else {
    target.probabilities = argument.probabilities->data();
  }
  normal.resize(3 * rows);
}

template <class T>
void CrossEntropyState<T>::take_classes(const char* name, const std::int64_t* given,
                                        const std::optional<std::int64_t>& ignored) {
  classes.assign(given, given + rows);
  for (std::size_t r = 0; r < rows; ++r) {
    if (ignored && classes[r] == *ignored) {
      classes[r] = -1;
    } else if (classes[r] < 0 || static_cast<std::uint64_t>(classes[r]) >= columns) {
      const auto but = ignored ? error_text(", or ", *ignored, " where there is none") : "";
      throw ValueError(error_text(name, ": target is ", classes[r], " for row ", r,
                                  ", expected a class from 0 to ", columns - 1, but));
    }
  }
}

template <class T>
void CrossEntropyState<T>::run(const char* name, const T* logits, T* losses, int threads) {
  const auto state = per_row(normal.data());
  parallel_ranges(rows, threads_for(rows * columns, threads),
                  [&](std::size_t begin, std::size_t end, int) {
                    kernels::cross_entropy<T>(begin, end, columns, logits, target, state, losses);
                  });
  for (std::size_t r = 0; r < rows; ++r) {
    if (state.mass[r] != T(0)) ++labelled;
    if (!std::isnan(state.mass[r])) continue;
    const T* p = target.probabilities + r * columns;
    const T* wrong =
        std::find_if(p, p + columns, [](T value) { return !(value >= 0) || std::isinf(value); });
    if (wrong == p + columns) continue;  // numbers whose sum is none
    throw ValueError(error_text(name, ": target is ", *wrong, " for class ", wrong - p, " of row ",
                                r, ", expected 0 or a positive number"));
  }
}

template <class T>
T CrossEntropyState<T>::mean(const T* losses) const {
  double sum = 0;
  for (std::size_t r = 0; r < rows; ++r) sum += static_cast<double>(losses[r]);
  return static_cast<T>(labelled == 0 ? 0 : sum / static_cast<double>(labelled));
}

template <class T>
Var<T> cross_entropy(const Var<T>& logits, const CrossEntropyArgument<T>& target,
                     const CrossEntropyOptions& options, bool mean) {
  const char* name = mean ? "mean_cross_entropy" : "cross_entropy";
  Tape<T>& tape = logits.tape();
  const auto state = std::make_shared<CrossEntropyState<T>>(name, logits.shape(), target, options);
  const auto elements = tape.elements(logits);
  Tensor<T> value = tape.pool().take(state->shape);
  state->run(name, elements->data(), value.data(), tape.threads());
  if (mean) {
    Tensor<T> losses = std::exchange(value, tensor_from<T>({}, std::vector<T>{T(0)}));
    value.data()[0] = state->mean(losses.data());
    tape.pool().give(std::move(losses));
  }
  std::shared_ptr<const Tensor<T>> probabilities;
  if (target.probabilities != nullptr && logits.requires_grad()) {
    Tensor<T> copy = tape.pool().take(logits.shape());
    std::copy_n(target.probabilities->data(), copy.size(), copy.data());
    probabilities = tape.pool().share(std::move(copy));
    state->target.probabilities = probabilities->data();
  }
  return tape.record(
      name, std::move(value), {logits}, [state, elements, probabilities, mean](Pullback<T>& p) {
        const auto to = p.target(0);
        if (!to) return;
        const std::size_t rows = state->rows, columns = state->columns;
        const T* cotangents = p.cotangent();
        std::vector<T> shared;
        if (mean) {
          const auto count = static_cast<double>(std::max<std::size_t>(state->labelled, 1));
          shared.resize(p.count() * rows);
          for (std::size_t i = 0; i < shared.size(); ++i) {
            shared[i] = static_cast<T>(static_cast<double>(p.cotangent()[i / rows]) / count);
          }
          cotangents = shared.data();
        }
        const auto per_row = state->per_row(static_cast<const T*>(state->normal.data()));
        parallel_ranges(rows, threads_for(p.count() * rows * columns, p.threads()),
                        [&](std::size_t begin, std::size_t end, int) {
                          kernels::cross_entropy_vjp<T>(begin, end, rows, columns, elements->data(),
                                                        state->target, per_row, p.count(),
                                                        cotangents, to.data, to.accumulate);
                        });
      });
}

template <class T>
Tensor<T> cross_entropy(const ContiguousView<T>& logits, const CrossEntropyArgument<T>& target,
                        const CrossEntropyOptions& options, bool mean) {
  const char* name = mean ? "mean_cross_entropy" : "cross_entropy";
  CrossEntropyState<T> state(name, logits.shape(), target, options);
  Tensor<T> value = make_tensor<T>(state.shape);
  state.run(name, logits.data(), value.data(), resolve_threads(options.threads));
  if (mean) return tensor_from<T>({}, std::vector<T>{state.mean(value.data())});
  return value;
}

}  // namespace posekit::inline POSEKIT_ISA::internal

#endif  // POSEKIT_DEFINES_AUTODIFF
