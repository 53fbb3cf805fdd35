#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <posekit/autodiff/buffer_pool.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/shape.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
class Tape;

/// What an operation's vector-Jacobian product works on: the cotangents of its output, and where
/// the cotangents of its operands go. `count()` cotangents are stacked along a leading axis, all
/// for the same forward pass.
template <class T>
class Pullback {
 public:
  /// Where the cotangents of one operand go: [count, operand shape]. With `accumulate` they are
  /// added to what is there; without, the memory is uninitialised and every element is written.
  struct Target {
    T* data = nullptr;
    bool accumulate = false;
    explicit operator bool() const { return data != nullptr; }
    /// One element's cotangent.
    void put(std::size_t i, T value) const { data[i] = accumulate ? data[i] + value : value; }
    /// Elements that get none.
    void put_nothing(std::size_t first, std::size_t elements) const {
      if (!accumulate) std::fill_n(data + first, elements, T(0));
    }
  };

  std::size_t count() const { return count_; }
  /// [count, output shape], contiguous.
  const T* cotangent() const { return cotangent_.data(); }
  std::size_t output_size() const { return element_count(node_.shape); }
  int threads() const { return tape_.threads(); }
  BufferPool<T>& pool() { return tape_.pool(); }

  /// True where operand `i` needs its cotangent.
  bool wants(std::size_t i) const;
  /// Where it goes; false where it is not wanted.
  Target target(std::size_t i);
  /// The operand has as many elements as the output and its cotangent is the output's.
  void pass(std::size_t i);
  /// The same as the last act of a product: `cotangent()` may not be read afterwards.
  void hand_over(std::size_t i);
  /// Where operand `i` is a rectifier's output whose cotangent will be silenced by these bits (see
  /// `Tape::declare_rectifier`) and nobody else writes to it: the bits, which the caller may apply
  /// as it writes, and then says so with `rectified`. Otherwise null.
  const std::uint8_t* rectifier(std::size_t i) const;
  void rectified(std::size_t i);
  /// True where the bits declared for this node have been applied to its cotangent already.
  bool is_rectified() const;

  /// Memory that comes from the tape's pool and returns to it at the end of the scope.
  PooledScratch<T> scratch(std::size_t size) { return PooledScratch<T>(tape_.pool(), size); }

 private:
  friend class Tape<T>;
  using Node = typename Tape<T>::Node;
  Pullback(Tape<T>& tape, std::size_t index, AlignedBuffer<T>& cotangent, std::size_t count);

  Tape<T>& tape_;
  std::size_t index_;  // of this node in the recording
  const Node& node_;
  AlignedBuffer<T>& cotangent_;
  std::size_t count_;
};

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

namespace posekit::inline POSEKIT_ISA {

template <class T>
Pullback<T>::Pullback(Tape<T>& tape, std::size_t index, AlignedBuffer<T>& cotangent,
                      std::size_t count)
    : tape_(tape), index_(index), node_(tape.nodes_[index]), cotangent_(cotangent), count_(count) {}

template <class T>
bool Pullback<T>::wants(std::size_t i) const {
  return (*tape_.wanted_)[node_.operands[i]] != 0;
}

template <class T>
typename Pullback<T>::Target Pullback<T>::target(std::size_t i) {
  if (!wants(i)) return {};
  const std::uint32_t operand = node_.operands[i];
  AlignedBuffer<T>& slot = tape_.cotangents_[operand];
  const bool accumulate = static_cast<bool>(slot);
  if (!accumulate && tape_.into_gradients_ && (*tape_.kept_)[operand] != 0) {
    auto& node = tape_.nodes_[operand];
    node.grad = tape_.pool_->take(node.shape);
    slot = AlignedBuffer<T>::borrowed(node.grad->data());
  } else if (!accumulate) {
    slot = tape_.pool_->take_memory(count_ * element_count(tape_.nodes_[operand].shape));
  }
  return {slot.data(), accumulate};
}

template <class T>
const std::uint8_t* Pullback<T>::rectifier(std::size_t i) const {
  const std::uint32_t index = node_.operands[i];
  const Node& operand = tape_.nodes_[index];
  // A gradient that is kept is the one before the rectifier.
  const bool kept = (*tape_.kept_)[index] != 0;
  return operand.rectifier != nullptr && operand.uses == 1 && !kept ? operand.rectifier->data()
                                                                    : nullptr;
}

template <class T>
void Pullback<T>::rectified(std::size_t i) {
  tape_.rectified_[node_.operands[i]] = 1;
}

template <class T>
bool Pullback<T>::is_rectified() const {
  return tape_.rectified_[index_] != 0;
}

template <class T>
void Pullback<T>::pass(std::size_t i) {
  const Target out = target(i);
  if (!out) return;
  const T* in = cotangent_.data();
  const std::size_t size = count_ * output_size();
  if (out.accumulate) {
    for (std::size_t n = 0; n < size; ++n) out.data[n] += in[n];
  } else {
    std::copy_n(in, size, out.data);
  }
}

template <class T>
void Pullback<T>::hand_over(std::size_t i) {
  if (!wants(i)) return;
  AlignedBuffer<T>& slot = tape_.cotangents_[node_.operands[i]];
  if (slot || (*tape_.kept_)[index_] != 0) return pass(i);
  slot = std::move(cotangent_);
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_AUTODIFF
