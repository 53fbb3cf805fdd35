#pragma once

#include <cstddef>
#include <cstdint>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/shape.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
class Tape;

/// A handle to a tensor recorded on a tape. Cheap to copy; valid until the tape is cleared.
template <class T>
class Var {
 public:
  using value_type = T;

  /// A handle to nothing; every use but assignment throws.
  Var() = default;

  const Tensor<T>& value() const { return tape().value(*this); }
  /// The value's elements, the last axis fastest. Good until the value is released from the tape;
  /// of a view (see reshape) also only until somebody asks for its `value()`.
  const T* data() const { return tape().elements(*this)->data(); }
  /// The gradient that the last `Tape::backward` left here: that of a variable, or of a node that
  /// `Tape::retain_grad` was called for. Zero where the output did not depend on it.
  const Tensor<T>& grad() const { return tape().grad(*this); }
  const Shape& shape() const { return tape().shape(*this); }
  std::size_t dimension() const { return shape().size(); }
  std::size_t size() const { return element_count(shape()); }
  /// False for constants and for what was computed from constants only.
  bool requires_grad() const { return tape().requires_grad(*this); }
  bool valid() const { return tape_ != nullptr; }
  /// Whether two handles are to one node of one tape.
  bool is_same(const Var& other) const {
    return tape_ == other.tape_ && index_ == other.index_ && generation_ == other.generation_;
  }

  Tape<T>& tape() const;

 private:
  friend class Tape<T>;
  Var(Tape<T>* tape, std::uint32_t index, std::uint32_t generation)
      : tape_(tape), index_(index), generation_(generation) {}

  Tape<T>* tape_ = nullptr;
  std::uint32_t index_ = 0;
  std::uint32_t generation_ = 0;
};

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
Tape<T>& Var<T>::tape() const {
  if (tape_ == nullptr) throw Error("Var: an empty handle was used");
  return *tape_;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_AUTODIFF
