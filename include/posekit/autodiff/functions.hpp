#pragma once

// Element-wise functions of one tensor, activations among them.

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <type_traits>
#include <utility>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/threads.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
Var<T> exp(const Var<T>& x);

template <class T>
Var<T> log(const Var<T>& x);

/// The derivative at 0 is infinite.
template <class T>
Var<T> sqrt(const Var<T>& x);

template <class T>
Var<T> square(const Var<T>& x);

/// |x|; the derivative at 0 is 0.
template <class T>
Var<T> abs(const Var<T>& x);

/// x to a power. The derivative at 0 is 0, 1 or infinite, as the exponent is above, at or below 1
/// (0 for the exponent 0); negative numbers have powers with whole exponents only, others are NaN.
template <class T>
Var<T> pow(const Var<T>& x, std::type_identity_t<T> exponent);

template <class T>
Var<T> tanh(const Var<T>& x);

/// 1 / (1 + exp(-x))
template <class T>
Var<T> sigmoid(const Var<T>& x);

/// x Phi(x), Phi being the normal distribution function.
template <class T>
Var<T> gelu(const Var<T>& x);

/// max(x, 0); the derivative is 1 on (0, inf).
template <class T>
Var<T> relu(const Var<T>& x);

/// min(max(x, 0), 6); the derivative is 1 on (0, 6].
template <class T>
Var<T> relu6(const Var<T>& x);

/// x where x > 0, slope * x elsewhere; `slope` broadcasts against x.
template <class T>
Var<T> prelu(const Var<T>& x, const Var<T>& slope);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/kernels/activation.hpp>
#include <posekit/simd/exp.hpp>
#include <posekit/simd/log.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// A rectifier over rows of `channels`; keeps one bit per element for the derivative.
template <class T>
Var<T> rectifier(const char* name, const Var<T>& x, Activation activation);

}  // namespace internal

namespace internal {

// Batches find xsimd's functions, scalars the standard library's.
template <class V>
V exp_of(const V& v) {
  if constexpr (std::is_floating_point_v<V>) {
    return std::exp(v);
  } else {
    return simd::exp<typename V::value_type, typename V::arch_type>(v);
  }
}

template <class V>
V log_of(const V& v) {
  if constexpr (std::is_floating_point_v<V>) {
    return std::log(v);
  } else {
    return simd::log<typename V::value_type, typename V::arch_type>(v);
  }
}

template <class V>
V sqrt_of(const V& v) {
  using std::sqrt;
  return sqrt(v);
}

template <class V>
V tanh_of(const V& v) {
  using std::tanh;
  return tanh(v);
}

template <class V>
V abs_of(const V& v) {
  using std::abs;
  return abs(v);
}

/// Exact to the standard library's last bit, a lane at a time.
template <class V, class T>
V pow_of(const V& v, T exponent) {
  if constexpr (std::is_floating_point_v<V>) {
    return std::pow(v, exponent);
  } else {
    alignas(alignof(V)) std::array<T, V::size> lanes;
    v.store_aligned(lanes.data());
    for (T& lane : lanes) lane = std::pow(lane, exponent);
    return V::load_aligned(lanes.data());
  }
}

/// -1, 0 or 1; NaN of NaN.
template <class V>
V sign_of(const V& v) {
  if constexpr (std::is_floating_point_v<V>) {
    return v > 0 ? V(1) : v < 0 ? V(-1) : v;
  } else {
    return xsimd::select(v > V(0), V(1), xsimd::select(v < V(0), V(-1), v));
  }
}

}  // namespace internal

template <class T>
Var<T> exp(const Var<T>& x) {
  return internal::unary<internal::Keep::output>(
      "exp", x, [](const auto& v) { return internal::exp_of(v); },
      [](const auto& g, const auto& y) { return g * y; });
}

