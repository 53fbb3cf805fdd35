// An imported network, a trained one and one of one's own, all asked alike.
// usage: pose_networks MODELS WEIGHTS.safetensors PHOTO STEPS

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <posekit/posekit.hpp>

namespace pk = posekit;

namespace {

/// Where a picture is red, green and blue, after an operation that posekit does not know.
struct Colours {
  pk::Network<float> curve;

  pk::Var<float> operator()(const pk::Var<float>& images) const {
    return pk::soft_argmax(pk::to_channels_first(curve(images)[0]),
                           {.beta = 9.0, .coordinates = pk::Coordinates::pixel});
  }
};

pk::Network<float> curve() {
  auto operations = pk::GraphOperations<float>::built_in();
  operations.add("HardSwish", pk::unary_operation<float>([](const pk::Var<float>& x) {
                   return x * pk::relu6(x + 3.0f) * (1.0f / 6.0f);
                 }));
  pk::Graph graph;
  graph.nodes = {{"image", "input", {}}, {"curve", "HardSwish", {{"image"}}}};
  return pk::Network<float>(graph, {}, operations);
}

constexpr std::array<std::string_view, 3> joints{"red", "green", "blue"};
constexpr std::array<std::int8_t, 3> parents{-1, 0, 1};
constexpr std::array<std::uint8_t, 3> flips{0, 1, 2};
const pk::Skeleton skeleton{"colours", joints, {}, parents, flips};

}  // namespace

int main(int, char** argv) {
  const pk::PoseNetwork<float> named = pk::load_pose_network<float>("movenet-lightning", argv[1]);
  const pk::PoseNetwork<float> trained = pk::load_pose_network<float>(argv[2]);
  const pk::PoseNetwork<float> own(
      {.name = "colours",
       .skeleton = &skeleton,
       .input = {.size = 48, .layout = pk::ImageLayout::channels_last}},
      Colours{curve()});
  const auto photo = pk::load_image<float>(argv[3]);
  const auto person = pk::find_person(named, photo);
  const std::size_t steps = std::strtoul(argv[4], nullptr, 10);
  for (const auto* network : {&named, &trained, &own}) {
    const auto answer = pk::predict(*network, photo, person);
    const auto why = pk::explain(*network, photo, person, {.steps = steps});
    std::printf("%s %zu joints, first at %.1f %.1f, DI %.2f\n", network->name().c_str(),
                answer.positions.shape()[0], double(answer.positions(0, 0)),
                double(answer.positions(0, 1)), double(why.diffusion_index(0)));
  }
}
