#include <catch2/catch.hpp>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <posekit/nn/checkpoint.hpp>
#include <posekit/nn/dropout.hpp>
#include <posekit/nn/initialization.hpp>
#include <posekit/nn/linear.hpp>
#include <posekit/nn/normalization.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "nn/module_case.hpp"
#include "nn/network.hpp"

namespace pk = posekit;
namespace nn = posekit::nn;
using pk::testing::random_tensor;

namespace {

template <class A, class B>
bool same_tensors(A& a, B& b) {
  const auto left = nn::named_tensors(a), right = nn::named_tensors(b);
  bool same = left.size() == right.size();
  for (std::size_t i = 0; same && i < left.size(); ++i)
    same = left[i].name == right[i].name && identical(*left[i].tensor, *right[i].tensor);
  return same;
}

/// A module below a name.
template <class M>
struct Wrapped {
  using value_type = typename M::value_type;
  M inner;
  void visit(nn::ModuleVisitor<value_type>& v) { v("inner", inner); }
};

/// Parts of different depth, of which a nested one is called like the first.
struct Deep {
  using value_type = double;
  struct Body {
    nn::Linear<double> stem;
    void visit(nn::ModuleVisitor<double>& v) { v("stem", stem); }
  };
  nn::Linear<double> stem;
  Body body;

  explicit Deep(std::uint64_t seed = 1)
      : stem({.in_features = 2, .out_features = 3, .seed = seed}),
        body{nn::Linear<double>({.in_features = 2, .out_features = 3, .seed = seed + 1})} {}
  void visit(nn::ModuleVisitor<double>& v) {
    v("stem", stem);
    v("body", body);
  }
};

std::vector<pk::SafetensorsEntry> entries_of(nn::Sequential<double>& net,
                                             const std::string& prefix = "") {
  return nn::safetensors_entries(net, prefix);
}

/// The error's text; checks its type, and that the module is what it was.
template <class M>
std::string refused(M& module, const std::function<void(M&)>& load) {
  M before = module;
  std::string text = "nothing was thrown";
  try {
    load(module);
  } catch (const pk::FileError& error) {
    text = error.what();
  }
  CHECK(same_tensors(module, before));
  return text;
}

}  // namespace

TEST_CASE("A module comes back from its file bit for bit", "[nn]") {
  const auto folder = scratch_folder("nn-checkpoint-round");
  auto net = golden_network<double>();
  auto single = golden_network<float>();
  pk::save_safetensors(folder / "net.safetensors", net, {{"epoch", "7"}});
  pk::save_npz(folder / "net.npz", net);
  pk::save_safetensors(folder / "single.safetensors", single);
  auto other = network<double>();
  CHECK_FALSE(same_tensors(other, net));
  pk::load_safetensors(folder / "net.safetensors", other);
  CHECK(same_tensors(other, net));
  other = network<double>();
  pk::load_npz(folder / "net.npz", other);
  CHECK(same_tensors(other, net));
  auto other_single = network<float>();
  pk::load_safetensors(folder / "single.safetensors", other_single);
  CHECK(same_tensors(other_single, single));
  // From the other type: widened, or rounded.
  pk::load_safetensors(folder / "net.safetensors", other_single);
  CHECK(same_tensors(other_single, single));
  const pk::SafetensorsFile file(folder / "net.safetensors");
  CHECK(file.metadata().at("epoch") == "7");
  CHECK(pk::shape_of(file.tensor<double>("0.weight")) == pk::Shape{3, 2, 3, 3});
  CHECK(file.dtype("0.weight") == pk::SafetensorsDtype::f64);
}

TEST_CASE("A loaded module computes what the saved one does, cached filters or not", "[nn]") {
  const auto folder = scratch_folder("nn-checkpoint-cached");
  auto net = golden_network<float>();
  auto other = network<float>();
  nn::set_training(net, false);
  nn::set_training(other, false);
  const auto image = random_tensor<float>({1, 4, 4, 2}, 3);
  const auto run = [&](nn::Sequential<float>& m) {
    pk::Tape<float> tape;
    return m(tape.constant(pk::Tensor<float>(image))).value();
  };
  pk::save_safetensors(folder / "net.safetensors", net);
  CHECK_FALSE(identical(run(other), run(net)));
  pk::load_safetensors(folder / "net.safetensors", other);
  CHECK(identical(run(other), run(net)));
}