template <class T>
Var<T> abs(const Var<T>& x) {
  return internal::unary<internal::Keep::input>(
      "abs", x, [](const auto& v) { return internal::abs_of(v); },
      [](const auto& g, const auto& v) { return g * internal::sign_of(v); });
}

template <class T>
Var<T> pow(const Var<T>& x, std::type_identity_t<T> exponent) {
  return internal::unary<internal::Keep::input>(
      "pow", x, [=](const auto& v) { return internal::pow_of(v, exponent); },
      [=](const auto& g, const auto& v) {
        using V = std::decay_t<decltype(v)>;
        return exponent == T(0) ? V(0) * g : g * V(exponent) * internal::pow_of(v, exponent - T(1));
      });
}

template <class T>
Var<T> log(const Var<T>& x) {
  return internal::unary<internal::Keep::input>(
      "log", x, [](const auto& v) { return internal::log_of(v); },
      [](const auto& g, const auto& v) { return g / v; });
}

template <class T>
Var<T> sqrt(const Var<T>& x) {
  return internal::unary<internal::Keep::output>(
      "sqrt", x, [](const auto& v) { return internal::sqrt_of(v); },
      [](const auto& g, const auto& y) { return g / (y + y); });
}

template <class T>
Var<T> square(const Var<T>& x) {
  return internal::unary<internal::Keep::input>(
      "square", x, [](const auto& v) { return v * v; },
      [](const auto& g, const auto& v) { return g * (v + v); });
}

template <class T>
Var<T> tanh(const Var<T>& x) {
  return internal::unary<internal::Keep::output>(
      "tanh", x, [](const auto& v) { return internal::tanh_of(v); },
      [](const auto& g, const auto& y) {
        using V = std::decay_t<decltype(g)>;
        return g * (V(T(1)) - y * y);
      });
}

template <class T>
Var<T> sigmoid(const Var<T>& x) {
  return internal::unary<internal::Keep::output>(
      "sigmoid", x,
      [](const auto& v) {
        using V = std::decay_t<decltype(v)>;
        return V(T(1)) / (V(T(1)) + internal::exp_of(-v));
      },
      [](const auto& g, const auto& y) {
        using V = std::decay_t<decltype(g)>;
        return g * y * (V(T(1)) - y);
      });
}

namespace internal {

/// condition ? a : b, of scalars and of batches.
template <class Condition, class V>
V select_of(const Condition& condition, const V& a, const V& b) {
  if constexpr (std::is_same_v<Condition, bool>) {
    return condition ? a : b;
  } else {
    return xsimd::select(condition, a, b);
  }
}

/// erf is 1 to the last digit from 6 on, and xsimd's gives NaN for large numbers. Of NaN it is 1
/// here: whoever asks multiplies it with its argument.
template <class T, class V>
V erf_of(const V& v) {
  using std::erf;
  const V limit(T(8));
  return erf(select_of(v <= limit, select_of(v >= -limit, v, V(-limit)), limit));
}

/// The normal distribution function and density.
template <class T, class V>
V normal_distribution(const V& v) {
  return V(T(0.5)) * (V(T(1)) + erf_of<T>(V(v * V(T(0.70710678118654752440L)))));
}

template <class T, class V>
V normal_density(const V& v) {
  return V(T(0.39894228040143267794L)) * exp_of(V(V(T(-0.5)) * v * v));
}

}  // namespace internal

template <class T>
Var<T> gelu(const Var<T>& x) {
  return internal::unary<internal::Keep::input>(
      "gelu", x, [](const auto& v) { return v * internal::normal_distribution<T>(v); },
      [](const auto& g, const auto& v) {
        return g * (internal::normal_distribution<T>(v) + v * internal::normal_density<T>(v));
      });
}

