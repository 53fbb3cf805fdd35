#pragma once

// The lifter of Martinez et al. 2017 in PyTorch, with the names of weigq/3d_pose_baseline_pytorch
// and without dropout.

#include <torch/torch.h>

#include <cstdint>

namespace peer {

struct LifterStageImpl : torch::nn::Module {
  torch::nn::Linear w1, w2;
  torch::nn::BatchNorm1d batch_norm1, batch_norm2;

  explicit LifterStageImpl(int64_t width)
      : w1(register_module("w1", torch::nn::Linear(width, width))),
        w2(register_module("w2", torch::nn::Linear(width, width))),
        batch_norm1(register_module("batch_norm1", torch::nn::BatchNorm1d(width))),
        batch_norm2(register_module("batch_norm2", torch::nn::BatchNorm1d(width))) {}

  torch::Tensor forward(const torch::Tensor& x) {
    const auto y = torch::relu(batch_norm1(w1(x)));
    return x + torch::relu(batch_norm2(w2(y)));
  }
};
TORCH_MODULE(LifterStage);

struct LifterImpl : torch::nn::Module {
  torch::nn::Linear w1, w2;
  torch::nn::BatchNorm1d batch_norm1;
  torch::nn::ModuleList linear_stages;

  LifterImpl(int64_t in, int64_t out, int64_t width, int64_t stages)
      : w1(register_module("w1", torch::nn::Linear(in, width))),
        w2(register_module("w2", torch::nn::Linear(width, out))),
        batch_norm1(register_module("batch_norm1", torch::nn::BatchNorm1d(width))),
        linear_stages(register_module("linear_stages", torch::nn::ModuleList())) {
    for (int64_t i = 0; i < stages; ++i) linear_stages->push_back(LifterStage(width));
  }

  torch::Tensor forward(const torch::Tensor& x) {
    auto y = torch::relu(batch_norm1(w1(x)));
    for (const auto& stage : *linear_stages) y = stage->as<LifterStage>()->forward(y);
    return w2(y);
  }
};
TORCH_MODULE(Lifter);

}  // namespace peer
