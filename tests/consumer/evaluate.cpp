// Measures poses in arrays and in COCO's files:  evaluate PREDICTION.npy TRUTH.npy TRUTH.json
// RESULTS.json

#include <iostream>

#include <posekit/posekit.hpp>

int main(int, char** argv) {
  namespace pk = posekit;
  auto prediction = pk::load_npy<double>(argv[1]);
  auto truth = pk::load_npy<double>(argv[2]);
  const auto& joints = pk::skeletons::mpi_inf_3dhp_17;
  std::cout << pk::mpjpe(prediction, truth, joints).mean << ' '
            << pk::pa_mpjpe(prediction, truth, joints).mean << ' '
            << pk::n_mpjpe(prediction, truth, joints).mean << ' '
            << pk::pck(prediction, truth, joints, {.threshold = 150.0}).mean << ' '
            << pk::auc(prediction, truth, joints).mean << '\n';
  auto coco = pk::evaluate_coco(argv[3], argv[4]);
  std::cout << coco.ap << ' ' << coco.ap50 << ' ' << coco.ap75 << ' ' << coco.ap_medium << ' '
            << coco.ap_large << ' ' << coco.ar << '\n';
}
