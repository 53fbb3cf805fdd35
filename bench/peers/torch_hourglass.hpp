#pragma once

// Stacked hourglasses in libtorch, composed as bearpaw/pytorch-pose composes them, with the names
// of its parameters, so that posekit's weights can be copied into it.

#include <utility>
#include <vector>

#include <torch/torch.h>

namespace peer {

namespace nn = torch::nn;
using torch::Tensor;

inline nn::Conv2d conv_with_bias(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2));
}

/// Parts one after the other, as a part of another network.
struct PartsImpl : nn::SequentialImpl {
  using nn::SequentialImpl::SequentialImpl;
  Tensor forward(Tensor x) { return is_empty() ? x : nn::SequentialImpl::forward(std::move(x)); }
};
TORCH_MODULE(Parts);

struct PreactivationImpl : nn::Module {
  nn::BatchNorm2d bn1, bn2, bn3;
  nn::Conv2d conv1, conv2, conv3;
  Parts downsample;
  PreactivationImpl(int64_t in, int64_t middle)
      : bn1(in),
        bn2(middle),
        bn3(middle),
        conv1(conv_with_bias(in, middle, 1)),
        conv2(conv_with_bias(middle, middle, 3)),
        conv3(conv_with_bias(middle, 2 * middle, 1)) {
    register_module("bn1", bn1);
    register_module("conv1", conv1);
    register_module("bn2", bn2);
    register_module("conv2", conv2);
    register_module("bn3", bn3);
    register_module("conv3", conv3);
    if (in != 2 * middle) downsample->push_back(conv_with_bias(in, 2 * middle, 1));
    register_module("downsample", downsample);
  }
  Tensor forward(const Tensor& x) {
    Tensor y = conv1(bn1(x).relu_());
    y = conv2(bn2(y).relu_());
    return conv3(bn3(y).relu_()).add_(downsample(x));
  }
};
TORCH_MODULE(Preactivation);

inline Parts bottlenecks(int64_t in, int64_t middle, int64_t blocks) {
  Parts parts;
  for (int64_t i = 0; i < blocks; ++i)
    parts->push_back(Preactivation(i == 0 ? in : 2 * middle, middle));
  return parts;
}

struct HourglassImpl : nn::Module {
  nn::ModuleList hg;
  HourglassImpl(int64_t channels, int64_t blocks) {
    for (int level = 0; level < 4; ++level) {
      nn::ModuleList parts;
      for (int i = 0; i < (level == 0 ? 4 : 3); ++i)
        parts->push_back(bottlenecks(channels, channels / 2, blocks));
      hg->push_back(parts);
    }
    register_module("hg", hg);
  }
  Tensor forward(const Tensor& x) { return at(3, x); }

 private:
  Tensor part(std::size_t level, std::size_t which, const Tensor& x) {
    return hg[level]->as<nn::ModuleList>()->ptr(which)->as<PartsImpl>()->forward(x);
  }
  Tensor at(std::size_t level, const Tensor& x) {
    Tensor low = part(level, 1, torch::max_pool2d(x, 2, 2));
    low = part(level, 2, level == 0 ? part(level, 3, low) : at(level - 1, low));
    const auto twice =
        nn::functional::InterpolateFuncOptions().scale_factor(std::vector<double>{2, 2});
    return part(level, 0, x) + nn::functional::interpolate(low, twice);
  }
};
TORCH_MODULE(Hourglass);

struct StackedHourglassImpl : nn::Module {
  nn::Conv2d conv1;
  nn::BatchNorm2d bn1;
  Parts layer1, layer2, layer3;
  nn::ModuleList hg, res, fc, score, fc_, score_;
  StackedHourglassImpl(int64_t joints, int64_t stacks, int64_t blocks, int64_t features)
      : conv1(conv_with_bias(3, features / 4, 7, 2)),
        bn1(features / 4),
        layer1(bottlenecks(features / 4, features / 4, 1)),
        layer2(bottlenecks(features / 2, features / 2, 1)),
        layer3(bottlenecks(features, features / 2, 1)) {
    for (int64_t stack = 0; stack < stacks; ++stack) {
      hg->push_back(Hourglass(features, blocks));
      res->push_back(bottlenecks(features, features / 2, blocks));
      fc->push_back(Parts(conv_with_bias(features, features, 1), nn::BatchNorm2d(features),
                          nn::ReLU(nn::ReLUOptions(true))));
      score->push_back(conv_with_bias(features, joints, 1));
      if (stack + 1 == stacks) break;
      fc_->push_back(conv_with_bias(features, features, 1));
      score_->push_back(conv_with_bias(joints, features, 1));
    }
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    register_module("layer1", layer1);
    register_module("layer2", layer2);
    register_module("layer3", layer3);
    register_module("hg", hg);
    register_module("res", res);
    register_module("fc", fc);
    register_module("score", score);
    register_module("fc_", fc_);
    register_module("score_", score_);
  }
  std::vector<Tensor> forward(const Tensor& image) {
    Tensor x = layer1(bn1(conv1(image)).relu_());
    x = layer3(layer2(torch::max_pool2d(x, 2, 2)));
    std::vector<Tensor> maps;
    for (std::size_t i = 0; i < hg->size(); ++i) {
      Tensor y = hg[i]->as<HourglassImpl>()->forward(x);
      y = fc[i]->as<PartsImpl>()->forward(res[i]->as<PartsImpl>()->forward(y));
      maps.push_back(score[i]->as<nn::Conv2d>()->forward(y));
      if (i + 1 == hg->size()) break;
      x = x + fc_[i]->as<nn::Conv2d>()->forward(y) +
          score_[i]->as<nn::Conv2d>()->forward(maps.back());
    }
    return maps;
  }
};
TORCH_MODULE(StackedHourglass);

}  // namespace peer
