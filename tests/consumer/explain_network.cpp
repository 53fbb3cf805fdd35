// Runs an imported network on an array and writes what it gives and what it depends on.
// usage: explain_network MODEL.json INPUT.npy NODE OUTPUT.npy GRADIENT.npy

#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <vector>

#include <posekit/posekit.hpp>

int main(int argc, char** argv) try {
  namespace pk = posekit;
  if (argc != 6) return 2;
  auto net = pk::load_tfjs<float>(argv[1]);
  pk::Tape<float> tape;
  auto x = tape.variable(pk::load_npy<float>(argv[2]));
  std::vector<pk::Var<float>> y = net(x, {argv[3]});
  auto seed = y[0].value();
  tape.backward(y[0], seed);
  pk::save_npy(argv[4], y[0].value());
  pk::save_npy(argv[5], x.grad());

  std::map<std::string, pk::Var<float>> feeds{{net.input_names()[0], x}};  // feed nodes by name
  auto z = net(feeds, {argv[3]});
  return z[0].value() == y[0].value() ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
