#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <posekit/autodiff/buffer_pool.hpp>
#include <posekit/autodiff/pullback.hpp>
#include <posekit/autodiff/var.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/shape.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/core/threads.hpp>

namespace posekit::inline POSEKIT_ISA {

struct TapeOptions {
  int threads = 0;  ///< threads of one operation; 0: as many as OpenMP would use
  /// Cotangents that `Tape::vjp` carries through the recording together. More of them share the
  /// work that depends on the forward pass; fewer keep their buffers in the cache.
  std::size_t seeds_per_pass = 9;
};

/// A recording of whole-tensor operations, for reverse-mode differentiation.
///
/// The recording is a flat array in the order of execution; `backward` walks it in reverse, so that
/// there is no recursion, and a recording can be differentiated as often as wanted. A tape belongs
/// to one thread at a time; any number of threads can each have their own. There are no globals.
///
///     Tape<double> tape;
///     Var<double> x = tape.variable(tensor);
///     Var<double> y = sum(x * x);
///     tape.backward(y);
///     x.grad();                              // 2 x
template <class T>
class Tape {
 public:
  explicit Tape(const TapeOptions& options = {})
      : options_(options), pool_(std::make_shared<BufferPool<T>>()) {}
  Tape(const Tape&) = delete;  // handles point here
  Tape& operator=(const Tape&) = delete;

  /// A leaf whose gradient is computed.
  Var<T> variable(Tensor<T> value) { return leaf(pool_->share(std::move(value)), true); }
  /// The same for a value that is shared, not copied.
  Var<T> variable(std::shared_ptr<const Tensor<T>> value) { return leaf(std::move(value), true); }
  /// A leaf whose gradient is not computed, nor anything that only it would need.
  Var<T> constant(Tensor<T> value) { return leaf(pool_->share(std::move(value)), false); }
  /// A constant that is shared, not copied.
  Var<T> constant(std::shared_ptr<const Tensor<T>> value) { return leaf(std::move(value), false); }

  /// A variable for this tensor, which is shared, not copied: the same one for the same tensor
  /// until the tape is cleared (see Parameter).
  Var<T> parameter(const std::shared_ptr<const Tensor<T>>& value);
  /// The gradient that the last `backward` left for a tensor given to `parameter`; null where the
  /// output did not depend on it. It may be changed, to clip it for instance.
  Tensor<T>* parameter_gradient(const Tensor<T>& value);

  /// Adds `scale` times `gradient` to what a variable has as its gradient, as if `backward` had
  /// left it. Throws Error for a Var that is no variable, ShapeError where the shapes differ.
  void add_gradient(const Var<T>& variable, const Tensor<T>& gradient, T scale = T(1));

  /// Records the result of an operation. `vjp(Pullback<T>&)` computes the operands' cotangents
  /// from the output's; it holds what it needs of the forward pass, and is dropped at once where
  /// no operand requires a gradient. Operations of the library and of its users come through here.
  template <class Vjp>
  Var<T> record(const char* name, Tensor<T> value, const std::vector<Var<T>>& operands, Vjp&& vjp) {
    return record(name, pool_->share(std::move(value)), operands, std::forward<Vjp>(vjp));
  }
  /// The same for a value that the derivative holds too.
  template <class Vjp>
  Var<T> record(const char* name, std::shared_ptr<const Tensor<T>> value,
                const std::vector<Var<T>>& operands, Vjp&& vjp) {
    const Shape shape = shape_of(*value);
    return record_view(name, shape, std::move(value), operands, std::forward<Vjp>(vjp));
  }
  /// The same for elements that have another shape on the tape than where they come from, which are
  /// shared, not copied, until somebody asks for the tensor.
  template <class Vjp>
  Var<T> record_view(const char* name, const Shape& shape,
                     std::shared_ptr<const Tensor<T>> elements, const std::vector<Var<T>>& operands,
                     Vjp&& vjp) {
    Node node;
    node.name = name;
    node.shape = shape;
    node.value = std::move(elements);
    for (const Var<T>& operand : operands) {
      const std::uint32_t index = check(operand, name);
      node.operands.push_back(index);
      node.requires_grad = node.requires_grad || nodes_[index].requires_grad;
    }
    if (node.requires_grad) {
      for (const std::uint32_t index : node.operands) ++nodes_[index].uses;
    }
    if (node.requires_grad) {
      node.vjp = std::make_unique<VjpHolder<std::decay_t<Vjp>>>(std::forward<Vjp>(vjp));
    } else {
      node.operands.clear();
    }
    return push(std::move(node));
  }

