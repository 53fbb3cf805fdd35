#pragma once

// Matrix products and dense layers.

#include <memory>

#include <posekit/autodiff/conv2d_filter.hpp>
#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/kernels/activation_kind.hpp>

namespace posekit::inline POSEKIT_ISA {

struct MatmulOptions {
  bool transpose_a = false;  ///< a is [K, M]
  bool transpose_b = false;  ///< b is [N, K]
};

/// a [M, K] times b [K, N]; a sum of no products (K = 0) is 0. Transposed operands are read as they
/// lie. Throws ShapeError where the shapes do not multiply.
template <class T>
Var<T> matmul(const Var<T>& a, const Var<T>& b, const MatmulOptions& options = {});

/// x [..., in] -> x weight^T + bias [..., out]: weight [out, in], bias [out] or an empty handle for
/// none. Throws ShapeError where these do not fit.
template <class T>
Var<T> linear(const Var<T>& x, const Var<T>& weight, const Var<T>& bias = {});

/// x [..., in] -> act(x times a constant filter [1, 1, in, out] + bias) [..., out]. Throws
/// ShapeError where these do not fit.
template <class T>
Var<T> linear(const Var<T>& x, const std::shared_ptr<const Conv2dFilter<T>>& filter,
              Activation activation = Activation::none);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include <posekit/autodiff/convolution.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/kernels/dense_product.hpp>
#include <posekit/kernels/strided_reduce.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// dense_product of contiguous results with scratch from the tape's pool.
template <class T>
void run_product(BufferPool<T>& pool, int threads, const kernels::ProductExtents& e,
                 const kernels::StridedMatrix<T>& a, const kernels::StridedMatrix<T>& b, T* c,
                 const T* bias = nullptr, bool accumulate = false) {
  const PooledScratch<T> scratch(pool, kernels::dense_product_scratch<T>(e, b, threads));
  kernels::dense_product<T>(e, a, b, c, e.columns, bias, accumulate, scratch.data(), threads);
}

/// The rows of a matrix, or of its transpose.
template <class T>
kernels::StridedMatrix<T> matrix_of(const T* data, std::size_t columns, bool transposed) {
  return transposed ? kernels::transposed_rows(data, columns) : kernels::matrix_rows(data, columns);
}

/// The product a b [e.rows, e.columns] of elements that lie as `options` says, as a node of
/// `shape` with the operands a, b and, where it is valid, `bias` [e.columns].
template <class T>
Var<T> record_product(const char* name, const Shape& shape, const kernels::ProductExtents& e,
                      const Var<T>& a, const Var<T>& b, const Var<T>& bias,
                      const MatmulOptions& options) {
  Tape<T>& tape = a.tape();
  const std::size_t a_columns = options.transpose_a ? e.rows : e.depth;
  const std::size_t b_columns = options.transpose_b ? e.depth : e.columns;
  std::vector<Var<T>> operands{a, b};
  if (bias.valid()) operands.push_back(bias);
  Tensor<T> value = tape.pool().take(shape);
  run_product(tape.pool(), tape.threads(), e, matrix_of(a.data(), a_columns, options.transpose_a),
              matrix_of(b.data(), b_columns, options.transpose_b), value.data(),
              bias.valid() ? bias.data() : nullptr);
  const auto left = b.requires_grad() ? tape.elements(a) : nullptr;
  const auto right = a.requires_grad() ? tape.elements(b) : nullptr;
  return tape.record(name, std::move(value), operands, [=](Pullback<T>& p) {
    const std::size_t stacked = p.count() * e.rows;
    if (const auto target = p.target(0)) {
      const auto b_transposed = matrix_of(right->data(), b_columns, !options.transpose_b);
      if (!options.transpose_a) {
        run_product(p.pool(), p.threads(), {stacked, e.columns, e.depth},
                    kernels::matrix_rows(p.cotangent(), e.columns), b_transposed, target.data,
                    static_cast<const T*>(nullptr), target.accumulate);
      } else {
        // (dC b^T)^T = b dC^T
        const auto b_rows = matrix_of(right->data(), b_columns, options.transpose_b);
        for (std::size_t k = 0; k < p.count(); ++k) {
          run_product(p.pool(), p.threads(), {e.depth, e.columns, e.rows}, b_rows,
                      kernels::transposed_rows(p.cotangent() + k * e.rows * e.columns, e.columns),
                      target.data + k * e.rows * e.depth, static_cast<const T*>(nullptr),
                      target.accumulate);
        }
      }
    }
    if (const auto target = p.target(1)) {
      for (std::size_t k = 0; k < p.count(); ++k) {
        const T* cotangent = p.cotangent() + k * e.rows * e.columns;
        T* const to = target.data + k * e.depth * e.columns;
        if (!options.transpose_b) {
          run_product(p.pool(), p.threads(), {e.depth, e.rows, e.columns},
                      matrix_of(left->data(), a_columns, !options.transpose_a),
                      kernels::matrix_rows(cotangent, e.columns), to,
                      static_cast<const T*>(nullptr), target.accumulate);
        } else {
          run_product(p.pool(), p.threads(), {e.columns, e.rows, e.depth},
                      kernels::transposed_rows(cotangent, e.columns),
                      matrix_of(left->data(), a_columns, options.transpose_a), to,
                      static_cast<const T*>(nullptr), target.accumulate);
        }
      }
    }
    if (!bias.valid() || !p.wants(2)) return;
    const auto target = p.target(2);
    target.put_nothing(0, p.count() * e.columns);
    for (std::size_t k = 0; k < p.count(); ++k) {
      kernels::sum_rows(e.rows, e.columns, p.cotangent() + k * e.rows * e.columns,
                        target.data + k * e.columns, p.threads());
    }
  });
}

/// A product that has no elements, or sums of no products, and derivatives of 0.
template <class T>
Var<T> record_empty_product(const char* name, const Shape& shape, const Var<T>& a,
                            const Var<T>& b) {
  const std::array<std::size_t, 2> sizes{a.size(), b.size()};
  return a.tape().record(name, zeros<T>(shape), {a, b}, [=](Pullback<T>& p) {
    for (std::size_t i = 0; i < 2; ++i) {
      if (const auto target = p.target(i)) target.put_nothing(0, p.count() * sizes[i]);
    }
  });
}

}  // namespace internal

