#pragma once

#include <map>
#include <string>
#include <string_view>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/graph/value.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Makes a node's function from its attributes and constant inputs. Throws GraphError.
template <class T>
using GraphFunctionBuilder = GraphFunction<T> (*)(const GraphNodeView&);

/// The operations that imported networks can contain, by TensorFlow's name. Placeholder, Const and
/// NoOp are handled by the network itself.
template <class T>
const std::map<std::string, GraphFunctionBuilder<T>, std::less<>>& graph_operation_table();

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_GRAPH

#include <posekit/graph/arithmetic_operations.hpp>
#include <posekit/graph/array_operations.hpp>
#include <posekit/graph/layer_operations.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
const std::map<std::string, GraphFunctionBuilder<T>, std::less<>>& graph_operation_table() {
  namespace ops = graph_operations;
  static const std::map<std::string, GraphFunctionBuilder<T>, std::less<>> table{
      {"Add", &ops::add<T>},
      {"AddN", &ops::add_n<T>},
      {"AddV2", &ops::add<T>},
      {"ArgMax", &ops::argmax<T>},
      {"AvgPool", &ops::average_pool2d<T>},
      {"BiasAdd", &ops::bias_add<T>},
      {"Cast", &ops::cast_values<T>},
      {"ConcatV2", &ops::concatenate<T>},
      {"Conv2D", &ops::conv2d<T>},
      {"Conv2DBackpropInput", &ops::conv2d_transpose<T>},
      {"DepthwiseConv2dNative", &ops::depthwise_conv2d<T>},
      {"Exp",
       [](const GraphNodeView& v) {
         return ops::unary<T>(v, [](const Var<T>& x) { return exp(x); });
       }},
      {"ExpandDims", &ops::expand_dims<T>},
      {"FloorDiv", &ops::floor_divide<T>},
      {"FusedDepthwiseConv2dNative", &ops::depthwise_conv2d<T>},
      {"GatherNd", &ops::gather_nd<T>},
      {"Identity", &ops::identity<T>},
      {"Log",
       [](const GraphNodeView& v) {
         return ops::unary<T>(v, [](const Var<T>& x) { return log(x); });
       }},
      {"MatMul", &ops::matmul<T>},
      {"MaxPool", &ops::max_pool2d<T>},
      {"Mean",
       [](const GraphNodeView& v) {
         return ops::reduce<T>(v, [](const Var<T>& x, const std::vector<std::ptrdiff_t>& axes,
                                     bool keep) { return mean(x, axes, keep); });
       }},
      {"Mul", &ops::multiply<T>},
      {"Neg",
       [](const GraphNodeView& v) { return ops::unary<T>(v, [](const Var<T>& x) { return -x; }); }},
      {"Pack", &ops::pack<T>},
      {"Pad", &ops::pad<T>},
      {"PadV2", &ops::pad<T>},
      {"RealDiv", &ops::divide<T>},
      {"Relu",
       [](const GraphNodeView& v) {
         return ops::unary<T>(v, [](const Var<T>& x) { return relu(x); });
       }},
      {"Relu6",
       [](const GraphNodeView& v) {
         return ops::unary<T>(v, [](const Var<T>& x) { return relu6(x); });
       }},
      {"Reshape", &ops::reshape<T>},
      {"ResizeBilinear", &ops::resize_bilinear<T>},
      {"Shape", &ops::shape_values<T>},
      {"Sigmoid",
       [](const GraphNodeView& v) {
         return ops::unary<T>(v, [](const Var<T>& x) { return sigmoid(x); });
       }},
      {"Sqrt",
       [](const GraphNodeView& v) {
         return ops::unary<T>(v, [](const Var<T>& x) { return sqrt(x); });
       }},
      {"Square",
       [](const GraphNodeView& v) {
         return ops::unary<T>(v, [](const Var<T>& x) { return square(x); });
       }},
      {"SquaredDifference", &ops::squared_difference<T>},
      {"Squeeze", &ops::squeeze<T>},
      {"StridedSlice", &ops::strided_slice<T>},
      {"Sub", &ops::subtract<T>},
      {"Sum",
       [](const GraphNodeView& v) {
         return ops::reduce<T>(v, [](const Var<T>& x, const std::vector<std::ptrdiff_t>& axes,
                                     bool keep) { return sum(x, axes, keep); });
       }},
      {"Tanh",
       [](const GraphNodeView& v) {
         return ops::unary<T>(v, [](const Var<T>& x) { return tanh(x); });
       }},
      {"Transpose", &ops::transpose<T>},
      {"Unpack", &ops::unpack<T>},
      {"_FusedConv2D", &ops::conv2d<T>},
      {"_FusedMatMul", &ops::matmul<T>},
  };
  return table;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_GRAPH