TEST_CASE("Everything that does not fit is in one error, and nothing is changed", "[nn]") {
  const auto folder = scratch_folder("nn-checkpoint-unlike");
  auto source = golden_network<double>();
  auto entries = entries_of(source);
  const auto extra = random_tensor<double>({2}, 3), wide = random_tensor<double>({5}, 4);
  std::vector<pk::SafetensorsEntry> kept;
  for (auto& entry : entries) {
    if (entry.name == "1.bias" || entry.name == "12.0.weight") continue;
    if (entry.name == "8.weight") entry = pk::safetensors_entry(entry.name, wide);
    kept.push_back(entry);
  }
  kept.push_back(pk::safetensors_entry("13.weight", extra));
  kept.push_back(pk::safetensors_entry("fc.bias", extra));
  const auto path = folder / "net.safetensors";
  pk::save_safetensors(path, kept);
  auto net = network<double>();
  const auto text = refused<nn::Sequential<double>>(
      net, [&](auto& module) { pk::load_safetensors(path, module); });
  CHECK(text == path.string() +
                    ": does not fit the network\n"
                    "  2 missing:\n    1.bias\n    12.0.weight\n"
                    "  2 that the network does not have:\n    13.weight\n    fc.bias\n"
                    "  1 of another shape:\n    8.weight has shape [5], expected [4]");

  std::map<std::string, pk::Tensor<double>> arrays;
  for (const auto& entry : kept)
    arrays[entry.name] = pk::SafetensorsFile(path).tensor<double>(entry.name);
  pk::save_npz(folder / "net.npz", arrays);
  const auto same = refused<nn::Sequential<double>>(
      net, [&](auto& module) { pk::load_npz(folder / "net.npz", module); });
  for (const char* part :
       {"net.npz: does not fit", "2 missing:", "    1.bias", "    12.0.weight", "    13.weight",
        "    fc.bias", "8.weight has shape [5], expected [4]"}) {
    CHECK_THAT(same, Catch::Contains(part));
  }
}

TEST_CASE("Optional buffers may be absent, and keep their values", "[nn]") {
  const auto folder = scratch_folder("nn-checkpoint-optional");
  auto source = golden_network<double>();
  std::vector<pk::SafetensorsEntry> kept;
  for (const auto& entry : entries_of(source)) {
    if (!entry.name.ends_with("num_batches_tracked")) kept.push_back(entry);
  }
  pk::save_safetensors(folder / "net.safetensors", kept);
  auto net = network<double>();
  pk::load_safetensors(folder / "net.safetensors", net);
  for (const auto& tensor : nn::named_tensors(net)) {
    INFO(tensor.name);
    if (tensor.optional()) {
      CHECK(tensor.name.ends_with("num_batches_tracked"));
      CHECK((*tensor.tensor)() == 0.0);
    } else {
      CHECK(identical(*tensor.tensor, nn_golden("network").array<double>("state." + tensor.name)));
    }
  }
  // Running statistics are not optional.
  kept.erase(std::find_if(kept.begin(), kept.end(),
                          [](const auto& entry) { return entry.name == "1.running_mean"; }));
  pk::save_safetensors(folder / "net.safetensors", kept);
  const auto text = refused<nn::Sequential<double>>(
      net, [&](auto& module) { pk::load_safetensors(folder / "net.safetensors", module); });
  CHECK_THAT(text, Catch::Contains("1 missing:\n    1.running_mean"));
}

TEST_CASE("PyTorch's counts of batches are whole numbers", "[nn]") {
  const auto folder = scratch_folder("nn-checkpoint-count");
  nn::BatchNorm2d<float> norm({.channels = 2});
  std::vector<pk::SafetensorsEntry> entries = nn::safetensors_entries(norm);
  for (auto& entry : entries) {
    if (entry.name != "num_batches_tracked") continue;
    auto count = pk::make_tensor<std::int64_t>({});
    count() = 12345;
    entry = pk::safetensors_entry(entry.name, std::move(count));
  }
  pk::save_safetensors(folder / "norm.safetensors", entries);
  pk::load_safetensors(folder / "norm.safetensors", norm);
  CHECK(norm.num_batches_tracked.value() == 12345.0f);
}

