#pragma once

// What all optimisers have in common: parameters, a learning rate, state that can be saved, a step.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <posekit/autodiff/parameter.hpp>
#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/shape.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA::optim {

/// A tensor that an optimiser keeps from step to step, and the name that a checkpoint knows it by:
/// PyTorch's name of the state, a dot, the parameter's name ("exp_avg.head.weight").
template <class T>
struct NamedState {
  std::string name;
  Tensor<T>* tensor;  ///< the optimiser's own; valid until `set_state` or `clear_state`
};

namespace internal {

/// Throws ValueError unless `low` <= value < `below`; a value that is not finite never is.
double require_option(double value, const std::string& function, const char* option, double low = 0,
                      double below = std::numeric_limits<double>::infinity());

/// State that an optimiser keeps for every parameter.
struct StateSlot {
  const char* name;
  bool scalar = false;    ///< of shape [], otherwise of the parameter's
  bool separate = false;  ///< may be missing where the other state is there
};

/// What the base of all optimisers has to know of one of them.
struct OptimizerTraits {
  const char* name;
  const char* momentum_name;
  double momentum_below;
  std::vector<StateSlot> slots;
};

}  // namespace internal

/// Changes parameters by the gradients that a tape holds for them.
///
///     optim::Sgd<float> optimizer(parameters, {.learning_rate = 0.1, .momentum = 0.9});
///     tape.backward(loss);
///     optim::clip_gradient_norm(tape, parameters, 1.0);
///     optimizer.step(tape);
///     tape.clear();
///
/// The results are the same bits for any number of threads. To continue later with the same bits,
/// save the parameters, `state()` and `steps()`, and give them to a new optimiser with the same
/// options by `set_state` and `set_steps`; set the learning rate and the momentum if they changed.
template <class T>
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// One step along the gradients that `Tape::backward` left. Parameters that are frozen or got no
  /// gradient stay as they are, and so does their state. Returns how many parameters were changed.
  /// The recording is stale afterwards: clear the tape.
  ///
  /// Throws ShapeError where a gradient or a state has another shape than its parameter, ValueError
  /// where only a part of a parameter's state was restored; nothing has changed then.
  std::size_t step(Tape<T>& tape);

  double learning_rate() const { return learning_rate_; }
  /// Throws ValueError unless it is finite and at least 0.
  void set_learning_rate(double learning_rate);

  /// What a 1-cycle schedule varies: SGD's and RMSprop's momentum, Adam's beta1.
  double momentum() const { return momentum_; }
  /// Throws ValueError unless it is finite and at least 0; for Adam also less than 1.
  void set_momentum(double momentum);

  /// "Sgd", "Adam", ...
  const char* name() const { return traits_.name; }

  const NamedParameters<T>& parameters() const { return parameters_; }

  /// How many steps were taken; what schedules are functions of.
  std::uint64_t steps() const { return steps_; }
  void set_steps(std::uint64_t steps) { steps_ = steps; }

  /// All state that exists now, in the order of the parameters: before the first step there is
  /// none, and none of parameters that never got a gradient.
  std::vector<NamedState<T>> state();

  /// Restores a tensor that `state()` named, whether or not it exists now. Throws ValueError where
  /// the name is that of no state of this optimiser, ShapeError where the shape is another.
  void set_state(const std::string& name, Tensor<T> value);
  /// Throws what `set_state` would, and changes nothing.
  void require_restorable(const std::string& name, const Tensor<T>& value) const {
    (void)find_state(name, value);
  }

  /// Throws ValueError where restoring the state of these names, and no other, would leave a
  /// parameter with a part of what this optimiser keeps for it.
  void require_complete(const std::vector<std::string>& names) const;

  /// As before the first step. Clear before restoring into an optimiser that has taken steps.
  void clear_state();

 protected:
  /// The parameters must outlive the optimiser. Throws ValueError where one is null or is there
  /// twice, where two have one name, and where an option is out of range.
  Optimizer(NamedParameters<T> parameters, internal::OptimizerTraits traits, double learning_rate,
            double momentum);
  Optimizer(const Optimizer&) = default;
  Optimizer& operator=(const Optimizer&) = default;
  Optimizer(Optimizer&&) noexcept = default;
  Optimizer& operator=(Optimizer&&) noexcept = default;

  /// The elements of a parameter, in `update`.
  T* value(std::size_t index) const { return values_[index]; }

  /// Makes a parameter's state, of zeros, where it does not exist.
  void ensure_state(std::size_t index, std::size_t slot);
  bool has_state(std::size_t index, std::size_t slot) const {
    return state_[index][slot].has_value();
  }
  /// The elements of state that exists.
  T* state_data(std::size_t index, std::size_t slot) { return state_[index][slot]->data(); }

 private:
  using Slots = std::vector<std::optional<Tensor<T>>>;

  /// Makes the state of a parameter that is about to be changed, and what its step depends on.
  virtual void prepare(std::size_t index) = 0;
  /// Changes elements [begin, end) of a parameter and of its state. Called from any thread.
  virtual void update(std::size_t index, const T* gradient, std::size_t begin, std::size_t end) = 0;

  const Tensor<T>& tensor_of(std::size_t index) const {
    return parameters_[index].parameter->value();
  }
  /// A parameter and one of its slots, where the tensor has their shape.
  std::pair<std::size_t, std::size_t> find_state(const std::string& name,
                                                 const Tensor<T>& value) const;
  std::string state_name(std::size_t index, std::size_t slot) const {
    return error_text(traits_.slots[slot].name, ".", parameters_[index].name);
  }
  Shape state_shape(std::size_t index, std::size_t slot) const {
    return traits_.slots[slot].scalar ? Shape{} : shape_of(tensor_of(index));
  }
  void require_state_shape(const Tensor<T>& tensor, std::size_t index, std::size_t slot,
                           const std::string& function) const;

  /// Throws ValueError where some of a parameter's state exists, but not all that belongs together.
  template <class Exists>
  void require_whole_state(std::size_t index, const std::string& function,
                           const Exists& exists) const {
    std::optional<std::size_t> present, missing;
    for (std::size_t s = 0; s < traits_.slots.size(); ++s) {
      if (!traits_.slots[s].separate) (exists(s) ? present : missing) = s;
    }
    if (!present || !missing) return;
    throw ValueError(error_text(function, ": ", state_name(index, *missing),
                                " is missing, expected it because ", state_name(index, *present),
                                " is there"));
  }

  void require_state(std::size_t index, const std::string& function) const;

  NamedParameters<T> parameters_;
  std::unordered_map<std::string, std::size_t> index_of_;
  internal::OptimizerTraits traits_;
  std::vector<Slots> state_;  // of each parameter, one for each slot
  std::vector<T*> values_;    // of each parameter, during a step
  double learning_rate_ = 0;
  double momentum_ = 0;
  std::uint64_t steps_ = 0;
};

}  // namespace posekit::inline POSEKIT_ISA::optim

