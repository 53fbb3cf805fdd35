#include <posekit/posekit.hpp>
namespace pk = posekit;
int main(int, char** argv) {
  const auto& skeleton = pk::skeletons::pose_16;
  auto mocap = pk::load_mocap(argv[1], {.skeleton = &skeleton});
  auto planes = pk::torso_planes(mocap.poses, skeleton);
  auto labels = pk::pose_attributes(mocap.poses, skeleton, {.threshold = 50});  // classes [F, 9]
  pk::save_npy("normal.npy", planes.normal);                                    // [F, 3]
  pk::save_npy("labels.npy", labels.classes);
  pk::LiftingExamples pairs(mocap.poses, skeleton,
                            {.noise = 0.01, .attribute_errors = 0.16, .seed = 1});
  pk::models::ProgressivePose<float> net({.skeleton = &skeleton,
                                          .attributes = true,
                                          .width = 64,
                                          .blocks = 1,
                                          .dropout = 0.0,
                                          .order = pk::models::Dependencies::both});
  pk::nn::initialize(net, {.seed = 1});
  pk::optim::Rmsprop<float> optimizer(pk::nn::parameters(net), {.learning_rate = 2.5e-4});
  pk::Tape<float> tape;
  for (std::uint64_t step = 0; step < 2; ++step) {
    auto batch = pairs.batch(step, 64);
    auto out = net(tape.constant(batch.joints), tape.constant(batch.attributes));
    tape.backward(pk::progressive_loss(out, batch.positions));  // Eq. 6
    optimizer.step(tape);
    pk::save_npy("positions.npy", out.positions.value());  // [N, J, 3]
    tape.clear();
  }
  pk::models::PoseAttributeNet<float> image_net(
      {.joints = 16, .stacks = 2, .blocks = 1, .features = 16, .input = {64, 64}});
  auto seen = image_net(tape.constant(pk::zeros<float>({2, 3, 64, 64})), {.reversal = 0.5});
  auto loss = pk::sum(pk::cross_entropy(seen.attributes, pk::zeros<std::int32_t>({2, 9})));
  tape.backward(loss);
  pk::save_npy("heatmaps.npy", seen.heatmaps[1].value());  // [2, 16, 16, 16]
  pk::save_npy("domain.npy", seen.domain.value());         // [2, 2]
  pk::save_npy("loss.npy", loss.value());
}