TEST_CASE("Names before the file's, or before the module's, are looked through", "[nn]") {
  const auto folder = scratch_folder("nn-checkpoint-prefix");
  auto source = golden_network<double>();
  const auto path = folder / "net.safetensors";
  // nn.DataParallel's.
  pk::save_safetensors(path, entries_of(source, "module."));
  auto net = network<double>();
  pk::load_safetensors(path, net);
  CHECK(same_tensors(net, source));
  // Several parts.
  pk::save_safetensors(path, entries_of(source, "state.model."));
  net = network<double>();
  pk::load_safetensors(path, net);
  CHECK(same_tensors(net, source));
  // The module has one, the file has not.
  pk::save_safetensors(path, source);
  Wrapped<nn::Sequential<double>> wrapped{network<double>()};
  pk::load_safetensors(path, wrapped);
  CHECK(same_tensors(wrapped.inner, source));
  wrapped.inner = network<double>();
  pk::save_npz(folder / "net.npz", source);
  pk::load_npz(folder / "net.npz", wrapped);
  CHECK(same_tensors(wrapped.inner, source));
  // Both have the same.
  pk::save_safetensors(path, wrapped);
  Wrapped<nn::Sequential<double>> other{network<double>()};
  pk::load_safetensors(path, other);
  CHECK(same_tensors(other.inner, source));
  // A part of a name is no prefix.
  pk::save_safetensors(path, entries_of(source, "x"));
  const auto text = refused<nn::Sequential<double>>(
      net, [&](auto& module) { pk::load_safetensors(path, module); });
  CHECK_THAT(text, Catch::Contains("    x0.weight"));
}

TEST_CASE("A prefix is the one that all names have", "[nn]") {
  const auto folder = scratch_folder("nn-checkpoint-deep");
  const auto path = folder / "deep.safetensors";
  Deep source(7);
  // "module.body.stem.weight" ends like "stem.weight" and stands before "module.stem.weight".
  pk::save_safetensors(path, nn::safetensors_entries(source, "module."));
  Deep deep;
  pk::load_safetensors(path, deep);
  CHECK(same_tensors(deep, source));
  // The other way round.
  Wrapped<Deep> wrapped;
  pk::save_safetensors(path, source);
  pk::load_safetensors(path, wrapped);
  CHECK(same_tensors(wrapped.inner, source));
  // What is missing or superfluous is named where the prefix is clear.
  auto entries = nn::safetensors_entries(source, "module.");
  entries.erase(entries.begin());
  pk::save_safetensors(path, entries);
  const auto text = refused<Deep>(deep, [&](Deep& module) { pk::load_safetensors(path, module); });
  CHECK(text == path.string() + ": does not fit the network\n  1 missing:\n    stem.weight");
}

TEST_CASE("Half precision is widened", "[nn]") {
  const auto folder = scratch_folder("nn-checkpoint-half");
  const std::vector<std::uint16_t> weight{0x3c00, 0xc000, 0x3555, 0x0001, 0x7bff, 0x8000},
      bias{0x3800, 0xbc00};
  const auto bytes = [](const std::vector<std::uint16_t>& values) {
    std::vector<std::uint8_t> result;
    for (const std::uint16_t v : values) {
      result.push_back(static_cast<std::uint8_t>(v & 0xffu));
      result.push_back(static_cast<std::uint8_t>(v >> 8));
    }
    return result;
  };
  const auto weight_bytes = bytes(weight), bias_bytes = bytes(bias);
  pk::save_safetensors(folder / "half.safetensors",
                       {{"weight", pk::SafetensorsDtype::f16, {2, 3}, weight_bytes, nullptr},
                        {"bias", pk::SafetensorsDtype::f16, {2}, bias_bytes, nullptr}});
  nn::Linear<float> layer({.in_features = 3, .out_features = 2});
  pk::load_safetensors(folder / "half.safetensors", layer);
  CHECK(identical(layer.weight.value(),
                  pk::Tensor<float>{{1.0f, -2.0f, 0x1.554p-2f}, {0x1p-24f, 65504.0f, -0.0f}}));
  CHECK(identical(layer.bias->value(), pk::Tensor<float>{0.5f, -1.0f}));
}

TEST_CASE("What half precision does not reach is not halved", "[nn]") {
  const auto path = scratch_folder("nn-checkpoint-reach") / "a.safetensors";
  nn::Linear<float> layer({.in_features = 1, .out_features = 2});
  layer.weight.mutable_value()(0, 0) = 65504.0f;
  layer.weight.mutable_value()(1, 0) = -1e-9f;
  layer.bias->mutable_value() = pk::Tensor<float>{1e5f, 0.3f};
  pk::save_half_safetensors(path, layer);
  const pk::SafetensorsFile file(path);
  CHECK(file.dtype("weight") == pk::SafetensorsDtype::f16);
  CHECK(file.dtype("bias") == pk::SafetensorsDtype::f32);
  pk::load_safetensors(path, layer);
  CHECK(layer.weight.value()(0, 0) == 65504.0f);
  CHECK(layer.weight.value()(1, 0) == 0.0f);
  CHECK(identical(layer.bias->value(), pk::Tensor<float>{1e5f, 0.3f}));
}

