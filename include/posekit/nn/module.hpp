#pragma once

// Modules are plain structs with a call operator and a function `visit` that names their
// parameters, buffers and parts; what can be done to any module is written here once. Calling one
// is const: what training keeps from call to call (running statistics, numbers of calls) is
// mutable. Outside training nothing is kept, and any number of threads may call.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <posekit/autodiff/parameter.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

/// A tensor that belongs to a module but is not learnt: running statistics.
template <class T>
struct Buffer {
  Tensor<T> value = make_tensor<T>({0});
  bool optional = false;  ///< a checkpoint may lack it
};

/// Walks through a module. A module's `visit` calls it with each parameter, buffer and part and the
/// name that PyTorch's module of the same kind has for it:
///
///     template <class T>
///     struct Head {
///       nn::Conv2d<T> conv;
///       nn::Linear<T> fc;
///       Var<T> operator()(const Var<T>& x) const;
///       void visit(nn::ModuleVisitor<T>& v) { v("conv", conv); v("fc", fc); }
///     };
template <class T>
class ModuleVisitor {
 public:
  ModuleVisitor() = default;
  ModuleVisitor(const ModuleVisitor&) = delete;
  ModuleVisitor& operator=(const ModuleVisitor&) = delete;
  virtual ~ModuleVisitor() = default;

  void operator()(std::string_view name, Parameter<T>& value) { parameter(path(name), value); }
  void operator()(std::string_view name, Buffer<T>& value) { buffer(path(name), value); }
  template <class M>
  requires requires(M& m, ModuleVisitor& v) { m.visit(v); }
  void operator()(std::string_view name, M& part) {
    within(name, [&] { part.visit(*this); });
  }
  /// Parts that are called 0, 1, 2...
  template <class M>
  requires requires(M& m, ModuleVisitor& v) { m.visit(v); }
  void operator()(std::string_view name, std::vector<M>& parts) {
    within(name, [&] {
      for (std::size_t i = 0; i < parts.size(); ++i) (*this)(std::to_string(i), parts[i]);
    });
  }
  /// Of a layer that behaves differently in training: its flag.
  virtual void training(bool& /*flag*/) {}
  /// Of a layer that draws random numbers: its seed.
  void seed(std::uint64_t& value) { seed(prefix_, value); }

 protected:
  /// The name is the layer's, with a dot at its end.
  virtual void seed(const std::string& /*name*/, std::uint64_t& /*value*/) {}
  virtual void parameter(const std::string& /*name*/, Parameter<T>& /*value*/) {}
  virtual void buffer(const std::string& /*name*/, Buffer<T>& /*value*/) {}

 private:
  std::string path(std::string_view name) const { return prefix_ + std::string(name); }
  template <class Visit>
  void within(std::string_view name, const Visit& visit) {
    const std::size_t length = prefix_.size();
    prefix_ = path(name) + ".";
    visit();
    prefix_.resize(length);
  }
  std::string prefix_;
};

template <class M, class T>
concept Module = requires(M& m, ModuleVisitor<T>& v) {
  m.visit(v);
};

/// A tensor of a module under its name: a parameter's or a buffer's.
template <class T>
struct NamedTensor {
  std::string name;
  const Tensor<T>* tensor;
  Parameter<T>* parameter;  ///< nothing where it is a buffer's
  Buffer<T>* buffer;        ///< nothing where it is a parameter's

  /// A file may lack it.
  bool optional() const { return buffer != nullptr && buffer->optional; }
  void set(Tensor<T> value) const;
};

/// All parameters and buffers by name, in the order in which the module visits them; one that
/// several parts share under each of its names, as checkpoints have it. Valid as long as the module
/// is neither moved nor destroyed.
template <class M>
auto named_tensors(M& module) {
  using T = typename M::value_type;
  struct Collect final : ModuleVisitor<T> {
    std::vector<NamedTensor<T>> found;
    void parameter(const std::string& name, Parameter<T>& value) override {
      found.push_back({name, &value.value(), &value, nullptr});
    }
    void buffer(const std::string& name, Buffer<T>& value) override {
      found.push_back({name, &value.value, nullptr, &value});
    }
  } collect;
  module.visit(collect);
  return std::move(collect.found);
}

/// The parameters alone, each once: one that several parts share has the first of its names.
template <class M>
auto parameters(M& module) {
  NamedParameters<typename M::value_type> found;
  std::unordered_set<const void*> seen;
  for (auto& tensor : named_tensors(module)) {
    if (tensor.parameter != nullptr && seen.insert(tensor.parameter).second)
      found.push_back({std::move(tensor.name), tensor.parameter});
  }
  return found;
}

/// A buffer and its name.
template <class T>
struct NamedBuffer {
  std::string name;
  Buffer<T>* buffer;
};

/// The buffers alone.
template <class M>
auto buffers(M& module) {
  std::vector<NamedBuffer<typename M::value_type>> found;
  for (auto& tensor : named_tensors(module)) {
    if (tensor.buffer != nullptr) found.push_back({std::move(tensor.name), tensor.buffer});
  }
  return found;
}

namespace internal {

/// A module that is walked through to be read: `visit` hands out its parts and changes nothing.
template <class M>
M& to_read(const M& module) {
  return const_cast<M&>(module);
}

}  // namespace internal

/// Sets all parameters and buffers of a module to those of another one with the same names and
/// shapes. Throws ValueError and ShapeError, and changes nothing then.
template <class M>
void copy_tensors(const M& from, M& to) {
  const auto values = named_tensors(internal::to_read(from));
  const auto places = named_tensors(to);
  if (values.size() != places.size()) {
    throw ValueError(error_text("copy_tensors: a module of ", values.size(),
                                " tensors came, expected ", places.size()));
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (values[i].name != places[i].name) {
      throw ValueError(error_text("copy_tensors: tensor ", i, " is ", values[i].name, ", expected ",
                                  places[i].name));
    }
    const Shape came = shape_of(*values[i].tensor), expected = shape_of(*places[i].tensor);
    if (came != expected) {
      throw ShapeError(error_text("copy_tensors: ", places[i].name, " has shape ", to_string(came),
                                  ", expected ", to_string(expected)));
    }
  }
  for (std::size_t i = 0; i < places.size(); ++i) places[i].set(*values[i].tensor);
}

/// The number of learnt elements.
template <class M>
std::size_t parameter_count(const M& module) {
  std::size_t count = 0;
  for (const auto& [name, parameter] : parameters(internal::to_read(module)))
    count += parameter->value().size();
  return count;
}

/// Training: statistics of the batch, dropout, parameters are variables. Otherwise running
/// statistics, no dropout, and parameters are constants of which nothing is recorded.
template <class M>
void set_training(M& module, bool training) {
  using T = typename M::value_type;
  struct Set final : ModuleVisitor<T> {
    bool value = true;
    void training(bool& flag) override { flag = value; }
  } set;
  set.value = training;
  module.visit(set);
}

/// Freezes (or thaws) all parameters of a module: frozen ones are constants in training too.
template <class M>
void set_trainable(M& module, bool trainable) {
  for (const auto& [name, parameter] : parameters(module)) parameter->trainable = trainable;
}

}  // namespace posekit::inline POSEKIT_ISA::nn

#if POSEKIT_DEFINES_NN

namespace posekit::inline POSEKIT_ISA::nn {

template <class T>
void NamedTensor<T>::set(Tensor<T> value) const {
  if (parameter != nullptr) {
    parameter->set_value(std::move(value));
  } else {
    buffer->value = std::move(value);
  }
}

}  // namespace posekit::inline POSEKIT_ISA::nn

#endif  // POSEKIT_DEFINES_NN