  /// The gradient of a scalar (a tensor of one element) with respect to every variable. Replaces
  /// the gradients of an earlier call.
  void backward(const Var<T>& output);

  /// The vector-Jacobian product seed^T · d(output)/d(variable) for every variable. `seed` has the
  /// output's shape. Replaces the gradients of an earlier call.
  void backward(const Var<T>& output, const Tensor<T>& seed);

  /// Several vector-Jacobian products on one forward pass: `seeds` is [K, output shape], the result
  /// [K, input shape]. A seed of zeros costs nothing. Gradients left by `backward` stay.
  Tensor<T> vjp(const Var<T>& output, const Tensor<T>& seeds, const Var<T>& input);

  /// Says that the first thing a node's derivative does is to multiply its cotangent by these bits
  /// (one row per pixel, kernels::mask_row_bytes each), so that whoever computes the cotangent may
  /// do it.
  void declare_rectifier(const Var<T>& node, std::shared_ptr<const ByteBuffer> bits) {
    nodes_[check(node, "Tape::declare_rectifier")].rectifier = std::move(bits);
  }

  /// Keeps the gradient of a node that is not a variable when `backward` passes it.
  void retain_grad(const Var<T>& node) { nodes_[check(node, "Tape::retain_grad")].retain = true; }

  /// Lets go of a node's value, whose buffer can then be reused; what operations keep for their
  /// derivative stays. `value()` throws afterwards.
  void release_value(const Var<T>& node) {
    nodes_[check(node, "Tape::release_value")].value.reset();
  }

  /// Forgets the recording and makes its handles invalid. Buffers stay for the next recording.
  void clear();

  /// Frees the buffers that wait to be reused.
  void release_memory() { pool_->trim(); }

  std::size_t size() const { return nodes_.size(); }
  int threads() const { return resolve_threads(options_.threads); }
  BufferPool<T>& pool() { return *pool_; }

  const Tensor<T>& value(const Var<T>& var) const { return *shared_value(var); }
  std::shared_ptr<const Tensor<T>> shared_value(const Var<T>& var) const;
  /// The same elements, perhaps under another shape: what a view was made of. For operations that
  /// know the shape already.
  std::shared_ptr<const Tensor<T>> elements(const Var<T>& var) const;
  const Shape& shape(const Var<T>& var) const { return nodes_[check(var, "Var::shape")].shape; }
  bool requires_grad(const Var<T>& var) const {
    return nodes_[check(var, "Var::requires_grad")].requires_grad;
  }
  const Tensor<T>& grad(const Var<T>& var);

 private:
  friend class Pullback<T>;

  struct VjpBase {
    virtual ~VjpBase() = default;
    virtual void run(Pullback<T>& pullback) = 0;
  };
  template <class Vjp>
  struct VjpHolder final : VjpBase {
    explicit VjpHolder(Vjp f) : function(std::move(f)) {}
    void run(Pullback<T>& pullback) override { function(pullback); }
    Vjp function;
  };
  struct Node {
    const char* name = "";
    Shape shape;
    mutable std::shared_ptr<const Tensor<T>> value;  // of a view under another shape, or copied
    std::vector<std::uint32_t> operands;
    std::unique_ptr<VjpBase> vjp;
    std::shared_ptr<const ByteBuffer> rectifier;
    std::uint32_t uses = 0;  // by nodes that are differentiated
    bool requires_grad = false;
    bool retain = false;
    std::optional<Tensor<T>> grad;
  };

