#pragma once

// Operations that leave values as they are and change what goes back through them.

#include <cstddef>
#include <utility>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

/// x as a constant: nothing goes back through it. The elements are shared, not copied, and nothing
/// is recorded to be differentiated.
template <class T>
Var<T> stop_gradient(const Var<T>& x);
/// A tensor as it is.
template <class T>
Tensor<T> stop_gradient(Tensor<T> x) {
  return x;
}

/// x, whose cotangent is the result's times -factor: what is behind it learns to make worse what is
/// trained before it (Ganin and Lempitsky 2015, Eq. 8 and 9, with factor their lambda). The
/// elements are shared, not copied. With a factor of 0 the cotangent is 0, whatever the result's.
/// Throws ValueError for a factor that is negative, infinite or NaN. optim::ReversalRamp gives
/// factors for a training's steps.
template <class T>
Var<T> reverse_gradient(const Var<T>& x, double factor = 1);
/// A tensor as it is. Throws ValueError as above.
template <class T>
Tensor<T> reverse_gradient(Tensor<T> x, double factor = 1);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

#include <posekit/core/require.hpp>
#include <posekit/core/threads.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
Var<T> stop_gradient(const Var<T>& x) {
  if (!x.requires_grad()) return x;
  // Without operands there is nothing to be differentiated.
  return x.tape().record_view("stop_gradient", x.shape(), x.tape().elements(x), {},
                              [](Pullback<T>&) {});
}

template <class T>
Var<T> reverse_gradient(const Var<T>& x, double factor) {
  require_positive("reverse_gradient", "factor", factor, true);
  return x.tape().record_view(
      "reverse_gradient", x.shape(), x.tape().elements(x), {x}, [factor](Pullback<T>& p) {
        const auto target = p.target(0);
        if (!target) return;
        const std::size_t size = p.count() * p.output_size();
        if (factor == 0) return target.put_nothing(0, size);
        const T* g = p.cotangent();
        parallel_ranges(size, threads_for(size, p.threads()),
                        [&](std::size_t begin, std::size_t end, int) {
                          for (std::size_t i = begin; i < end; ++i) {
                            target.put(i, static_cast<T>(-factor * static_cast<double>(g[i])));
                          }
                        });
      });
}

template <class T>
Tensor<T> reverse_gradient(Tensor<T> x, double factor) {
  require_positive("reverse_gradient", "factor", factor, true);
  return x;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_AUTODIFF