template <class T>
Var<T> matmul(const Var<T>& a, const Var<T>& b, const MatmulOptions& options) {
  const Shape left = a.shape();
  const Shape right = b.shape();
  const std::size_t a_depth = options.transpose_a ? 0 : 1, b_depth = options.transpose_b ? 1 : 0;
  if (left.size() != 2 || right.size() != 2 || left[a_depth] != right[b_depth]) {
    throw ShapeError(error_text("matmul: shapes ", to_string(left), " and ", to_string(right),
                                " do not multiply, expected ",
                                options.transpose_a ? "[K, M]" : "[M, K]", " and ",
                                options.transpose_b ? "[N, K]" : "[K, N]"));
  }
  const kernels::ProductExtents e{left[1 - a_depth], left[a_depth], right[1 - b_depth]};
  const Shape shape{e.rows, e.columns};
  if (e.rows == 0 || e.depth == 0 || e.columns == 0)
    return internal::record_empty_product("matmul", shape, a, b);
  return internal::record_product("matmul", shape, e, a, b, Var<T>(), options);
}

template <class T>
Var<T> linear(const Var<T>& x, const Var<T>& weight, const Var<T>& bias) {
  const Shape in = x.shape(), filter = weight.shape();
  if (filter.size() != 2 || filter[1] == 0 || in.empty() || in.back() != filter[1]) {
    throw ShapeError(error_text("linear: x has shape ", to_string(in), " and weight ",
                                to_string(filter), ", expected [..., in] and [out, in]"));
  }
  if (bias.valid() && bias.shape() != Shape{filter[0]}) {
    throw ShapeError(error_text("linear: bias has shape ", to_string(bias.shape()), ", expected [",
                                filter[0], "]"));
  }
  Shape shape = in;
  shape.back() = filter[0];
  if (x.size() == 0 || filter[0] == 0) {
    const Var<T> product = internal::record_empty_product("linear", shape, x, weight);
    return bias.valid() ? product + bias : product;
  }
  return internal::record_product("linear", shape, {x.size() / filter[1], filter[1], filter[0]}, x,
                                  weight, bias, {.transpose_b = true});
}

template <class T>
Var<T> linear(const Var<T>& x, const std::shared_ptr<const Conv2dFilter<T>>& filter,
              Activation activation) {
  const Shape in = x.shape();
  if (filter->kernel_height() != 1 || filter->kernel_width() != 1 || in.empty() ||
      in.back() != filter->in_channels()) {
    throw ShapeError(error_text("linear: x has shape ", to_string(in), " and the filter ",
                                to_string(filter->filter().shape()),
                                ", expected [..., in] and [1, 1, in, out]"));
  }
  Shape shape = in;
  shape.back() = filter->out_channels();
  // A convolution of an image of one row is the same product; without rows, of no image.
  const std::size_t rows = x.size() / in.back();
  const Shape image{rows == 0 ? std::size_t{0} : 1, 1, std::max<std::size_t>(rows, 1), in.back()};
  Conv2dOptions options;
  options.activation = activation;
  return reshape(conv2d(reshape(x, image), filter, options), shape);
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_AUTODIFF
