#pragma once

// Element-wise arithmetic with NumPy's broadcasting.

#include <array>
#include <memory>
#include <type_traits>
#include <utility>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// a + b, broadcast.
template <class T>
Var<T> operator+(const Var<T>& a, const Var<T>& b);

/// a - b, broadcast.
template <class T>
Var<T> operator-(const Var<T>& a, const Var<T>& b);

/// a * b element by element, broadcast.
template <class T>
Var<T> operator*(const Var<T>& a, const Var<T>& b);

/// a / b element by element, broadcast.
template <class T>
Var<T> operator/(const Var<T>& a, const Var<T>& b);

/// (a - b)^2 element by element, broadcast.
template <class T>
Var<T> squared_difference(const Var<T>& a, const Var<T>& b);

/// scale * x + offset with constants.
template <class T>
Var<T> affine(const Var<T>& x, T scale, T offset);

template <class T>
Var<T> operator-(const Var<T>& x);
template <class T>
Var<T> operator+(const Var<T>& x, std::type_identity_t<T> c);
template <class T>
Var<T> operator+(std::type_identity_t<T> c, const Var<T>& x);
template <class T>
Var<T> operator-(const Var<T>& x, std::type_identity_t<T> c);
template <class T>
Var<T> operator-(std::type_identity_t<T> c, const Var<T>& x);
template <class T>
Var<T> operator*(const Var<T>& x, std::type_identity_t<T> c);
template <class T>
Var<T> operator*(std::type_identity_t<T> c, const Var<T>& x);
/// Divides: the reciprocal of a constant may be infinite where the quotient is not, and rounds.
template <class T>
Var<T> operator/(const Var<T>& x, std::type_identity_t<T> c);
template <class T>
Var<T> operator/(std::type_identity_t<T> c, const Var<T>& x);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

#include <posekit/kernels/strided.hpp>
#include <posekit/kernels/strided_reduce.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// target (+)= op(cotangent, a, b), summed over the axes along which the operand was broadcast, for
/// each of the stacked cotangents.
template <class T, class Op>
void broadcast_vjp(Pullback<T>& pullback, std::size_t operand, const Shape& shape,
                   const Shape& shape_a, const T* a, const Shape& shape_b, const T* b,
                   const Op& op) {
  const auto target = pullback.target(operand);
  if (!target) return;
  const std::size_t rank = shape.size();
  const Shape& operand_shape = operand == 0 ? shape_a : shape_b;
  const Shape out_strides = kernels::broadcast_strides(operand_shape, rank);
  const kernels::StridedRows<4> loop(shape, {out_strides, kernels::broadcast_strides(shape, rank),
                                             kernels::broadcast_strides(shape_a, rank),
                                             kernels::broadcast_strides(shape_b, rank)});
  const std::size_t size = element_count(shape);
  const std::size_t operand_size = element_count(operand_shape);
  for (std::size_t k = 0; k < pullback.count(); ++k) {
    T* out = target.data + k * operand_size;
    const std::array<const T*, 3> in{pullback.cotangent() + k * size, a, b};
    if (operand_size == size) {
      kernels::strided_map<T, simd::DefaultArch, 3>(loop, out, in, target.accumulate, op,
                                                    pullback.threads());
    } else {
      target.put_nothing(k * operand_size, operand_size);
      kernels::strided_reduce<T, simd::DefaultArch, 3>(loop, out, in, 1.0, op, pullback.threads());
    }
  }
}

/// value = op(a, b); the derivatives are op_a(g, a, b) and op_b(g, a, b).
template <class T, class Op, class OpA, class OpB>
Var<T> binary(const char* name, const Var<T>& a, const Var<T>& b, const Op& op, const OpA& op_a,
              const OpB& op_b) {
  Tape<T>& tape = a.tape();
  const auto value_a = tape.elements(a);
  const auto value_b = tape.elements(b);
  const Shape shape = broadcast_shapes(a.shape(), b.shape(), name);
  const std::size_t rank = shape.size();
  Tensor<T> value = tape.pool().take(shape);
  const kernels::StridedRows<3> loop(
      shape, {kernels::broadcast_strides(shape, rank), kernels::broadcast_strides(a.shape(), rank),
              kernels::broadcast_strides(b.shape(), rank)});
  kernels::strided_map<T, simd::DefaultArch, 2>(
      loop, value.data(), {value_a->data(), value_b->data()}, false, op, tape.threads());
  return tape.record(
      name, std::move(value), {a, b},
      [=, shape_a = a.shape(), shape_b = b.shape()](Pullback<T>& pullback) {
        broadcast_vjp(pullback, 0, shape, shape_a, value_a->data(), shape_b, value_b->data(), op_a);
        broadcast_vjp(pullback, 1, shape, shape_a, value_a->data(), shape_b, value_b->data(), op_b);
      });
}

/// What the derivative of a unary operation is a function of.
enum class Keep { nothing, input, output };