  std::uint32_t check(const Var<T>& var, const char* function) const;

  void recycle_gradients();

  void require_differentiable(std::uint32_t index, const char* what) const;

  Var<T> leaf(std::shared_ptr<const Tensor<T>> value, bool requires_grad);

  Var<T> push(Node&& node);

  /// Walks the recording from `output` back to the first node and leaves in `cotangents_` those of
  /// the nodes that are `kept`.
  void sweep(std::uint32_t output, const T* seeds, std::size_t count,
             const std::vector<std::uint8_t>& wanted, const std::vector<std::uint8_t>& kept,
             bool into_gradients);

  TapeOptions options_;
  std::shared_ptr<BufferPool<T>> pool_;
  std::unordered_map<const Tensor<T>*, std::uint32_t> parameters_;
  std::deque<Node> nodes_;  // references to shapes and gradients survive what is recorded later
  std::uint32_t generation_ = 0;
  bool differentiated_ = false;

  // The sweep in progress.
  std::vector<AlignedBuffer<T>> cotangents_;
  std::vector<std::uint8_t> rectified_;
  const std::vector<std::uint8_t>* wanted_ = nullptr;
  const std::vector<std::uint8_t>* kept_ = nullptr;
  bool into_gradients_ = false;  // kept cotangents are computed where gradients stay
  std::size_t count_ = 0;
};

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
Var<T> Tape<T>::parameter(const std::shared_ptr<const Tensor<T>>& value) {
  const auto [entry, fresh] = parameters_.try_emplace(value.get(), 0);
  if (fresh) entry->second = variable(value).index_;
  return Var<T>(this, entry->second, generation_);
}

template <class T>
Tensor<T>* Tape<T>::parameter_gradient(const Tensor<T>& value) {
  const auto found = parameters_.find(&value);
  if (found == parameters_.end()) return nullptr;
  auto& grad = nodes_[found->second].grad;
  return grad ? &*grad : nullptr;
}

template <class T>
void Tape<T>::add_gradient(const Var<T>& variable, const Tensor<T>& gradient, T scale) {
  Node& node = nodes_[check(variable, "Tape::add_gradient")];
  if (!node.operands.empty() || !node.requires_grad) {
    throw Error(error_text("Tape::add_gradient: this '", node.name, "' is no variable"));
  }
  require_shape(gradient, node.shape, "Tape::add_gradient", "gradient");
  if (!node.grad) {
    node.grad = pool_->take(node.shape);
    std::fill_n(node.grad->data(), node.grad->size(), T(0));
  }
  for (std::size_t i = 0; i < gradient.size(); ++i)
    node.grad->data()[i] += scale * gradient.data()[i];
  differentiated_ = true;
}

template <class T>
void Tape<T>::backward(const Var<T>& output) {
  if (output.size() != 1) {
    throw ShapeError(error_text("Tape::backward: output has shape ", to_string(output.shape()),
                                ", expected one element, or a seed of the output's shape"));
  }
  Tensor<T> seed = make_tensor<T>(output.shape());
  seed.data()[0] = T(1);
  backward(output, seed);
}

template <class T>
void Tape<T>::backward(const Var<T>& output, const Tensor<T>& seed) {
  const std::uint32_t index = check(output, "Tape::backward");
  require_differentiable(index, "Tape::backward: the output");
  require_shape(seed, nodes_[index].shape, "Tape::backward", "seed");
  std::vector<std::uint8_t> wanted(nodes_.size()), kept(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    wanted[i] = nodes_[i].requires_grad;
    kept[i] = nodes_[i].retain || (nodes_[i].operands.empty() && nodes_[i].requires_grad);
  }
  recycle_gradients();
  sweep(index, seed.data(), 1, wanted, kept, true);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    // Most kept cotangents were computed where they stay.
    if (cotangents_.size() <= i || !cotangents_[i].owns()) continue;
    nodes_[i].grad = pool_->take(nodes_[i].shape);
    std::copy_n(cotangents_[i].data(), nodes_[i].grad->size(), nodes_[i].grad->data());
    pool_->give_memory(std::move(cotangents_[i]));
  }
  cotangents_.clear();
  differentiated_ = true;
}

