#pragma once

// MargiPose with a ResNet-18 extractor in libtorch, composed as its authors composed it, with the
// names of its parameters, so that posekit's weights can be copied into it.

#include <string>
#include <utility>
#include <vector>

#include <torch/torch.h>

namespace peer {

namespace nn = torch::nn;
using torch::Tensor;

inline nn::Conv2d conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1) {
  return nn::Conv2d(
      nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

struct BlockImpl : nn::Module {
  nn::Sequential module, shortcut;
  template <class Main, class Shortcut>
  BlockImpl(Main main, Shortcut projection, int64_t out)
      : module(main, nn::BatchNorm2d(out), nn::ReLU(nn::ReLUOptions(true)), conv(out, out, 3),
               nn::BatchNorm2d(out), nn::ReLU(nn::ReLUOptions(true))),
        shortcut(projection, nn::BatchNorm2d(out)) {
    register_module("module", module);
    register_module("shortcut", shortcut);
  }
  Tensor forward(const Tensor& x) { return module->forward(x) + shortcut->forward(x); }
};
TORCH_MODULE(Block);

inline Block regular(int64_t in, int64_t out, int64_t stride = 1) {
  return Block(conv(in, out, 3, stride), conv(in, out, 1, stride), out);
}
inline Block upward(int64_t in, int64_t out) {
  const auto up = [&](int64_t kernel) {
    return nn::ConvTranspose2d(nn::ConvTranspose2dOptions(in, out, kernel)
                                   .stride(2)
                                   .padding(kernel / 2)
                                   .output_padding(1)
                                   .bias(false));
  };
  return Block(up(3), up(1), out);
}

struct ColumnImpl : nn::Module {
  nn::Sequential down_layers, up_layers;
  int space;  // 0 xy, 1 zy, 2 xz
  ColumnImpl(int64_t joints, int64_t width, int space_) : space(space_) {
    const int64_t middle = width + width / 2;
    down_layers =
        nn::Sequential(regular(width, width), regular(width, width), regular(width, middle, 2),
                       regular(middle, middle), regular(middle, middle));
    up_layers =
        nn::Sequential(regular(middle, middle), regular(middle, middle), upward(middle, width),
                       regular(width, width), regular(width, joints));
    register_module("down_layers", down_layers);
    register_module("up_layers", up_layers);
  }
  Tensor forward(const Tensor& features) {
    Tensor x = down_layers->forward(features);
    if (space != 0) {
      std::vector<Tensor> parts;
      for (const Tensor& t : x.split(x.size(3), 1))
        parts.push_back(space == 1 ? t.permute({0, 3, 2, 1}) : t.permute({0, 2, 1, 3}));
      x = torch::cat(parts, 1);
    }
    return up_layers->forward(x);
  }
};
TORCH_MODULE(Column);

struct BasicBlockImpl : nn::Module {
  nn::Conv2d conv1, conv2;
  nn::BatchNorm2d bn1, bn2;
  nn::Sequential downsample;
  BasicBlockImpl(int64_t in, int64_t out, int64_t stride)
      : conv1(conv(in, out, 3, stride)), conv2(conv(out, out, 3)), bn1(out), bn2(out) {
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    register_module("conv2", conv2);
    register_module("bn2", bn2);
    if (in != out || stride != 1)
      downsample = nn::Sequential(conv(in, out, 1, stride), nn::BatchNorm2d(out));
    register_module("downsample", downsample);
  }
  Tensor forward(const Tensor& x) {
    const Tensor y = bn2(conv2(bn1(conv1(x)).relu_()));
    return (y + (downsample->is_empty() ? x : downsample->forward(x))).relu_();
  }
};
TORCH_MODULE(BasicBlock);

/// Blocks one after the other, as a part of another sequence.
struct LayerImpl : nn::SequentialImpl {
  using nn::SequentialImpl::SequentialImpl;
  Tensor forward(Tensor x) { return nn::SequentialImpl::forward(std::move(x)); }
};
TORCH_MODULE(Layer);

using Stage = std::vector<Tensor>;  // xy, zy, xz

struct MargiPoseImpl : nn::Module {
  nn::Sequential in_cnn;
  nn::ModuleList xy, zy, xz, combiners;
  MargiPoseImpl(int64_t joints, int64_t stages, int64_t width) {
    const int64_t w = width / 2;
    in_cnn = nn::Sequential(conv(3, w, 7, 2), nn::BatchNorm2d(w), nn::ReLU(nn::ReLUOptions(true)),
                            nn::MaxPool2d(nn::MaxPool2dOptions(3).stride(2).padding(1)),
                            Layer(BasicBlock(w, w, 1), BasicBlock(w, w, 1)),
                            Layer(BasicBlock(w, 2 * w, 2), BasicBlock(2 * w, 2 * w, 1)));
    for (int64_t stage = 0; stage < stages; ++stage) {
      xy->push_back(Column(joints, width, 0));
      zy->push_back(Column(joints, width, 1));
      xz->push_back(Column(joints, width, 2));
      if (stage > 0) combiners->push_back(conv(3 * joints, width, 1));
    }
    register_module("in_cnn", in_cnn);
    register_module("xy_hm_cnns", xy);
    register_module("zy_hm_cnns", zy);
    register_module("xz_hm_cnns", xz);
    register_module("hm_combiners", combiners);
  }
  std::vector<Stage> forward(const Tensor& image) {
    Tensor features = in_cnn->forward(image);
    std::vector<Stage> stages;
    for (std::size_t s = 0; s < xy->size(); ++s) {
      if (s > 0) {
        features =
            features + combiners[s - 1]->as<nn::Conv2d>()->forward(torch::cat(stages.back(), 1));
      }
      Stage stage;
      for (nn::ModuleList* columns : {&xy, &zy, &xz}) {
        const Tensor logits = (**columns)[s]->as<Column>()->forward(features);
        stage.push_back(torch::softmax(logits.flatten(2), 2).view(logits.sizes()));
      }
      stages.push_back(std::move(stage));
    }
    return stages;
  }
};
TORCH_MODULE(MargiPose);

inline Tensor centres(int64_t extent) {
  return (2 * torch::arange(extent, torch::kFloat) + 1) / extent - 1;
}
inline Tensor expectation(const Tensor& maps) {
  return torch::stack(
      {(maps.sum(2) * centres(maps.size(3))).sum(2), (maps.sum(3) * centres(maps.size(2))).sum(2)},
      2);
}

/// Jensen and Shannon's divergence from a Gaussian of one pixel, as dsntnn composes it.
inline Tensor divergence(const Tensor& p, const Tensor& mean) {
  const auto axis = [&](int64_t extent, int64_t which) {
    return (centres(extent) - mean.narrow(2, which, 1)) * (0.5 * static_cast<double>(extent));
  };
  const Tensor x = axis(p.size(3), 0).unsqueeze(2), y = axis(p.size(2), 1).unsqueeze(3);
  Tensor q = torch::exp(-0.5 * (x * x + y * y));
  q = q / q.sum({2, 3}, true);
  const Tensor m = 0.5 * (p + q);
  const auto kl = [&](const Tensor& a) {
    return (a * (torch::log(a + 1e-24) - torch::log(m + 1e-24))).sum({2, 3});
  };
  return 0.5 * (kl(p) + kl(q));
}

inline Tensor loss_3d(const std::vector<Stage>& stages, const Tensor& truth) {
  Tensor total;
  const auto pick = [&](int64_t a, int64_t b) {
    return torch::cat({truth.narrow(2, a, 1), truth.narrow(2, b, 1)}, 2);
  };
  for (const Stage& s : stages) {
    const Tensor xy = expectation(s[0]), zy = expectation(s[1]), xz = expectation(s[2]);
    const Tensor xyz = torch::cat({xy, 0.5 * (zy.narrow(2, 0, 1) + xz.narrow(2, 1, 1))}, 2);
    const Tensor loss = (xyz - truth).norm(2, {2}) + divergence(s[0], pick(0, 1)) +
                        divergence(s[1], pick(2, 1)) + divergence(s[2], pick(0, 2));
    total = total.defined() ? total + loss : loss;
  }
  return total.mean();
}

}  // namespace peer
