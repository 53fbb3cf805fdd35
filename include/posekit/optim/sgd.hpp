#pragma once

// Stochastic gradient descent.

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <posekit/autodiff/parameter.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/optim/optimizer.hpp>

namespace posekit::inline POSEKIT_ISA::optim {

struct SgdOptions {
  double learning_rate = 1e-3;
  double momentum = 0;      ///< what is left of the last step's direction; MargiPose: 0.9
  double dampening = 0;     ///< the part of a gradient that does not enter the momentum
  bool nesterov = false;    ///< looks one step of momentum ahead
  double weight_decay = 0;  ///< adds so much of the parameter to its gradient
};

/// Stochastic gradient descent as PyTorch's SGD computes it:
///
///     g <- g + weight_decay x
///     b <- momentum b + (1 - dampening) g      (in a parameter's first step b <- g)
///     x <- x - learning_rate b                 (Nesterov: g + momentum b; momentum 0: g)
///
/// State: "momentum_buffer", from the first step with momentum on.
template <class T>
class Sgd final : public Optimizer<T> {
 public:
  /// Throws ValueError where a parameter is null, there twice or has the name of another; where an
  /// option is negative or not finite; where `nesterov` comes without momentum or with dampening.
  explicit Sgd(NamedParameters<T> parameters, const SgdOptions& options = {});

 private:
  void prepare(std::size_t index) override;

  void update(std::size_t index, const T* gradient, std::size_t begin, std::size_t end) override;

  SgdOptions options_;
  std::vector<std::uint8_t> first_;  // the parameter's buffer was made by this step
};

}  // namespace posekit::inline POSEKIT_ISA::optim

#if POSEKIT_DEFINES_OPTIM

#include <posekit/core/error.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/optim/element_update.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::optim {

template <class T>
Sgd<T>::Sgd(NamedParameters<T> parameters, const SgdOptions& options)
    : Optimizer<T>(
          std::move(parameters),
          {"Sgd", "momentum", std::numeric_limits<double>::infinity(), {{"momentum_buffer"}}},
          options.learning_rate, options.momentum),
      options_(options) {
  internal::require_option(options.dampening, "Sgd", "dampening",
                           std::numeric_limits<double>::lowest());
  internal::require_option(options.weight_decay, "Sgd", "weight_decay");
  if (options.nesterov && (options.momentum == 0 || options.dampening != 0)) {
    throw ValueError(error_text("Sgd: nesterov came with momentum ", options.momentum,
                                " and dampening ", options.dampening,
                                ", expected a momentum above 0 and dampening 0"));
  }
  first_.resize(this->parameters().size());
}

template <class T>
void Sgd<T>::prepare(std::size_t index) {
  if (this->momentum() == 0) return;
  first_[index] = this->has_state(index, 0) ? 0 : 1;
  this->ensure_state(index, 0);
}

template <class T>
void Sgd<T>::update(std::size_t index, const T* gradient, std::size_t begin, std::size_t end) {
  using Vector = simd::Batch<T>;
  const Vector rate(static_cast<T>(this->learning_rate()));
  const Vector decay(static_cast<T>(options_.weight_decay));
  const bool decays = options_.weight_decay != 0;
  const double momentum = this->momentum();
  if (momentum == 0) {
    internal::update_elements<1, T>(gradient, {this->value(index)}, begin, end,
                                    [&](Vector g, std::array<Vector, 1>& a) {
                                      if (decays) g += decay * a[0];
                                      a[0] -= rate * g;
                                    });
    return;
  }
  // The buffer of a first step holds zeros.
  const Vector kept(static_cast<T>(momentum));
  const Vector added(first_[index] != 0 ? T(1) : static_cast<T>(1 - options_.dampening));
  const bool nesterov = options_.nesterov;
  internal::update_elements<2, T>(gradient, {this->value(index), this->state_data(index, 0)}, begin,
                                  end, [&](Vector g, std::array<Vector, 2>& a) {
                                    if (decays) g += decay * a[0];
                                    a[1] = kept * a[1] + added * g;
                                    a[0] -= rate * (nesterov ? g + kept * a[1] : a[1]);
                                  });
}

}  // namespace posekit::inline POSEKIT_ISA::optim

#endif  // POSEKIT_DEFINES_OPTIM