#if POSEKIT_DEFINES_OPTIM

#include <posekit/core/listed.hpp>
#include <posekit/optim/gradients.hpp>

namespace posekit::inline POSEKIT_ISA::optim {

namespace internal {

POSEKIT_INLINE double require_option(double value, const std::string& function, const char* option,
                                     double low, double below) {
  if (std::isfinite(value) && value >= low && value < below) return value;
  const std::string limit =
      std::isfinite(below) ? error_text("less than ", below) : std::string("finite");
  throw ValueError(error_text(function, ": ", option, " is ", value, ", expected at least ", low,
                              " and ", limit));
}

}  // namespace internal

template <class T>
std::size_t Optimizer<T>::step(Tape<T>& tape) {
  const std::string function = error_text(traits_.name, "::step");
  const auto gradients = internal::gradients_of(tape, parameters_, function);
  for (const auto& found : gradients) require_state(found.index, function);
  for (const auto& found : gradients) {
    // Once, by this thread: it counts as a change of the parameter.
    values_[found.index] = parameters_[found.index].parameter->value_to_change().data();
    prepare(found.index);
  }
  const auto blocks = internal::blocks_of(gradients);
  internal::for_each_block(blocks, tape.threads(), [&](std::size_t b) {
    const internal::Block& block = blocks[b];
    const auto& [index, gradient] = gradients[block.tensor];
    update(index, gradient->data(), block.begin, block.end);
  });
  ++steps_;
  return gradients.size();
}

template <class T>
void Optimizer<T>::set_learning_rate(double learning_rate) {
  learning_rate_ = internal::require_option(
      learning_rate, error_text(traits_.name, "::set_learning_rate"), "learning_rate");
}

template <class T>
void Optimizer<T>::set_momentum(double momentum) {
  momentum_ = internal::require_option(momentum, error_text(traits_.name, "::set_momentum"),
                                       traits_.momentum_name, 0, traits_.momentum_below);
}

template <class T>
std::vector<NamedState<T>> Optimizer<T>::state() {
  std::vector<NamedState<T>> all;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    for (std::size_t s = 0; s < traits_.slots.size(); ++s) {
      if (state_[i][s]) all.push_back({state_name(i, s), &*state_[i][s]});
    }
  }
  return all;
}

