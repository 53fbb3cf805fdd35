#pragma once

// The network that tests/golden/make_optim.py trains with PyTorch, trained with posekit.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include <catch2/catch.hpp>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/functions.hpp>
#include <posekit/autodiff/parameter.hpp>
#include <posekit/autodiff/reductions.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/core/random.hpp>
#include <posekit/io/npy.hpp>
#include <posekit/optim/optimizer.hpp>

#include "support/close.hpp"
#include "support/shared_data.hpp"

inline posekit::Tensor<double> optim_golden(const std::string& name) {
  return posekit::load_npy<double>(golden_file("optim/" + name + ".npy"));
}

/// Parameters weight1 [5, 7], bias1 [7], gate [7], weight2 [7, 3], bias2 [3].
template <class T>
class SmallNetwork {
 public:
  SmallNetwork() {
    for (std::size_t i = 0; i < names.size(); ++i) {
      parameters_[i].mutable_value() = posekit::cast<T>(optim_golden(names[i]));
    }
    x_ = posekit::cast<T>(optim_golden("x"));
    y_ = posekit::cast<T>(optim_golden("y"));
  }

  posekit::NamedParameters<T> parameters() {
    posekit::NamedParameters<T> named;
    for (std::size_t i = 0; i < names.size(); ++i) named.push_back({names[i], &parameters_[i]});
    return named;
  }
  posekit::Parameter<T>& operator[](std::size_t i) { return parameters_[i]; }

  /// Clears the tape and leaves the gradients of this step's loss; the gate takes part in two steps
  /// of three.
  void backward(posekit::Tape<T>& tape, std::size_t step) {
    tape.clear();
    auto hidden = product(tape.constant(x_), parameters_[0].on(tape)) + parameters_[1].on(tape);
    if (step % 3 != 0) hidden = hidden * parameters_[2].on(tape);
    const auto output = product(tanh(hidden), parameters_[3].on(tape)) + parameters_[4].on(tape);
    tape.backward(mean(squared_difference(output, tape.constant(y_))));
  }

  /// All parameters, one after the other.
  posekit::Tensor<T> values() const {
    std::vector<T> all;
    for (const auto& parameter : parameters_) {
      all.insert(all.end(), parameter.value().begin(), parameter.value().end());
    }
    return posekit::tensor_from<T>({all.size()}, all);
  }

 private:
  /// A matrix product, without the kernels that take long to compile.
  static posekit::Var<T> product(const posekit::Var<T>& a, const posekit::Var<T>& b) {
    return sum(reshape(a, {a.shape()[0], a.shape()[1], 1}) * b, {1});
  }

  static constexpr std::array<const char*, 5> names{"weight1", "bias1", "gate", "weight2", "bias2"};
  std::array<posekit::Parameter<T>, 5> parameters_;
  posekit::Tensor<T> x_, y_;
};

template <class T>
using BeforeStep = std::function<void(posekit::optim::Optimizer<T>&, posekit::Tape<T>&)>;

/// After 1, 2, 10 and 100 steps the parameters are PyTorch's. `before_step` comes between the
/// gradients and the step.
template <template <class> class Optimizer, class T, class Options>
void check_trajectory(const std::string& name, const Options& options,
                      const BeforeStep<T>& before_step = {}) {
  const bool single = std::is_same_v<T, float>;
  const auto expected = optim_golden(name + (single ? ".float32" : ".float64"));
  SmallNetwork<T> network;
  Optimizer<T> optimizer(network.parameters(), options);
  posekit::Tape<T> tape({.threads = 1});
  std::size_t row = 0;
  for (std::size_t step = 0; step < 100; ++step) {
    network.backward(tape, step);
    if (before_step) before_step(optimizer, tape);
    REQUIRE(optimizer.step(tape) == (step % 3 != 0 ? 5u : 4u));
    if (step != 0 && step != 1 && step != 9 && step != 99) continue;
    const auto values = network.values();
    const auto wanted = posekit::tensor_from<double>(
        {values.size()}, std::vector<double>(expected.data() + row * values.size(),
                                             expected.data() + (row + 1) * values.size()));
    INFO(name << (single ? ", float" : ", double") << ", step " << step + 1);
    CHECK(relative_difference(values, wanted) < (single ? 1e-6 : 1e-12));
    ++row;
  }
  REQUIRE(row == expected.shape()[0]);
}