template <class T>
Tensor<T> Tape<T>::vjp(const Var<T>& output, const Tensor<T>& seeds, const Var<T>& input) {
  const std::uint32_t index = check(output, "Tape::vjp");
  const std::uint32_t target = check(input, "Tape::vjp");
  require_differentiable(index, "Tape::vjp: the output");
  require_differentiable(target, "Tape::vjp: the input");
  const Shape& out_shape = nodes_[index].shape;
  Shape expected = out_shape;
  expected.insert(expected.begin(), seeds.dimension() > 0 ? seeds.shape()[0] : 1);
  require_shape(seeds, expected, "Tape::vjp", "seeds");
  const std::size_t total = expected[0];
  const std::size_t out_size = element_count(out_shape);
  const std::size_t in_size = element_count(nodes_[target].shape);
  Shape result_shape = nodes_[target].shape;
  result_shape.insert(result_shape.begin(), total);
  Tensor<T> result = pool_->take(result_shape);

  std::vector<std::size_t> alive;
  for (std::size_t k = 0; k < total; ++k) {
    const T* seed = seeds.data() + k * out_size;
    if (std::any_of(seed, seed + out_size, [](T value) { return value != T(0); })) {
      alive.push_back(k);
    } else {
      std::fill_n(result.data() + k * in_size, in_size, T(0));
    }
  }
  if (alive.empty()) return result;

  // Nodes between the input and the output.
  std::vector<std::uint8_t> wanted(nodes_.size(), 0), kept(nodes_.size(), 0);
  wanted[target] = kept[target] = 1;
  for (std::size_t i = target + 1; i <= index && i < nodes_.size(); ++i) {
    wanted[i] = nodes_[i].requires_grad &&
                std::any_of(nodes_[i].operands.begin(), nodes_[i].operands.end(),
                            [&](std::uint32_t operand) { return wanted[operand] != 0; });
  }
  // As even as possible over all seeds, dead ones too, so that the size of a pass does not change
  // from call to call.
  const std::size_t limit = std::max<std::size_t>(options_.seeds_per_pass, 1);
  const std::size_t passes = (total + limit - 1) / limit;
  const std::size_t per_pass = (total + passes - 1) / passes;
  for (std::size_t done = 0; done < alive.size(); done += per_pass) {
    const std::size_t count = std::min(per_pass, alive.size() - done);
    AlignedBuffer<T> stacked = pool_->take_memory(count * out_size);
    for (std::size_t k = 0; k < count; ++k) {
      std::copy_n(seeds.data() + alive[done + k] * out_size, out_size,
                  stacked.data() + k * out_size);
    }
    sweep(index, stacked.data(), count, wanted, kept, false);
    pool_->give_memory(std::move(stacked));
    const bool reached = cotangents_.size() > target && cotangents_[target];
    for (std::size_t k = 0; k < count; ++k) {
      T* out = result.data() + alive[done + k] * in_size;
      if (reached) {
        std::copy_n(cotangents_[target].data() + k * in_size, in_size, out);
      } else {
        std::fill_n(out, in_size, T(0));
      }
    }
    if (reached) pool_->give_memory(std::move(cotangents_[target]));
    cotangents_.clear();
  }
  return result;
}

template <class T>
void Tape<T>::clear() {
  recycle_gradients();
  nodes_.clear();
  parameters_.clear();
  cotangents_.clear();
  differentiated_ = false;
  ++generation_;
  pool_->end_recording();
}

template <class T>
std::shared_ptr<const Tensor<T>> Tape<T>::shared_value(const Var<T>& var) const {
  std::shared_ptr<const Tensor<T>> value = elements(var);
  const Node& node = nodes_[var.index_];
  if (!std::equal(node.shape.begin(), node.shape.end(), value->shape().begin(),
                  value->shape().end())) {
    Tensor<T> copy = pool_->take(node.shape);
    std::copy_n(value->data(), value->size(), copy.data());
    value = node.value = pool_->share(std::move(copy));
  }
  return value;
}

