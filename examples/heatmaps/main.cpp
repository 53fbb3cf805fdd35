// Reads one network's heatmaps in five ways and draws them side by side.
//
//     posekit-heatmaps MODELS_FOLDER PHOTO OUTPUT.png
//
// The network is movenet-lightning, the photo the demo's (scripts/fetch_photo.sh).

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <posekit/autodiff/shaping.hpp>
#include <posekit/graph/tensorflow/tfjs.hpp>
#include <posekit/heatmap.hpp>
#include <posekit/image/crop.hpp>
#include <posekit/io/image.hpp>
#include <posekit/pose/skeletons.hpp>
#include <posekit/viz/overlay.hpp>

#include "program.hpp"

namespace pk = posekit;

namespace {

/// Positions in heatmap cells, and what they are called.
struct Reading {
  std::string name;
  pk::Tensor<float> cells;  // [17, 2]
};

/// MoveNet's heatmap logits [1, 17, 48, 48] for a crop [3, 192, 192].
pk::Tensor<float> heatmap_logits(const std::filesystem::path& model,
                                 const pk::Tensor<float>& crop) {
  const auto network = pk::load_tfjs<float>(model);
  pk::Tape<float> tape;
  const auto image = pk::to_channels_last(
      tape.constant(pk::reshaped(pk::Tensor<float>(crop), {1, 3, 192, 192})) * 255.0f);
  const std::map<std::string, pk::Var<float>> feeds{{"StatefulPartitionedCall/stack", image}};
  const auto maps = network(feeds, {"StatefulPartitionedCall/kpt_heatmap_0/conv2d_5/BiasAdd"})[0];
  return pk::to_channels_first(maps).value();
}

std::vector<Reading> read_all(const pk::Tensor<float>& logits) {
  constexpr auto pixel = pk::Coordinates::pixel;
  pk::Tensor<float> maps = logits;  // probabilities that a joint is in a cell
  for (float& v : maps) v = 1.0f / (1.0f + std::exp(-v));
  const auto joints = [](const pk::Tensor<float>& positions) {
    return pk::reshaped(pk::Tensor<float>(positions), {positions.shape()[1], 2});
  };
  return {{"argmax", joints(pk::hard_argmax(maps, {.coordinates = pixel}))},
          {"quarter offset", joints(pk::quarter_offset_argmax(maps, {.coordinates = pixel}))},
          {"DARK", joints(pk::dark_argmax(maps, {.sigma = 1.0, .coordinates = pixel}))},
          {"soft-argmax", joints(pk::soft_argmax(maps, {.beta = 10, .coordinates = pixel}))},
          {"compensated",
           joints(pk::compensated_soft_argmax(maps, {.beta = 10, .coordinates = pixel}))}};
}

/// The crop with each reading's pose, and below it one joint's heatmap with the position in it.
pk::Bitmap draw(const pk::Tensor<float>& crop, const pk::Tensor<float>& logits,
                const std::vector<Reading>& readings, std::size_t joint) {
  constexpr double side = 288, gap = 14, top = 34, cell = side / 48;
  const auto count = static_cast<double>(readings.size());
  pk::Canvas canvas(static_cast<std::size_t>(gap + count * (side + gap)),
                    static_cast<std::size_t>(2 * (side + gap) + 2 * top));
  const pk::Bitmap photo = pk::to_bitmap(crop);
  pk::Tensor<float> map = pk::make_tensor<float>({48, 48});
  for (std::size_t i = 0; i < map.size(); ++i) {
    map.data()[i] = 1.0f / (1.0f + std::exp(-logits.data()[joint * map.size() + i]));
  }
  pk::Bitmap black(48, 48, 3);
  const pk::Bitmap heat = pk::density_overlay(black, map.data());
  double x = gap;
  for (const Reading& reading : readings) {
    canvas.text(x, top - 12, reading.name, 12, pk::colors::ink);
    canvas.draw(photo, x, top, side / 192);
    pk::Tensor<float> pixels = reading.cells;
    for (float& v : pixels) v = 4 * v + 1.5f;
    pk::draw_pose(canvas, pk::skeletons::coco_17, pixels, x, top, side / 192);
    const double below = top + side + gap + top;
    canvas.text(x, below - 12, std::string(pk::skeletons::coco_17.joints[joint]), 12,
                pk::colors::ink);
    canvas.draw(heat, x, below, cell);
    const auto at = [&](double origin, std::size_t axis) {
      return pk::Canvas::drawn_position(origin, static_cast<double>(reading.cells(joint, axis)),
                                        cell);
    };
    pk::draw_cross(canvas, at(x, 0), at(below, 1), 9, pk::colors::left, 2);
    x += side + gap;
  }
  return canvas.bitmap();
}

void run(const std::filesystem::path& models, const std::filesystem::path& photo_file,
         const std::filesystem::path& output) {
  const pk::Bitmap photo = pk::load_bitmap(photo_file);
  const pk::Box person{192, 99, 82, 278};
  const pk::Crop view = pk::square_crop(person, 192, 1.25);
  const auto crop = pk::crop_image<float>(photo, view);
  const auto logits = heatmap_logits(models / "movenet-lightning.json", crop);
  const auto readings = read_all(logits);
  std::printf("%-16s", "photo pixels");
  for (const Reading& reading : readings) std::printf("%18s", reading.name.c_str());
  std::printf("\n");
  for (std::size_t j = 0; j < pk::skeletons::coco_17.size(); ++j) {
    std::printf("%-16s", std::string(pk::skeletons::coco_17.joints[j]).c_str());
    for (const Reading& reading : readings) {
      const auto at = view.photo_point({4.0 * static_cast<double>(reading.cells(j, 0)) + 1.5,
                                        4.0 * static_cast<double>(reading.cells(j, 1)) + 1.5});
      std::printf("   (%6.1f,%6.1f)", at.x(), at.y());
    }
    std::printf("\n");
  }
  pk::save_png(output, draw(crop, logits, readings, pk::skeletons::coco_17.index("right_wrist")));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: posekit-heatmaps MODELS_FOLDER PHOTO OUTPUT.png\n");
    return 1;
  }
  return run_program("posekit-heatmaps", [&] { run(argv[1], argv[2], argv[3]); });
}