template <template <class> class Optimizer, class Options>
void check_trajectories(const std::string& name, const Options& options) {
  check_trajectory<Optimizer, float>(name, options);
  check_trajectory<Optimizer, double>(name, options);
}

/// Seven steps, saved into a new optimiser of new parameters, and eight more are fifteen steps, bit
/// for bit; also where the new optimiser has taken other steps before.
template <template <class> class Optimizer, class T, class Options>
void check_continuation(const Options& options) {
  const auto run = [](SmallNetwork<T>& network, posekit::optim::Optimizer<T>& optimizer,
                      std::size_t begin, std::size_t end) {
    posekit::Tape<T> tape({.threads = 1});
    for (std::size_t step = begin; step < end; ++step) {
      network.backward(tape, step);
      optimizer.step(tape);
    }
  };
  // One step: the gate has had no gradient. The other splits: it has.
  for (const std::size_t split : {0u, 1u, 7u}) {
    for (const bool fresh : {true, false}) {
      SmallNetwork<T> whole, other;
      Optimizer<T> uninterrupted(whole.parameters(), options);
      Optimizer<T> continued(other.parameters(), options);
      run(whole, uninterrupted, 0, split);
      if (!fresh) run(other, continued, 4, 9);
      continued.clear_state();
      for (std::size_t i = 0; i < 5; ++i) other[i].mutable_value() = whole[i].value();
      for (const auto& [name, tensor] : uninterrupted.state()) continued.set_state(name, *tensor);
      continued.set_steps(uninterrupted.steps());
      run(whole, uninterrupted, split, 15);
      run(other, continued, split, 15);
      CHECK(identical(whole.values(), other.values()));
      CHECK(continued.steps() == 15);
      const auto left = uninterrupted.state(), right = continued.state();
      REQUIRE(left.size() == right.size());
      for (std::size_t i = 0; i < left.size(); ++i) {
        CHECK(left[i].name == right[i].name);
        CHECK(identical(*left[i].tensor, *right[i].tensor));
      }
    }
  }
}

/// Parameters of several sizes, some of many blocks, are the same bits after three steps on one
/// thread and on more.
template <template <class> class Optimizer, class T, class Options>
void check_threads(const Options& options) {
  const auto run = [&](int threads) {
    std::array<posekit::Parameter<T>, 4> parameters;
    const std::array<posekit::Shape, 4> shapes{{{61, 211}, {1}, {9001}, {5, 1, 3}}};
    posekit::NamedParameters<T> named;
    for (std::size_t k = 0; k < 4; ++k) {
      parameters[k].mutable_value() = posekit::make_tensor<T>(shapes[k]);
      const posekit::CounterRandom random(4, k);
      for (std::size_t i = 0; i < parameters[k].value().size(); ++i) {
        parameters[k].mutable_value().data()[i] = static_cast<T>(random.normal(i));
      }
      named.push_back({std::to_string(k), &parameters[k]});
    }
    Optimizer<T> optimizer(named, options);
    posekit::Tape<T> tape({.threads = threads});
    for (int step = 0; step < 3; ++step) {
      tape.clear();
      auto loss = sum(tanh(parameters[0].on(tape)));
      for (std::size_t k = 1; k < 4; ++k) {
        loss = loss + sum(square(parameters[k].on(tape)) * parameters[k].on(tape));
      }
      tape.backward(loss);
      optimizer.step(tape);
    }
    std::vector<T> all;
    for (const auto& parameter : parameters) {
      all.insert(all.end(), parameter.value().begin(), parameter.value().end());
    }
    return posekit::tensor_from<T>({all.size()}, all);
  };
  const auto one = run(1);
  CHECK(identical(one, run(2)));
  CHECK(identical(one, run(3)));
}
