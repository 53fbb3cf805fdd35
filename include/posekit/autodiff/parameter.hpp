#pragma once

// Tensors that are learnt, and their names.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/digest.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

/// A tensor that an optimiser changes. It is not on a tape; `on` puts it there, shared and not
/// copied, so that a recording is stale as soon as an optimiser has taken a step: clear the tape
/// first. Copies of a parameter own copies of the tensor.
template <class T>
class Parameter {
 public:
  /// An empty parameter, of shape [0].
  Parameter() : Parameter(make_tensor<T>({0})) {}
  explicit Parameter(Tensor<T> value) : value_(std::make_shared<Tensor<T>>(std::move(value))) {}
  Parameter(const Parameter& other)
      : trainable(other.trainable), value_(std::make_shared<Tensor<T>>(*other.value_)) {}
  Parameter& operator=(const Parameter& other);
  Parameter(Parameter&&) noexcept = default;
  Parameter& operator=(Parameter&& other) noexcept;
  ~Parameter() = default;

  const Tensor<T>& value() const { return *value_; }
  /// Puts another value in its place. Counts as a change: see `version`.
  void set_value(Tensor<T> value) { value_to_change() = std::move(value); }
  /// To change it, now or as long as the reference is kept; evaluation notices.
  Tensor<T>& mutable_value();
  /// The same for a reference that is not kept: what is made from the value need not be checked
  /// from then on (see `fingerprint`).
  Tensor<T>& value_to_change();
  /// Grows with every change that this class is told of.
  std::uint64_t version() const { return version_; }
  /// What was made from the value (packed filters, say) is good as long as this stays the same.
  /// Where `mutable_value` handed out a reference, through which the value may change at any time,
  /// it is a digest of the elements.
  std::uint64_t fingerprint() const {
    return handed_out_ ? digest(value_->data(), value_->size() * sizeof(T)) : version_;
  }

  /// The parameter on a tape: a variable, the same one however often it is asked for before the
  /// tape is cleared; a constant where `differentiate` is false or the parameter is frozen.
  Var<T> on(Tape<T>& tape, bool differentiate = true) const;

  /// What the last `Tape::backward` left for it; null where the output did not depend on it.
  Tensor<T>* gradient(Tape<T>& tape) const { return tape.parameter_gradient(*value_); }

  bool trainable = true;  ///< false: frozen

 private:
  std::shared_ptr<Tensor<T>> value_;
  std::uint64_t version_ = 0;
  bool handed_out_ = false;
};

/// A parameter and the name that a checkpoint knows it by.
template <class T>
struct NamedParameter {
  std::string name;
  Parameter<T>* parameter;
};

template <class T>
using NamedParameters = std::vector<NamedParameter<T>>;

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

namespace posekit::inline POSEKIT_ISA {

template <class T>
Parameter<T>& Parameter<T>::operator=(const Parameter& other) {
  trainable = other.trainable;
  value_ = std::make_shared<Tensor<T>>(*other.value_);
  ++version_;
  handed_out_ = false;
  return *this;
}

template <class T>
Parameter<T>& Parameter<T>::operator=(Parameter&& other) noexcept {
  trainable = other.trainable;
  value_ = std::move(other.value_);
  ++version_;
  handed_out_ = other.handed_out_;
  return *this;
}

template <class T>
Tensor<T>& Parameter<T>::mutable_value() {
  handed_out_ = true;
  return value_to_change();
}

template <class T>
Tensor<T>& Parameter<T>::value_to_change() {
  ++version_;
  return *value_;
}

template <class T>
Var<T> Parameter<T>::on(Tape<T>& tape, bool differentiate) const {
  return differentiate && trainable ? tape.parameter(value_)
                                    : tape.constant(std::shared_ptr<const Tensor<T>>(value_));
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_AUTODIFF