TEST_CASE("Nothing is changed where an element cannot be converted", "[nn]") {
  const auto folder = scratch_folder("nn-checkpoint-convert");
  nn::Linear<double> layer({.in_features = 1, .out_features = 2});
  pk::Tensor<std::int64_t> bias{5, (std::int64_t{1} << 53) + 1};
  pk::save_safetensors(folder / "bad.safetensors",
                       {pk::safetensors_entry("weight", random_tensor<double>({2, 1}, 3)),
                        pk::safetensors_entry("bias", std::move(bias))});
  const auto text = refused<nn::Linear<double>>(
      layer, [&](auto& module) { pk::load_safetensors(folder / "bad.safetensors", module); });
  CHECK_THAT(text, Catch::Contains("'bias'") && Catch::Contains("element 1"));
}

TEST_CASE("Files that cannot be read are named", "[nn]") {
  const auto folder = scratch_folder("nn-checkpoint-unreadable");
  nn::Linear<float> layer({.in_features = 3, .out_features = 2});
  const auto check = [&](const std::filesystem::path& path) {
    const auto safetensors = refused<nn::Linear<float>>(
        layer, [&](auto& module) { pk::load_safetensors(path, module); });
    CHECK_THAT(safetensors, Catch::Contains(path.string()));
    const auto npz =
        refused<nn::Linear<float>>(layer, [&](auto& module) { pk::load_npz(path, module); });
    CHECK_THAT(npz, Catch::Contains(path.string()));
  };
  check(folder / "absent");
  check(folder);
  std::ofstream(folder / "empty");
  check(folder / "empty");
  std::ofstream(folder / "text") << "these are no weights, whatever the name of the file may say";
  check(folder / "text");
  CHECK_THROWS_AS(pk::save_safetensors(folder / "no" / "such" / "folder", layer), pk::FileError);
  CHECK_THROWS_AS(pk::save_npz(folder / "no" / "such" / "folder", layer), pk::FileError);
}

TEST_CASE("Of very many names that do not fit, some are listed", "[nn]") {
  nn::Linear<float> net({.in_features = 2, .out_features = 3});
  std::vector<pk::SafetensorsEntry> entries;
  const auto nothing = pk::zeros<float>({1});
  for (int i = 0; i < 3000; ++i) {
    entries.push_back(pk::safetensors_entry("foreign." + std::to_string(i), nothing));
  }
  const auto file = scratch_folder("checkpoint-many") / "many.safetensors";
  pk::save_safetensors(file, entries);
  try {
    pk::load_safetensors(file, net);
    FAIL("no error");
  } catch (const pk::FileError& error) {
    const std::string text = error.what();
    CHECK(std::count(text.begin(), text.end(), '\n') < 60);
    CHECK_THAT(text, Catch::Contains("3000 that the network does not have:") &&
                         Catch::Contains("and 2980 more"));
  }
}

TEST_CASE("A module that is const runs, is counted and saved", "[nn]") {
  const auto folder = scratch_folder("const_module");
  nn::Sequential<double> made(
      nn::Conv2d<double>({.in_channels = 2, .out_channels = 3, .kernel = {1, 1}}),
      nn::BatchNorm2d<double>({.channels = 3}), nn::Dropout<double>(0.5, 3));
  nn::set_training(made, false);
  const nn::Sequential<double> net = made;
  pk::Tape<double> tape;
  const auto x = tape.constant(random_tensor<double>({1, 2, 4, 2}, 5));
  CHECK(net(x).value() == made(x).value());
  CHECK(nn::parameter_count(net) == 2 * 3 + 3 + 3 + 3);
  pk::save_safetensors(folder / "net.safetensors", net);
  pk::save_half_safetensors(folder / "half.safetensors", net);
  pk::save_npz(folder / "net.npz", net);
  for (const char* file : {"net.safetensors", "net.npz"}) {
    nn::Sequential<double> again = made;
    nn::initialize(again, {.seed = 8});
    if (std::string(file).ends_with("npz")) {
      pk::load_npz(folder / file, again);
    } else {
      pk::load_safetensors(folder / file, again);
    }
    CHECK(again(x).value() == net(x).value());
  }
}
