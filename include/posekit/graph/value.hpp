#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/graph/graph.hpp>

namespace posekit::inline POSEKIT_ISA {

using IntegerTensor = Tensor<std::int64_t>;

/// A tensor of integers whose elements are not initialised. It counts against the limit of what one
/// call may compute, as the tape's own do: see NetworkOptions.
template <class T>
IntegerTensor take_integers(Tape<T>& tape, const Shape& shape);

/// What flows along an edge of a network: a tensor on the tape, or integers (sizes, indices), which
/// are not differentiated. Copies share; when the last copy of an intermediate result goes, its
/// memory returns to the tape's pool.
template <class T>
class GraphValue {
 public:
  GraphValue() = default;
  GraphValue(IntegerTensor integers)  // NOLINT: both kinds convert
      : integers_(std::make_shared<const IntegerTensor>(std::move(integers))) {}
  /// A tensor that the operation has just recorded. One that came in is handed on as its
  /// GraphValue.
  GraphValue(Var<T> var) : GraphValue(var, true) {}  // NOLINT

  /// Where an operation returned a handle that `owner` holds already, the two share it: nobody lets
  /// go of the node before the other does.
  void share_with(const GraphValue& owner) {
    if (real_ == nullptr || owner.real_ == nullptr || real_ == owner.real_ ||
        !real_->var.is_same(owner.real_->var)) {
      return;
    }
    real_->release = false;
    real_ = owner.real_;
  }

  /// A value that is not the network's own, so that it stays on the tape.
  static GraphValue kept(Var<T> var) { return GraphValue(var, false); }
  void keep() {
    if (real_ != nullptr) real_->release = false;
  }

  bool is_integer() const { return integers_ != nullptr; }
  bool empty() const { return integers_ == nullptr && real_ == nullptr; }

  const Var<T>& real() const;
  const IntegerTensor& integers() const;
  Shape shape() const { return is_integer() ? shape_of(*integers_) : real().shape(); }

 private:
  struct Real {
    Real(Var<T> v, bool r) : var(v), release(r) {}
    ~Real() {
      if (release) var.tape().release_value(var);
    }
    Real(const Real&) = delete;
    Real& operator=(const Real&) = delete;
    Var<T> var;
    bool release;
  };
  GraphValue(Var<T> var, bool release) : real_(std::make_shared<Real>(var, release)) {}

  std::shared_ptr<const IntegerTensor> integers_;
  std::shared_ptr<Real> real_;
};

/// Integers enter a real computation as constants.
template <class T>
Var<T> as_real(Tape<T>& tape, const GraphValue<T>& value);

template <class T>
using GraphValues = std::vector<GraphValue<T>>;

/// Computes a node's outputs from its inputs.
template <class T>
using GraphFunction = std::function<GraphValues<T>(Tape<T>&, const GraphValues<T>&)>;

/// What an operation is built from: its node and the constants among its inputs.
struct GraphNodeView {
  const Graph& graph;
  const GraphNode& node;

  std::size_t input_count() const { return node.inputs.size(); }

  void require_inputs(std::size_t least, std::size_t most) const;

  /// The constant that feeds input `i`; null where it is computed.
  const ConstantTensor* constant(std::size_t i) const;
  const Tensor<float>* real_constant(std::size_t i) const;

  /// An attribute of the given type; `fallback` where it is absent.
  template <class A>
  A attribute(const char* key, A fallback) const {
    const auto found = node.attributes.find(key);
    if (found == node.attributes.end()) return fallback;
    if (const A* value = std::get_if<A>(&found->second)) return *value;
    throw GraphError(error_text("attribute '", key, "' has an unexpected type"));
  }
};

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_GRAPH

namespace posekit::inline POSEKIT_ISA {

template <class T>
IntegerTensor take_integers(Tape<T>& tape, const Shape& shape) {
  tape.pool().count(shape);
  return make_tensor<std::int64_t>(shape);
}

template <class T>
const Var<T>& GraphValue<T>::real() const {
  if (real_ == nullptr) throw GraphError("an integer tensor came, expected a real one");
  return real_->var;
}

template <class T>
const IntegerTensor& GraphValue<T>::integers() const {
  if (integers_ == nullptr) throw GraphError("a real tensor came, expected an integer one");
  return *integers_;
}

template <class T>
Var<T> as_real(Tape<T>& tape, const GraphValue<T>& value) {
  return value.is_integer() ? tape.constant(cast<T>(value.integers())) : value.real();
}

POSEKIT_INLINE void GraphNodeView::require_inputs(std::size_t least, std::size_t most) const {
  if (input_count() < least || input_count() > most) {
    throw GraphError(
        error_text("has ", input_count(), " inputs, expected ",
                   least == most ? error_text(least) : error_text(least, " to ", most)));
  }
}

POSEKIT_INLINE const ConstantTensor* GraphNodeView::constant(std::size_t i) const {
  if (i >= node.inputs.size()) return nullptr;
  const auto found = graph.constants.find(node.inputs[i].node);
  return found == graph.constants.end() ? nullptr : &found->second;
}

POSEKIT_INLINE const Tensor<float>* GraphNodeView::real_constant(std::size_t i) const {
  const ConstantTensor* value = constant(i);
  return value == nullptr ? nullptr : std::get_if<Tensor<float>>(value);
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_GRAPH
