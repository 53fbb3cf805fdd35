#pragma once

// A small problem to train on: y = sin(3 x), by a network with every kind of state.

#include <cmath>
#include <cstdint>
#include <optional>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/functions.hpp>
#include <posekit/autodiff/reductions.hpp>
#include <posekit/core/random.hpp>
#include <posekit/nn/dropout.hpp>
#include <posekit/nn/linear.hpp>
#include <posekit/nn/normalization.hpp>
#include <posekit/training/trainer.hpp>

namespace regression {

namespace pk = posekit;

struct Net {
  using value_type = float;
  pk::nn::Linear<float> first{{.in_features = 1, .out_features = 24, .seed = 5}};
  pk::nn::BatchNorm2d<float> norm{{.channels = 24}};
  pk::nn::Dropout<float> drop{0.05, 3};
  pk::nn::Linear<float> last{{.in_features = 24, .out_features = 1, .seed = 6}};

  pk::Var<float> operator()(const pk::Var<float>& x) {
    return last(drop(pk::tanh(norm(first(x)))));
  }
  void visit(pk::nn::ModuleVisitor<float>& v) {
    v("first", first);
    v("norm", norm);
    v("drop", drop);
    v("last", last);
  }
};

struct Batch {
  pk::Tensor<float> x, y;
};

/// Batches that are functions of epoch and number.
class Loader {
 public:
  explicit Loader(std::uint64_t batches = 5) : batches_(batches) {}
  std::uint64_t batch_count(std::uint64_t = 0) const { return batches_; }
  void start(std::uint64_t epoch, std::size_t first = 0) {
    epoch_ = epoch;
    next_ = first;
  }
  std::optional<Batch> next() {
    if (next_ >= batches_) return std::nullopt;
    const pk::CounterRandom random(epoch_, next_++);
    Batch batch{pk::make_tensor<float>({19, 1}), pk::make_tensor<float>({19, 1})};
    for (std::size_t i = 0; i < 19; ++i) {
      batch.x(i, 0) = static_cast<float>(2 * random.uniform(i) - 1);
      batch.y(i, 0) = std::sin(3 * batch.x(i, 0));
    }
    return batch;
  }

 private:
  std::uint64_t batches_, epoch_ = 0, next_ = 0;
};

inline auto loss_of(Net& net) {
  return [&net](pk::Tape<float>& tape, const Batch& batch) {
    return pk::mean(pk::square(net(tape.constant(batch.x)) - tape.constant(batch.y)));
  };
}

/// The mean squared error on points of its own.
inline auto error_of(Net& net) {
  return [&net] {
    Loader loader(1);
    loader.start(1000);
    const Batch batch = *loader.next();
    pk::Tape<float> tape;
    return static_cast<double>(loss_of(net)(tape, batch).value().data()[0]);
  };
}

}  // namespace regression