template <class T>
void Optimizer<T>::set_state(const std::string& name, Tensor<T> value) {
  const auto [index, slot] = find_state(name, value);
  state_[index][slot] = std::move(value);
}

template <class T>
void Optimizer<T>::require_complete(const std::vector<std::string>& names) const {
  const std::unordered_set<std::string> known(names.begin(), names.end());
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    require_whole_state(i, error_text(traits_.name, "::require_complete"),
                        [&](std::size_t s) { return known.contains(state_name(i, s)); });
  }
}

template <class T>
void Optimizer<T>::clear_state() {
  state_.assign(parameters_.size(), Slots(traits_.slots.size()));
  steps_ = 0;
}

template <class T>
Optimizer<T>::Optimizer(NamedParameters<T> parameters, internal::OptimizerTraits traits,
                        double learning_rate, double momentum)
    : parameters_(std::move(parameters)), traits_(std::move(traits)) {
  learning_rate_ = internal::require_option(learning_rate, traits_.name, "learning_rate");
  momentum_ = internal::require_option(momentum, traits_.name, traits_.momentum_name, 0,
                                       traits_.momentum_below);
  std::unordered_set<const Parameter<T>*> seen;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const auto& [name, parameter] = parameters_[i];
    const char* wrong = nullptr;
    if (parameter == nullptr) {
      wrong = "is null, expected a Parameter";
    } else if (!seen.insert(parameter).second) {
      wrong = "is a parameter that is there under another name, expected each one once";
    } else if (!index_of_.emplace(name, i).second) {
      wrong = "has the name of another, expected a name of its own";
    }
    if (wrong != nullptr) {
      throw ValueError(error_text(traits_.name, ": parameter '", name, "' ", wrong));
    }
  }
  values_.resize(parameters_.size());
  clear_state();
}

template <class T>
void Optimizer<T>::ensure_state(std::size_t index, std::size_t slot) {
  auto& tensor = state_[index][slot];
  if (!tensor) tensor = zeros<T>(state_shape(index, slot));
}

template <class T>
std::pair<std::size_t, std::size_t> Optimizer<T>::find_state(const std::string& name,
                                                             const Tensor<T>& value) const {
  const std::string function = error_text(traits_.name, "::set_state");
  const std::size_t dot = name.find('.');
  if (dot != std::string::npos) {
    const auto parameter = index_of_.find(name.substr(dot + 1));
    for (std::size_t s = 0; s < traits_.slots.size(); ++s) {
      if (parameter == index_of_.end() || name.compare(0, dot, traits_.slots[s].name) != 0) {
        continue;
      }
      require_state_shape(value, parameter->second, s, function);
      return {parameter->second, s};
    }
  }
  std::string expected;
  for (const internal::StateSlot& slot : traits_.slots) {
    append_listed(expected, slot.name);
  }
  throw ValueError(error_text(function, ": '", name, "' is no state of this optimiser, expected ",
                              "one of ", expected, ", a dot and the name of a parameter"));
}

template <class T>
void Optimizer<T>::require_state_shape(const Tensor<T>& tensor, std::size_t index, std::size_t slot,
                                       const std::string& function) const {
  // Texts are made for errors only: this happens in every step.
  const bool fits = traits_.slots[slot].scalar ? tensor.dimension() == 0
                                               : tensor.shape() == tensor_of(index).shape();
  if (fits) return;
  require_shape(tensor, state_shape(index, slot), function.c_str(),
                state_name(index, slot).c_str());
}

template <class T>
void Optimizer<T>::require_state(std::size_t index, const std::string& function) const {
  for (std::size_t s = 0; s < traits_.slots.size(); ++s) {
    if (!has_state(index, s)) continue;
    require_state_shape(*state_[index][s], index, s, function);
    if (!traits_.slots[s].scalar) continue;
    const auto number = static_cast<double>(state_[index][s]->data()[0]);
    if (std::isfinite(number) && number >= 0) continue;
    internal::require_option(number, function, state_name(index, s).c_str());
  }
  require_whole_state(index, function, [&](std::size_t s) { return has_state(index, s); });
}

}  // namespace posekit::inline POSEKIT_ISA::optim

#endif  // POSEKIT_DEFINES_OPTIM
