#pragma once

// The only place that names xtensor's containers: posekit's Tensor is an alias defined here.

#if defined(__has_include) && __has_include(<xtensor/containers/xarray.hpp>)
#include <xtensor/containers/xarray.hpp>  // xtensor 0.26 and later
#else
#include <xtensor/xarray.hpp>
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include <posekit/core/aligned.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/shape.hpp>

namespace posekit::inline POSEKIT_ISA {

/// An owning, row-major, contiguous tensor of any rank: an xtensor container on cache-line-aligned
/// memory. Everything xtensor does with an `xt::xarray` works on it.
template <class T>
using Tensor = xt::xarray<T, xt::layout_type::row_major, AlignedAllocator<T>>;

template <class T>
Shape shape_of(const Tensor<T>& tensor) {
  return Shape(tensor.shape().begin(), tensor.shape().end());
}

/// Anything with elements and a shape that xtensor knows: a Tensor, a view of one, an adaptor on
/// memory that somebody else owns.
template <class E>
concept TensorExpression = xt::is_xexpression<std::decay_t<E>>::value;

/// The elements of a tensor expression as one row-major run: where they lie so already (a tensor,
/// an adaptor), they are referred to; otherwise they are copied. Valid as long as the expression
/// is.
template <class T>
class ContiguousView {
 public:
  explicit ContiguousView(const Tensor<T>& tensor)
      : shape_(shape_of(tensor)), data_(tensor.data()) {}
  template <TensorExpression E>
  explicit ContiguousView(const E& expression)
      : shape_(expression.shape().begin(), expression.shape().end()) {
    if constexpr (xt::has_data_interface<E>::value && xt::has_strides<E>::value &&
                  std::is_same_v<typename E::value_type, T>) {
      if (row_major(expression)) {
        data_ = expression.data() + expression.data_offset();
        return;
      }
    }
    copy_ = Tensor<T>(expression);
    data_ = copy_.data();
  }
  ContiguousView(const ContiguousView&) = delete;
  ContiguousView& operator=(const ContiguousView&) = delete;

  const T* data() const { return data_; }
  const Shape& shape() const { return shape_; }

 private:
  template <class E>
  bool row_major(const E& expression) const {
    std::ptrdiff_t step = 1;
    for (std::size_t axis = shape_.size(); axis-- > 0;) {
      if (shape_[axis] != 1 && static_cast<std::ptrdiff_t>(expression.strides()[axis]) != step)
        return false;
      step *= static_cast<std::ptrdiff_t>(shape_[axis]);
    }
    return true;
  }

  Shape shape_;
  Tensor<T> copy_{};
  const T* data_ = nullptr;
};

/// A tensor whose elements are not initialised.
template <class T>
Tensor<T> make_tensor(const Shape& shape) {
  element_count(shape);
  return Tensor<T>::from_shape(shape);
}

template <class T>
Tensor<T> zeros(const Shape& shape) {
  Tensor<T> result = make_tensor<T>(shape);
  std::fill_n(result.data(), result.size(), T(0));
  return result;
}

/// A tensor of the given shape whose elements are copied from `values`, row-major.
template <class T, class Range>
Tensor<T> tensor_from(const Shape& shape, const Range& values) {
  Tensor<T> result = make_tensor<T>(shape);
  if (static_cast<std::size_t>(values.size()) != result.size()) {
    throw ShapeError(
        error_text("tensor_from: ", values.size(), " values do not fill shape ", to_string(shape)));
  }
  std::transform(values.begin(), values.end(), result.data(),
                 [](const auto& value) { return static_cast<T>(value); });
  return result;
}

/// The same elements under another shape of the same size.
template <class T>
Tensor<T> reshaped(Tensor<T> tensor, const Shape& shape) {
  if (element_count(shape) != tensor.size()) {
    throw ShapeError(error_text("reshaped: a tensor of shape ", to_string(tensor.shape()),
                                " cannot become ", to_string(shape)));
  }
  tensor.reshape(shape);
  return tensor;
}

template <class To, class From>
Tensor<To> cast(const Tensor<From>& tensor) {
  Tensor<To> result = make_tensor<To>(shape_of(tensor));
  std::transform(tensor.data(), tensor.data() + tensor.size(), result.data(),
                 [](From value) { return static_cast<To>(value); });
  return result;
}

/// Throws ShapeError unless `tensor` has the given rank; `axes` names them ("[N, J, H, W]").
template <class T>
void require_rank(const Tensor<T>& tensor, std::size_t rank, const char* function,
                  const char* argument, const char* axes) {
  if (tensor.dimension() != rank) {
    throw ShapeError(error_text(function, ": ", argument, " has shape ", to_string(tensor.shape()),
                                ", expected rank ", rank, " ", axes));
  }
}

/// Throws ShapeError unless `tensor` has exactly the given shape.
template <class T>
void require_shape(const Tensor<T>& tensor, const Shape& shape, const char* function,
                   const char* argument) {
  if (!std::equal(tensor.shape().begin(), tensor.shape().end(), shape.begin(), shape.end())) {
    throw ShapeError(error_text(function, ": ", argument, " has shape ", to_string(tensor.shape()),
                                ", expected ", to_string(shape)));
  }
}

/// Throws ValueError when an element is NaN or infinite; the text gives its index.
template <class T>
void require_finite(const Tensor<T>& tensor, const char* function, const char* argument) {
  const T* data = tensor.data();
  for (std::size_t i = 0; i < tensor.size(); ++i) {
    if (std::isfinite(data[i])) continue;
    Shape index(tensor.dimension());
    std::size_t rest = i;
    for (std::size_t axis = index.size(); axis-- > 0;) {
      index[axis] = rest % tensor.shape()[axis];
      rest /= tensor.shape()[axis];
    }
    throw ValueError(error_text(function, ": ", argument, to_string(index), " is ", data[i],
                                ", expected a finite number"));
  }
}

}  // namespace posekit::inline POSEKIT_ISA
