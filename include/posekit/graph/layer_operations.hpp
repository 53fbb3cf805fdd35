#pragma once

// Convolutions, matrix products, pooling and resizing of imported networks.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <posekit/autodiff/convolution.hpp>
#include <posekit/autodiff/depthwise_convolution.hpp>
#include <posekit/autodiff/functions.hpp>
#include <posekit/autodiff/matmul.hpp>
#include <posekit/autodiff/pooling.hpp>
#include <posekit/autodiff/resizing.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/graph/arithmetic_operations.hpp>
#include <posekit/graph/value.hpp>

namespace posekit::inline POSEKIT_ISA::graph_operations {

/// Height and width of an attribute [height, width].
inline std::array<std::size_t, 2> window_attribute(const GraphNodeView& view, const char* key) {
  const auto list = view.attribute<std::vector<std::int64_t>>(key, {1, 1});
  if (list.size() != 2 || list[0] < 1 || list[1] < 1 || list[0] > 65535 || list[1] > 65535) {
    throw GraphError(
        error_text("attribute '", key, "' is ", to_string(list), ", expected [height, width]"));
  }
  return {static_cast<std::size_t>(list[0]), static_cast<std::size_t>(list[1])};
}

inline Padding2d padding_attribute(const GraphNodeView& view) {
  const auto kind = view.attribute<std::string>("padding", "valid");
  if (kind == "same") return Padding2d::same();
  if (kind == "valid") return Padding2d::valid();
  const auto list = view.attribute<std::vector<std::int64_t>>("pads", {});
  if (kind != "explicit" || list.size() != 4 ||
      std::any_of(list.begin(), list.end(), [](std::int64_t p) { return p < 0 || p > 65535; })) {
    throw GraphError("padding is '" + kind + "' with pads " + to_string(list) +
                     ", expected same, valid, or explicit and [top, bottom, left, right]");
  }
  return Padding2d::of(static_cast<std::size_t>(list[0]), static_cast<std::size_t>(list[1]),
                       static_cast<std::size_t>(list[2]), static_cast<std::size_t>(list[3]));
}

inline Conv2dOptions conv2d_options(const GraphNodeView& view) {
  Conv2dOptions options;
  options.stride = window_attribute(view, "stride");
  options.dilation = window_attribute(view, "dilation");
  options.padding = padding_attribute(view);
  return options;
}

/// What a fused layer does after its product.
struct FusedOps {
  bool bias = false;
  Activation activation = Activation::none;
  std::size_t inputs() const {
    return 2 + (bias ? 1u : 0u) + (activation == Activation::prelu ? 1u : 0u);
  }
};

inline Activation activation_named(const std::string& name) {
  if (name == "relu") return Activation::relu;
  if (name == "relu6") return Activation::relu6;
  if (name == "prelu") return Activation::prelu;
  if (name == "sigmoid") return Activation::sigmoid;
  if (name == "none") return Activation::none;
  throw GraphError("activation '" + name +
                   "' is unknown, expected none, relu, relu6, prelu or sigmoid");
}

inline FusedOps fused_ops(const GraphNodeView& view) {
  return {view.attribute<bool>("bias", false),
          activation_named(view.attribute<std::string>("activation", "none"))};
}

template <class T>
Var<T> activate(const Var<T>& x, Activation activation, const Var<T>& slope) {
  switch (activation) {
    case Activation::relu:
      return relu(x);
    case Activation::relu6:
      return relu6(x);
    case Activation::prelu:
      return prelu(x, slope);
    case Activation::sigmoid:
      return sigmoid(x);
    case Activation::none:
      break;
  }
  return x;
}

/// A layer's product with any of its inputs computed or fed: (x, filter[, bias][, slope]).
template <class T, class Product>
GraphFunction<T> general_layer(const FusedOps& fused, const Product& product) {
  return [=](Tape<T>&, const GraphValues<T>& in) -> GraphValues<T> {
    if (in.size() != fused.inputs()) {
      throw GraphError(error_text("has ", in.size(), " inputs, expected ", fused.inputs()));
    }
    const Var<T> y = product(in[0].real(), in[1].real(), fused.bias ? in[2].real() : Var<T>());
    return {activate(y, fused.activation,
                     fused.activation == Activation::prelu ? in.back().real() : Var<T>())};
  };
}

/// The depthwise filter [kh, kw, C, 1]; other multipliers are refused.
inline void require_multiplier_one(const Shape& filter) {
  if (filter.size() == 4 && filter[3] != 1) {
    throw GraphError("the depthwise filter " + to_string(filter) +
                     " has a channel multiplier other than 1, which is not supported");
  }
}

template <class T>
GraphFunction<T> conv2d(const GraphNodeView& view) {
  const Conv2dOptions options = conv2d_options(view);
  return general_layer<T>(fused_ops(view), [=](const Var<T>& x, const Var<T>& w, const Var<T>& b) {
    return posekit::conv2d(x, w, b, options);
  });
}

template <class T>
GraphFunction<T> depthwise_conv2d(const GraphNodeView& view) {
  const Conv2dOptions options = conv2d_options(view);
  return general_layer<T>(fused_ops(view), [=](const Var<T>& x, const Var<T>& w, const Var<T>& b) {
    require_multiplier_one(w.shape());
    return posekit::depthwise_conv2d(x, w, b, options);
  });
}

template <class T>
GraphFunction<T> matmul(const GraphNodeView& view) {
  return general_layer<T>(fused_ops(view), [](const Var<T>& x, const Var<T>& w, const Var<T>& b) {
    const Var<T> y = posekit::matmul(x, w);
    return b.valid() ? y + b : y;
  });
}

inline std::array<std::size_t, 2> size_from(const IntegerTensor& values, std::size_t offset) {
  std::array<std::size_t, 2> size{};
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t extent = offset + i < values.size() ? values.data()[offset + i] : -1;
    if (extent < 1 || extent > 65535) {
      throw GraphError(error_text("the output size ", to_string(values), " is impossible"));
    }
    size[i] = static_cast<std::size_t>(extent);
  }
  return size;
}