/// value = op(x); the derivative is op_x(g, kept).
template <Keep kept, class T, class Op, class OpX>
Var<T> unary(const char* name, const Var<T>& x, const Op& op, const OpX& op_x) {
  Tape<T>& tape = x.tape();
  auto input = tape.elements(x);
  Tensor<T> value = tape.pool().take(x.shape());
  const Shape flat{value.size()};
  const Shape one{1};
  kernels::strided_map<T, simd::DefaultArch, 1>(kernels::StridedRows<2>(flat, {one, one}),
                                                value.data(), {input->data()}, false, op,
                                                tape.threads());
  auto output = tape.pool().share(std::move(value));
  std::shared_ptr<const Tensor<T>> saved;
  if (kept == Keep::input) saved = std::move(input);
  if (kept == Keep::output) saved = output;
  return tape.record(
      name, std::move(output), {x}, [flat, one, saved = std::move(saved), op_x](Pullback<T>& p) {
        const auto target = p.target(0);
        if (!target) return;
        const kernels::StridedRows<3> loop(flat, {one, one, one});
        for (std::size_t k = 0; k < p.count(); ++k) {
          const T* g = p.cotangent() + k * flat[0];
          kernels::strided_map<T, simd::DefaultArch, 2>(loop, target.data + k * flat[0],
                                                        {g, saved != nullptr ? saved->data() : g},
                                                        target.accumulate, op_x, p.threads());
        }
      });
}

}  // namespace internal

template <class T>
Var<T> operator+(const Var<T>& a, const Var<T>& b) {
  if (a.shape() == b.shape()) {
    // Both cotangents are the output's, so neither value needs to be kept.
    Tape<T>& tape = a.tape();
    Tensor<T> value = tape.pool().take(a.shape());
    const Shape flat{value.size()};
    const Shape one{1};
    kernels::strided_map<T, simd::DefaultArch, 2>(
        kernels::StridedRows<3>(flat, {one, one, one}), value.data(), {a.data(), b.data()}, false,
        [](const auto& x, const auto& y) { return x + y; }, tape.threads());
    return tape.record("add", std::move(value), {a, b}, [](Pullback<T>& pullback) {
      pullback.pass(0);
      pullback.hand_over(1);
    });
  }
  return internal::binary(
      "add", a, b, [](const auto& x, const auto& y) { return x + y; },
      [](const auto& g, const auto&, const auto&) { return g; },
      [](const auto& g, const auto&, const auto&) { return g; });
}

template <class T>
Var<T> operator-(const Var<T>& a, const Var<T>& b) {
  return internal::binary(
      "subtract", a, b, [](const auto& x, const auto& y) { return x - y; },
      [](const auto& g, const auto&, const auto&) { return g; },
      [](const auto& g, const auto&, const auto&) { return -g; });
}

template <class T>
Var<T> operator*(const Var<T>& a, const Var<T>& b) {
  return internal::binary(
      "multiply", a, b, [](const auto& x, const auto& y) { return x * y; },
      [](const auto& g, const auto&, const auto& y) { return g * y; },
      [](const auto& g, const auto& x, const auto&) { return g * x; });
}

template <class T>
Var<T> operator/(const Var<T>& a, const Var<T>& b) {
  return internal::binary(
      "divide", a, b, [](const auto& x, const auto& y) { return x / y; },
      [](const auto& g, const auto&, const auto& y) { return g / y; },
      [](const auto& g, const auto& x, const auto& y) { return -g * x / (y * y); });
}

template <class T>
Var<T> squared_difference(const Var<T>& a, const Var<T>& b) {
  return internal::binary(
      "squared_difference", a, b, [](const auto& x, const auto& y) { return (x - y) * (x - y); },
      [](const auto& g, const auto& x, const auto& y) { return g * ((x - y) + (x - y)); },
      [](const auto& g, const auto& x, const auto& y) { return g * ((y - x) + (y - x)); });
}

template <class T>
Var<T> affine(const Var<T>& x, T scale, T offset) {
  return internal::unary<internal::Keep::nothing>(
      "affine", x,
      [=](const auto& v) {
        using V = std::decay_t<decltype(v)>;
        return v * V(scale) + V(offset);
      },
      [=](const auto& g, const auto&) {
        using V = std::decay_t<decltype(g)>;
        return g * V(scale);
      });
}

template <class T>
Var<T> operator-(const Var<T>& x) {
  return affine(x, T(-1), T(0));
}

template <class T>
Var<T> operator+(const Var<T>& x, std::type_identity_t<T> c) {
  return affine(x, T(1), c);
}

template <class T>
Var<T> operator+(std::type_identity_t<T> c, const Var<T>& x) {
  return affine(x, T(1), c);
}

template <class T>
Var<T> operator-(const Var<T>& x, std::type_identity_t<T> c) {
  return affine(x, T(1), -c);
}

template <class T>
Var<T> operator-(std::type_identity_t<T> c, const Var<T>& x) {
  return affine(x, T(-1), c);
}

template <class T>
Var<T> operator*(const Var<T>& x, std::type_identity_t<T> c) {
  return affine(x, c, T(0));
}

template <class T>
Var<T> operator*(std::type_identity_t<T> c, const Var<T>& x) {
  return affine(x, c, T(0));
}

template <class T>
Var<T> operator/(const Var<T>& x, std::type_identity_t<T> c) {
  const auto divided = [c](const auto& v, const auto&... /*kept*/) {
    return v / std::decay_t<decltype(v)>(c);
  };
  return internal::unary<internal::Keep::nothing>("divide", x, divided, divided);
}

template <class T>
Var<T> operator/(std::type_identity_t<T> c, const Var<T>& x) {
  return internal::unary<internal::Keep::input>(
      "divide", x, [c](const auto& v) { return std::decay_t<decltype(v)>(c) / v; },
      [c](const auto& g, const auto& v) { return -g * std::decay_t<decltype(v)>(c) / (v * v); });
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_AUTODIFF
