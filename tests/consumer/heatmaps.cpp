// Decodes and supervises heatmaps. What it prints, PyTorch prints too.

#include <cmath>
#include <iostream>

#include <posekit/posekit.hpp>

int main() {
  namespace pk = posekit;
  pk::Tensor<double> h = pk::Tensor<double>::from_shape({2, 3, 6, 5});
  for (std::size_t i = 0; i < h.size(); ++i) h.flat(i) = std::sin(double(i * i));
  pk::Tensor<double> means = pk::Tensor<double>::from_shape({2, 3, 2});
  for (std::size_t i = 0; i < means.size(); ++i) means.flat(i) = 0.3 * std::cos(double(i));
  pk::Tensor<double> visible = pk::Tensor<double>::from_shape({2, 3});
  visible.fill(1.0);
  visible(1, 2) = 0.0;

  auto p = pk::flat_softmax(h);
  auto xy = pk::soft_argmax(h, {.beta = 1.0, .coordinates = pk::Coordinates::normalized});
  auto js = pk::js_divergence(p, means, {.sigma = 1.0});  // [2,3]

  pk::Tape<double> tape;
  auto z = tape.variable(h);
  auto q = pk::flat_softmax(z);
  auto loss = pk::masked_mean(
      pk::euclidean_loss(pk::expectation(q), means) + pk::js_divergence(q, means, {.sigma = 1.0}),
      visible);
  tape.backward(loss);
  std::cout << xy(1, 2, 0) << ' ' << js(0, 1) << ' ' << loss.value()() << ' '
            << z.grad()(1, 1, 3, 2) << '\n';
  const auto near = [](double a, double b) { return std::abs(a - b) < 1e-14; };
  return near(xy(1, 2, 0), -0.062023300861732245) && near(js(0, 1), 0.27047253838803564) &&
                 near(loss.value()(), 0.5189896800817707) &&
                 near(z.grad()(1, 1, 3, 2), -0.001364156461060415)
             ? 0
             : 1;
}
