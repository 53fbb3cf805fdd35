#pragma once

// Layers one after the other.

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/nn/module.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

/// Any layer: a value that maps a Var to a Var; a copy owns a copy of it.
template <class T>
class Layer {
 public:
  template <class L>
  requires(!std::same_as<std::remove_cvref_t<L>, Layer>) Layer(L&& layer)
      : holder_(std::make_unique<Holder<std::remove_cvref_t<L>>>(std::forward<L>(layer))) {}
  Layer(const Layer& other) : holder_(other.holder_->clone()) {}
  Layer& operator=(const Layer& other);
  Layer(Layer&&) noexcept = default;
  Layer& operator=(Layer&&) noexcept = default;
  ~Layer() = default;

  Var<T> operator()(const Var<T>& x) const { return holder_->run(x); }
  void visit(ModuleVisitor<T>& v) { holder_->visit(v); }

  /// The layer where it is an L; null otherwise.
  template <class L>
  const L* as() const {
    const auto* holder = dynamic_cast<const Holder<L>*>(holder_.get());
    return holder == nullptr ? nullptr : &holder->layer;
  }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual Var<T> run(const Var<T>& x) const = 0;
    virtual void visit(ModuleVisitor<T>& v) = 0;
    virtual std::unique_ptr<Base> clone() const = 0;
  };
  template <class L>
  struct Holder final : Base {
    explicit Holder(const L& l) : layer(l) {}
    explicit Holder(L&& l) : layer(std::move(l)) {}
    Var<T> run(const Var<T>& x) const override { return layer(x); }
    void visit(ModuleVisitor<T>& v) override {
      if constexpr (Module<L, T>) layer.visit(v);
    }
    std::unique_ptr<Base> clone() const override { return std::make_unique<Holder>(layer); }
    mutable L layer;  // layers of users may have a call operator that is not const
  };
  std::unique_ptr<Base> holder_;
};

/// Layers one after the other; their names are "0", "1", ... A convolution or dense layer, the
/// batch normalisation after it and the ReLU after that are computed together (see conv_norm and
/// linear_norm).
template <class T>
struct Sequential {
  using value_type = T;
  std::vector<Layer<T>> layers;

  Sequential() = default;
  /// One layer after the other; of a single Sequential: a copy of it.
  template <class First, class... Rest>
  requires(
      sizeof...(Rest) > 0 ||
      !std::same_as<std::remove_cvref_t<First>, Sequential>) explicit Sequential(First&& first,
                                                                                 Rest&&... rest) {
    layers.reserve(1 + sizeof...(Rest));
    add(std::forward<First>(first));
    (add(std::forward<Rest>(rest)), ...);
  }
  template <class L>
  void add(L&& layer) {
    layers.emplace_back(std::forward<L>(layer));
  }

  Var<T> operator()(const Var<T>& input) const;

  void visit(ModuleVisitor<T>& v) {
    for (std::size_t i = 0; i < layers.size(); ++i) v(std::to_string(i), layers[i]);
  }
};

}  // namespace posekit::inline POSEKIT_ISA::nn

#if POSEKIT_DEFINES_NN

#include <posekit/autodiff/tape.hpp>
#include <posekit/nn/activations.hpp>
#include <posekit/nn/conv_norm.hpp>
#include <posekit/nn/convolution.hpp>
#include <posekit/nn/linear.hpp>
#include <posekit/nn/linear_norm.hpp>
#include <posekit/nn/normalization.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

template <class T>
Layer<T>& Layer<T>::operator=(const Layer& other) {
  holder_ = other.holder_->clone();
  return *this;
}

template <class T>
Var<T> Sequential<T>::operator()(const Var<T>& input) const {
  Var<T> x = input;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto* norm =
        i + 1 < layers.size() ? layers[i + 1].template as<BatchNorm2d<T>>() : nullptr;
    const bool rectified =
        norm != nullptr && i + 2 < layers.size() && layers[i + 2].template as<ReLU>() != nullptr;
    const Activation activation = rectified ? Activation::relu : Activation::none;
    const std::size_t skipped = rectified ? 2 : 1;
    if (const auto* conv = norm == nullptr ? nullptr : layers[i].template as<Conv2d<T>>()) {
      x = conv_norm(x, *conv, *norm, activation);
      i += skipped;
    } else if (const auto* dense = norm == nullptr ? nullptr : layers[i].template as<Linear<T>>()) {
      x = linear_norm(x, *dense, *norm, activation);
      i += skipped;
    } else if (const auto* up =
                   norm == nullptr ? nullptr : layers[i].template as<ConvTranspose2d<T>>()) {
      x = (*norm)((*up)(x), activation);
      i += skipped;
    } else {
      x = layers[i](x);
    }
  }
  return x;
}

}  // namespace posekit::inline POSEKIT_ISA::nn

#endif  // POSEKIT_DEFINES_NN