namespace internal {

template <class T>
Var<T> rectifier(const char* name, const Var<T>& x, Activation activation) {
  Tape<T>& tape = x.tape();
  constexpr std::size_t L = simd::lanes<T>;
  const std::size_t size = x.size();
  const T* in = x.data();
  Tensor<T> value = tape.pool().take(x.shape());
  T* out = value.data();
  const auto mask = tape.pool().bytes(kernels::mask_row_bytes(size));
  std::uint8_t* bits_out = mask->data();
  const simd::Batch<T> no_slope(T(0));
  // Whole parts of 16 elements, so that no two threads write one byte of the mask.
  const std::size_t parts = (size + 15) / 16;
  parallel_ranges(
      parts, threads_for(size, tape.threads()), [&](std::size_t begin, std::size_t end, int) {
        std::size_t i = 16 * begin;
        const std::size_t stop = std::min(size, 16 * end);
        for (; i < stop; i += L) {
          const std::size_t count = std::min(L, stop - i);
          const auto v = count == L ? simd::load<T, simd::DefaultArch>(in + i)
                                    : simd::load_partial<T, simd::DefaultArch>(in + i, count);
          std::uint32_t bits = 0;
          const auto y = kernels::activate<T, simd::DefaultArch>(v, activation, no_slope, bits);
          if (count == L) {
            simd::store<T, simd::DefaultArch>(out + i, y);
          } else {
            bits &= (1u << count) - 1u;
            simd::store_partial<T, simd::DefaultArch>(out + i, y, count);
          }
          kernels::set_mask_bits<L>(bits_out, i, bits);
        }
      });
  return tape.record(name, std::move(value), {x}, [size, mask](Pullback<T>& p) {
    const auto target = p.target(0);
    if (!target) return;
    const std::uint8_t* bits_in = mask->data();
    for (std::size_t k = 0; k < p.count(); ++k) {
      const T* g = p.cotangent() + k * size;
      T* to = target.data + k * size;
      parallel_ranges((size + 15) / 16, threads_for(size, p.threads()),
                      [&](std::size_t begin, std::size_t end, int) {
                        std::size_t i = 16 * begin;
                        const std::size_t stop = std::min(size, 16 * end);
                        for (; i + L <= stop; i += L) {
                          auto v = simd::zero_unless<T, simd::DefaultArch>(
                              kernels::mask_bits<L>(bits_in, i),
                              simd::load<T, simd::DefaultArch>(g + i));
                          if (target.accumulate) v += simd::load<T, simd::DefaultArch>(to + i);
                          simd::store<T, simd::DefaultArch>(to + i, v);
                        }
                        for (; i < stop; ++i) {
                          const T v = ((bits_in[i / 8] >> (i % 8)) & 1u) != 0 ? g[i] : T(0);
                          to[i] = target.accumulate ? to[i] + v : v;
                        }
                      });
    }
  });
}

}  // namespace internal

template <class T>
Var<T> relu(const Var<T>& x) {
  return internal::rectifier("relu", x, Activation::relu);
}

template <class T>
Var<T> relu6(const Var<T>& x) {
  return internal::rectifier("relu6", x, Activation::relu6);
}

template <class T>
Var<T> prelu(const Var<T>& x, const Var<T>& slope) {
  if (broadcast_shapes(x.shape(), slope.shape(), "prelu") != x.shape()) {
    throw ShapeError(error_text("prelu: slope has shape ", to_string(slope.shape()),
                                ", expected one that broadcasts to x's ", to_string(x.shape())));
  }
  const auto positive = [](const auto& v) {
    using V = std::decay_t<decltype(v)>;
    return v > V(T(0));
  };
  return internal::binary(
      "prelu", x, slope,
      [=](const auto& v, const auto& s) {
        return internal::select_of(positive(v), v, std::decay_t<decltype(v)>(v * s));
      },
      [=](const auto& g, const auto& v, const auto& s) {
        return internal::select_of(positive(v), g, std::decay_t<decltype(g)>(g * s));
      },
      [=](const auto& g, const auto& v, const auto&) {
        using V = std::decay_t<decltype(g)>;
        return internal::select_of(positive(v), V(T(0)), V(g * v));
      });
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_AUTODIFF