template <class T>
std::shared_ptr<const Tensor<T>> Tape<T>::elements(const Var<T>& var) const {
  const Node& node = nodes_[check(var, "Var::value")];
  if (node.value == nullptr) {
    throw Error(
        error_text("Var::value: the value of this '", node.name, "' was released from the tape"));
  }
  return node.value;
}

template <class T>
const Tensor<T>& Tape<T>::grad(const Var<T>& var) {
  Node& node = nodes_[check(var, "Var::grad")];
  if (!node.retain && !(node.operands.empty() && node.requires_grad)) {
    throw Error(error_text("Var::grad: no gradient is kept for this '", node.name,
                           "'; it is kept for variables and after Tape::retain_grad"));
  }
  if (!differentiated_) throw Error("Var::grad: Tape::backward has not been called");
  if (!node.grad) node.grad = zeros<T>(node.shape);
  return *node.grad;
}

template <class T>
std::uint32_t Tape<T>::check(const Var<T>& var, const char* function) const {
  if (var.tape_ == nullptr) throw Error(error_text(function, ": an empty Var was used"));
  if (var.tape_ != this) {
    throw Error(error_text(function, ": a Var of another tape was used"));
  }
  if (var.generation_ != generation_ || var.index_ >= nodes_.size()) {
    throw Error(error_text(function, ": the Var was recorded before the tape was cleared"));
  }
  return var.index_;
}

template <class T>
void Tape<T>::recycle_gradients() {
  for (Node& node : nodes_) {
    if (node.grad) pool_->give(std::move(*node.grad));
    node.grad.reset();
  }
}

template <class T>
void Tape<T>::require_differentiable(std::uint32_t index, const char* what) const {
  if (nodes_[index].requires_grad) return;
  throw Error(error_text(what, " (", nodes_[index].name, ") depends on no variable: it is a ",
                         "constant, or computed from constants or integers only"));
}

template <class T>
Var<T> Tape<T>::leaf(std::shared_ptr<const Tensor<T>> value, bool requires_grad) {
  Node node;
  node.name = requires_grad ? "variable" : "constant";
  node.shape = shape_of(*value);
  node.value = std::move(value);
  node.requires_grad = requires_grad;
  return push(std::move(node));
}

template <class T>
Var<T> Tape<T>::push(Node&& node) {
  nodes_.push_back(std::move(node));
  return Var<T>(this, static_cast<std::uint32_t>(nodes_.size() - 1), generation_);
}

template <class T>
void Tape<T>::sweep(std::uint32_t output, const T* seeds, std::size_t count,
                    const std::vector<std::uint8_t>& wanted, const std::vector<std::uint8_t>& kept,
                    bool into_gradients) {
  into_gradients_ = into_gradients;
  wanted_ = &wanted;
  kept_ = &kept;
  count_ = count;
  cotangents_.clear();
  cotangents_.resize(output + std::size_t{1});
  rectified_.assign(output + std::size_t{1}, 0);
  if (wanted[output] != 0) {
    const std::size_t size = count * element_count(nodes_[output].shape);
    cotangents_[output] = pool_->take_memory(size);
    std::copy_n(seeds, size, cotangents_[output].data());
  }
  for (std::size_t i = output + std::size_t{1}; i-- > 0;) {
    if (!cotangents_[i]) continue;
    const Node& node = nodes_[i];
    if (node.vjp != nullptr &&
        std::any_of(node.operands.begin(), node.operands.end(),
                    [&](std::uint32_t operand) { return wanted[operand] != 0; })) {
      Pullback<T> pullback(*this, i, cotangents_[i], count);
      node.vjp->run(pullback);
    }
    if (kept[i] == 0) pool_->give_memory(std::move(cotangents_[i]));
  }
  wanted_ = kept_ = nullptr;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_AUTODIFF
