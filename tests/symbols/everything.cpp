// All of posekit in one file, which tests/scripts/check_symbols.sh compiles for two instruction
// sets and links into one program. Inline functions are kept by a compiler flag; what is a template
// is named here.

#include <cstdio>
#include <string>

#include <posekit/posekit.hpp>

#include "everything.hpp"

namespace pk = posekit;

namespace {

/// Never called with a file that is there.
void use_templates(const std::string& file) {
  using T = float;
  const auto model = pk::load_pose_model<T>("movenet-lightning", file);
  const auto image = pk::load_image<T>(file);
  const auto truth = pk::load_npy<T>(file);
  const auto result = pk::pose_ig(model, image, truth);
  const auto maps = result.maps();
  pk::save_npy(file, pk::foreground_index(maps, truth));
  pk::save_npy(file, pk::locality_index(maps, truth));
  pk::save_npy(file, pk::diffusion_index(maps));
  pk::save_npy(file, pk::kde_maps(maps));
  pk::save_npy(file, pk::dark_argmax(maps));
  pk::save_npy(file, pk::map_similarity(maps, maps).rank_correlation.size() > 0 ? maps : truth);
  std::printf("%g\n", pk::pa_mpjpe(truth, truth, pk::skeletons::human36m_17).mean);
  std::printf("%zu\n", pk::find_inversions(truth, truth, pk::skeletons::coco_17).found.size());

  pk::models::MargiPose<T> net{pk::models::MargiPoseOptions{}};
  pk::load_safetensors(file, net);
  pk::optim::AdamW<T> adam(pk::nn::parameters(net));
  pk::optim::Rmsprop<T> rmsprop(pk::nn::parameters(net));
  pk::Tape<T> tape;
  const auto out = net(tape.constant(image));
  tape.backward(pk::mean(pk::margipose_loss(out, truth, truth)));
  pk::optim::clip_gradient_norm(tape, adam.parameters(), 1);
  adam.step(tape);
  pk::training::save_checkpoint(file, net, adam, {});
}

}  // namespace

double ENTRY(bool load) {
  if (load) use_templates("/nowhere");
  auto logits = pk::zeros<double>({1, 1, 3, 5});
  logits(0, 0, 2, 1) = 2;
  return pk::soft_argmax(logits)(0, 0, 0);
}
