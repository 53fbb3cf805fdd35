#include <catch2/catch.hpp>

#include <posekit/nn/residual.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "nn/module_case.hpp"
#include "nn/network.hpp"

namespace pk = posekit;
namespace nn = posekit::nn;
using pk::testing::random_tensor;

namespace {

template <class T>
nn::Residual<T> with_identity() {
  return {nn::Sequential<T>(conv<T>(3, 3, 3)), {}};
}

}  // namespace

TEST_CASE("Residual blocks equal PyTorch's: projections (option C) and identities", "[nn]") {
  CHECK(module_case_difference("residual", projected<double>()) < 1e-13);
  CHECK(module_case_difference("residual", projected<float>()) < 5e-6);
  CHECK(module_case_difference("residual_identity", with_identity<double>()) < 1e-13);
  CHECK(module_case_difference("residual_identity", with_identity<float>()) < 2e-6);
}

TEST_CASE("Residual blocks are differentiated", "[nn]") {
  auto block = projected<double>();
  set_state(block, nn_golden("residual"));
  for (const auto& result :
       {check_module_gradients(block, random_tensor<double>({2, 4, 3, 3}, 5)),
        check_module_gradients(with_identity<double>(), random_tensor<double>({2, 3, 2, 3}, 5))}) {
    INFO(result.message);
    CHECK(result.ok);
  }
}

TEST_CASE("An empty shortcut is the identity, and both ways have to fit", "[nn]") {
  nn::Residual<double> nothing;
  pk::Tape<double> tape;
  const auto x = tape.constant(random_tensor<double>({2, 3}, 4));
  CHECK(identical(nothing(x).value(), pk::Tensor<double>(2.0 * x.value())));
  nn::Residual<double> uneven{nn::Sequential<double>(conv<double>(3, 4, 1)), {}};
  CHECK_THROWS_AS(uneven(tape.constant(pk::zeros<double>({1, 2, 2, 3}))), pk::ShapeError);
}
