#include <catch2/catch.hpp>

#include <fstream>

#include <posekit/graph/tensorflow/tfjs.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "fuzz/kernels.hpp"
#include "fuzz/tfjs.hpp"
#include "support/corpus.hpp"
#include "support/json_mutations.hpp"
#include "support/mutations.hpp"
#include "support/shared_data.hpp"
#include "support/tfjs_files.hpp"

namespace pk = posekit;
using Json = nlohmann::ordered_json;

TEST_CASE("Damaged models end in an error or in a network that runs or throws", "[graph]") {
  TfjsFiles f(scratch_folder("fuzz"));
  f.node("image", "Placeholder");
  f.integers("pads", {4, 2}, {0, 0, 1, 1, 1, 1, 0, 0});
  f.node("padded", "Pad", {"image", "pads"});
  f.reals("w", {3, 3, 2, 3}, std::vector<float>(54, 0.1f));
  f.weight("b", "float32", {3})["quantization"] = {{"dtype", "float16"}};
  f.bytes.insert(f.bytes.end(), 6, 0x3c);
  f.node("conv", "_FusedConv2D", {"padded", "w", "b"},
         TfjsFiles::conv(TfjsFiles::valid, 2, {TfjsFiles::bias_add, TfjsFiles::relu6}));
  f.reals("dw", {3, 3, 3, 1}, std::vector<float>(27, 0.1f));
  f.node("across", "DepthwiseConv2dNative", {"conv", "dw"}, TfjsFiles::conv(TfjsFiles::same, 1));
  f.node("pool", "MaxPool", {"across"},
         {{"ksize", TfjsFiles::list({1, 2, 2, 1})},
          {"strides", TfjsFiles::list({1, 2, 2, 1})},
          {"padding", TfjsFiles::text(TfjsFiles::same)}});
  f.integers("size", {2}, {5, 4});
  f.node("up", "ResizeBilinear", {"pool", "size"}, {{"half_pixel_centers", {{"b", true}}}});
  f.node("shape", "Shape", {"up"});
  f.integers("zero", {1}, {0});
  f.integers("one", {1}, {1});
  f.node("n", "StridedSlice", {"shape", "zero", "one", "one"},
         {{"shrink_axis_mask", {{"i", "1"}}}});
  f.integers("rest", {}, {60});
  f.node("flat_shape", "Pack", {"n", "rest"}, {{"axis", {{"i", "0"}}}});
  f.node("flat", "Reshape", {"up", "flat_shape"});
  f.node("s", "Sigmoid", {"flat"});
  f.integers("axis", {}, {1});
  f.node("joined", "ConcatV2", {"s", "flat", "axis"});
  f.publish("out", "joined:0");
  const auto path = f.write();
  const auto image = pk::testing::random_tensor<float>({1, 7, 6, 2}, 1);
  std::size_t loaded = 0, ran = 0, refused = 0;
  const auto attempt = [&] {
    try {
      const auto net = pk::load_tfjs<float>(path);
      ++loaded;
      pk::Tape<float> tape({.threads = 1});
      const auto x = tape.variable(pk::Tensor<float>(image));
      const auto y = net(x);
      if (!y.empty() && y[0].size() > 0) tape.backward(y[0], pk::zeros<float>(y[0].shape()));
      ++ran;
    } catch (const pk::Error&) {
      ++refused;
    }
  };
  attempt();
  REQUIRE(ran == 1);

  const auto write = [](const std::filesystem::path& file, const std::vector<std::uint8_t>& bytes) {
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  };
  const auto weights = path.parent_path() / "weights.bin";
  const auto text = pk::read_file(path), data = pk::read_file(weights);
  for_each_mutation(text, 3000, 1, [&](const std::vector<std::uint8_t>& bytes) {
    write(path, bytes);
    attempt();
  });
  write(path, text);
  for_each_mutation(data, 800, 2, [&](const std::vector<std::uint8_t>& bytes) {
    write(weights, bytes);
    attempt();
  });
  CHECK(loaded > 300);
  CHECK(ran > 200);
  CHECK(refused > 1000);

  // Valid JSON whose values are wrong: each value of the file replaced in turn.
  const Json model = Json::parse(text);
  write(weights, data);
  const std::vector<Json> replacements{nullptr,
                                       true,
                                       -1,
                                       0,
                                       1e300,
                                       4000000000u,
                                       "",
                                       "-9",
                                       "Const",
                                       Json::array(),
                                       Json::array({1, "a"}),
                                       Json::object(),
                                       Json{{"i", "7"}}};
  for_each_json_mutation(model, replacements, [&](const Json& changed) {
    std::ofstream(path) << changed.dump();
    attempt();
  });
  CHECK(refused > 3000);
}

TEST_CASE("What fuzzing found in networks and in the kernels is survived", "[graph]") {
  replay_corpus("tfjs", fuzz_tfjs);
  replay_corpus("kernels", fuzz_kernels);
}
