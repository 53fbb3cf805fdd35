#include <posekit/posekit.hpp>
int main(int, char** argv) {
  namespace pk = posekit;
  pk::models::MargiPose<float> net(
      {.joints = 17, .stages = 2, .feature_extractor = pk::models::FeatureExtractor::resnet18});
  pk::load_safetensors(argv[1], net);  // by name; throws listing every mismatch
  net.eval();
  pk::Tape<float> tape;
  auto x = tape.variable(pk::load_npy<float>(argv[2]));  // [N,3,H,W], normalised as the paper does
  auto out = net(x);  // out.xyz [N,J,3] in [-1,1]; out.stages[s].xy/.zy/.xz [N,J,H/8,W/8]
  auto target = pk::load_npy<float>(argv[3]);                      // [N,J,3]
  auto loss = pk::margipose_loss_3d(out, target, {.sigma = 1.0});  // [N,J], summed over stages
  tape.backward(pk::sum(loss));
  pk::save_npy("xyz.npy", out.xyz.value());
  pk::save_npy("xy.npy", out.stages.back().xy.value());
  pk::save_npy("loss.npy", loss.value());
  pk::save_npy("grad.npy", x.grad());
}