/// (output shape [N, H, W, C], filter [kh, kw, out, in], x).
template <class T>
GraphFunction<T> conv2d_transpose(const GraphNodeView& view) {
  view.require_inputs(3, 3);
  const Conv2dOptions options = conv2d_options(view);
  const Tensor<float>* filter = view.real_constant(1);
  if (filter == nullptr) throw GraphError("a computed filter is not supported");
  const auto constant = std::make_shared<const Conv2dFilter<T>>(cast<T>(*filter));
  return [=](Tape<T>&, const GraphValues<T>& in) -> GraphValues<T> {
    const IntegerTensor& shape = in[0].integers();
    if (shape.size() != 4) {
      throw GraphError(error_text("the output shape has ", shape.size(), " entries, expected 4"));
    }
    return {posekit::conv2d_transpose(in[2].real(), constant, size_from(shape, 1),
                                      {options.stride, options.dilation, options.padding})};
  };
}

template <class T, class Pool>
GraphFunction<T> pool2d(const GraphNodeView& view, const Pool& pool) {
  view.require_inputs(1, 1);
  Pool2dOptions options;
  options.window = window_attribute(view, "window");
  options.stride = window_attribute(view, "stride");
  options.padding = padding_attribute(view);
  return [=](Tape<T>&, const GraphValues<T>& in) -> GraphValues<T> {
    return {pool(in[0].real(), options)};
  };
}

template <class T>
GraphFunction<T> max_pool2d(const GraphNodeView& view) {
  return pool2d<T>(view, [](const Var<T>& x, const Pool2dOptions& options) {
    return posekit::max_pool2d(x, options);
  });
}

template <class T>
GraphFunction<T> average_pool2d(const GraphNodeView& view) {
  return pool2d<T>(view, [](const Var<T>& x, const Pool2dOptions& options) {
    return posekit::average_pool2d(x, options);
  });
}

template <class T>
GraphFunction<T> resize_bilinear(const GraphNodeView& view) {
  view.require_inputs(2, 2);
  const auto name = view.attribute<std::string>("corners", "half_pixel");
  if (name != "align_corners" && name != "half_pixel" && name != "asymmetric") {
    throw GraphError("corners is '" + name + "', expected align_corners, half_pixel or asymmetric");
  }
  const ResizeCorners corners = name == "align_corners" ? ResizeCorners::align_corners
                                : name == "half_pixel"  ? ResizeCorners::half_pixel
                                                        : ResizeCorners::asymmetric;
  return [=](Tape<T>&, const GraphValues<T>& in) -> GraphValues<T> {
    return {posekit::resize_bilinear(in[0].real(), size_from(in[1].integers(), 0), corners)};
  };
}

}  // namespace posekit::inline POSEKIT_ISA::graph_operations
