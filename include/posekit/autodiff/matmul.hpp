#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include <posekit/autodiff/conv2d_filter.hpp>
#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/kernels/activation_kind.hpp>

namespace posekit::inline POSEKIT_ISA {

/// a [M, K] times b [K, N]; a sum of no products (K = 0) is 0. A convolution of an image of one row
/// with kernels of one pixel is the same product, and has the kernels for it.
template <class T>
Var<T> matmul(const Var<T>& a, const Var<T>& b);

/// act(a [M, K] times a constant filter [1, 1, K, N] + bias).
template <class T>
Var<T> matmul(const Var<T>& a, const std::shared_ptr<const Conv2dFilter<T>>& b,
              Activation activation = Activation::none);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

#include <posekit/autodiff/convolution.hpp>
#include <posekit/autodiff/shaping.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// [M, K] as an image of M pixels; without rows, as no image.
inline Shape image_of_rows(const Shape& rows) {
  return rows[0] == 0 ? Shape{0, 1, 1, rows[1]} : Shape{1, 1, rows[0], rows[1]};
}

}  // namespace internal

template <class T>
Var<T> matmul(const Var<T>& a, const Var<T>& b) {
  const Shape left = a.shape();
  const Shape right = b.shape();
  if (left.size() != 2 || right.size() != 2 || left[1] != right[0]) {
    throw ShapeError(error_text("matmul: shapes ", to_string(left), " and ", to_string(right),
                                " do not multiply, expected [M, K] and [K, N]"));
  }
  if (left[1] == 0 || right[1] == 0) {
    const std::array<std::size_t, 2> sizes{a.size(), b.size()};
    return a.tape().record("matmul", zeros<T>({left[0], right[1]}), {a, b}, [=](Pullback<T>& p) {
      for (std::size_t i = 0; i < 2; ++i) {
        if (const auto target = p.target(i)) target.put_nothing(0, p.count() * sizes[i]);
      }
    });
  }
  const Var<T> product =
      conv2d(reshape(a, internal::image_of_rows(left)), reshape(b, {1, 1, right[0], right[1]}));
  return reshape(product, {left[0], right[1]});
}

template <class T>
Var<T> matmul(const Var<T>& a, const std::shared_ptr<const Conv2dFilter<T>>& b,
              Activation activation) {
  const Shape left = a.shape();
  if (left.size() != 2 || b->kernel_height() != 1 || b->kernel_width() != 1 ||
      left[1] != b->in_channels()) {
    throw ShapeError(error_text("matmul: shapes ", to_string(left), " and ",
                                to_string(b->filter().shape()),
                                " do not multiply, expected [M, K] and [1, 1, K, N]"));
  }
  Conv2dOptions options;
  options.activation = activation;
  return reshape(conv2d(reshape(a, internal::image_of_rows(left)), b, options),
                 {left[0], b->out_channels()});
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_AUTODIFF
