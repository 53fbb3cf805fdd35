#pragma once

#include <cstddef>
#include <utility>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

struct SoftmaxOptions {
  int threads = 0;  ///< of the overloads for tensors (0: all); a Var has its tape's
};

// A row is what the last axis of x [..., C] holds. Logits of any finite size are safe. One of
// -infinity has probability 0 beside others; a row with NaN or +infinity, or of -infinity alone, is
// NaN. ShapeError is thrown for a tensor of rank 0.

/// exp(x) divided by its sum over the last axis. Of a heatmap's pixels together: flat_softmax.
template <class T>
Var<T> softmax(const Var<T>& x);
/// The same of a tensor.
template <TensorExpression E>
auto softmax(const E& x, const SoftmaxOptions& options = {}) {
  return softmax(ContiguousView<typename E::value_type>(x), options);
}
/// The same of contiguous elements.
template <class T>
Tensor<T> softmax(const ContiguousView<T>& x, const SoftmaxOptions& options);

/// The logarithm of softmax(x), x - log sum exp(x) over the last axis: finite where the logits are,
/// however improbable.
template <class T>
Var<T> log_softmax(const Var<T>& x);
/// The same of a tensor.
template <TensorExpression E>
auto log_softmax(const E& x, const SoftmaxOptions& options = {}) {
  return log_softmax(ContiguousView<typename E::value_type>(x), options);
}
/// The same of contiguous elements.
template <class T>
Tensor<T> log_softmax(const ContiguousView<T>& x, const SoftmaxOptions& options);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

#include <posekit/core/threads.hpp>
#include <posekit/kernels/row_softmax.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// A matrix's rows.
struct SoftmaxRows {
  std::size_t rows = 0, columns = 0;

  SoftmaxRows(const char* name, const Shape& shape) {
    if (shape.empty()) throw ShapeError(error_text(name, ": x has rank 0, expected an axis"));
    columns = shape.back();
    rows = columns == 0 ? 0 : element_count(shape) / columns;
  }

  /// Calls `body(begin, end)` on parts of the rows.
  template <class Body>
  void each(int threads, const Body& body) const {
    parallel_ranges(rows, threads_for(rows * columns, threads),
                    [&](std::size_t begin, std::size_t end, int) { body(begin, end); });
  }
};

/// Softmax or, with `Log`, its logarithm.
template <bool Log, class T>
void write_softmax_rows(const SoftmaxRows& all, const T* x, T* result, int threads) {
  all.each(threads, [&](std::size_t begin, std::size_t end) {
    if constexpr (Log) {
      kernels::row_log_softmax<T>(begin, end, all.columns, x, result);
    } else {
      kernels::row_softmax<T>(begin, end, all.columns, x, result);
    }
  });
}

template <bool Log, class T>
Var<T> record_softmax(const char* name, const Var<T>& x) {
  const SoftmaxRows all(name, x.shape());
  Tape<T>& tape = x.tape();
  Tensor<T> value = tape.pool().take(x.shape());
  write_softmax_rows<Log>(all, x.data(), value.data(), tape.threads());
  const auto output = tape.pool().share(std::move(value));
  return tape.record(name, output, {x}, [all, output](Pullback<T>& p) {
    const auto target = p.target(0);
    if (!target) return;
    const std::size_t size = all.rows * all.columns;
    for (std::size_t k = 0; k < p.count(); ++k) {
      const T* g = p.cotangent() + k * size;
      T* to = target.data + k * size;
      all.each(p.threads(), [&](std::size_t begin, std::size_t end) {
        if constexpr (Log) {
          kernels::row_log_softmax_vjp<T>(begin, end, all.columns, output->data(), g, to,
                                          target.accumulate);
        } else {
          kernels::row_softmax_vjp<T>(begin, end, all.columns, output->data(), g, to,
                                      target.accumulate);
        }
      });
    }
  });
}

template <bool Log, class T>
Tensor<T> softmax_tensor(const char* name, const ContiguousView<T>& x,
                         const SoftmaxOptions& options) {
  const SoftmaxRows all(name, x.shape());
  Tensor<T> result = make_tensor<T>(x.shape());
  write_softmax_rows<Log>(all, x.data(), result.data(), resolve_threads(options.threads));
  return result;
}

}  // namespace internal

template <class T>
Var<T> softmax(const Var<T>& x) {
  return internal::record_softmax<false>("softmax", x);
}

template <class T>
Tensor<T> softmax(const ContiguousView<T>& x, const SoftmaxOptions& options) {
  return internal::softmax_tensor<false>("softmax", x, options);
}

template <class T>
Var<T> log_softmax(const Var<T>& x) {
  return internal::record_softmax<true>("log_softmax", x);
}

template <class T>
Tensor<T> log_softmax(const ContiguousView<T>& x, const SoftmaxOptions& options) {
  return internal::softmax_tensor<true>("log_softmax", x, options);
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_AUTODIFF
