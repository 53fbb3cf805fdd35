#pragma once

// Modules to and from files, by the names of their parameters and buffers. A PyTorch module's
// weights become a safetensors file in three lines of Python:
//
//     import torch
//     from safetensors.torch import save_file
//     save_file(torch.load("net.pth", map_location="cpu"), "net.safetensors")

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/half.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/io/npz.hpp>
#include <posekit/io/safetensors.hpp>
#include <posekit/nn/module.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace nn {

namespace internal {

/// What a file puts before a module's names, or what a module puts before the file's: whole parts
/// of a name, which wrappers (`module.`, `inner.`) add.
struct NamePrefix {
  std::string in_file, in_module;

  std::string file_name(const std::string& name) const {
    return in_file + (name.starts_with(in_module) ? name.substr(in_module.size()) : name);
  }
};

/// Of all prefixes with which a name of the file is one of the module's, or the other way round,
/// the one that finds the most tensors; none where that finds as many.
template <class T>
NamePrefix name_prefix(const std::vector<NamedTensor<T>>& tensors,
                       const std::vector<std::string>& names);

/// An npz archive as `load_by_name` reads it.
struct NpzSource {
  const NpzArchive& archive;
  std::vector<std::string> names() const { return archive.names(); }
  Shape shape(const std::string& name) const { return archive.shape(name); }
  template <class T>
  Tensor<T> tensor(const std::string& name) const {
    return archive.array<T>(name);
  }
};

}  // namespace internal

/// Reads a module's tensors from `source`, which has names(), shape(name) and tensor<T>(name). Says
/// everything that does not fit in one error, and changes nothing then. `ignored(name)` is true of
/// what the file may have besides. `where` is the file in errors. Throws FileError.
template <class M, class Source, class Ignored>
void load_by_name(const std::string& where, const Source& source, M& module,
                  const Ignored& ignored) {
  using T = typename M::value_type;
  const auto tensors = named_tensors(module);
  std::vector<std::string> names;
  for (const std::string& name : source.names())
    if (!ignored(name)) names.push_back(name);
  const internal::NamePrefix prefix = internal::name_prefix(tensors, names);

  std::vector<std::string> missing, misshapen;
  std::vector<std::string> extra = names;
  std::vector<std::pair<const NamedTensor<T>*, std::string>> found;
  for (const auto& tensor : tensors) {
    const std::string name = prefix.file_name(tensor.name);
    const auto at = std::find(extra.begin(), extra.end(), name);
    if (at == extra.end()) {
      if (!tensor.optional()) missing.push_back(tensor.name);
      continue;
    }
    extra.erase(at);
    const Shape shape = source.shape(name), expected = shape_of(*tensor.tensor);
    if (shape != expected) {
      misshapen.push_back(name + " has shape " + to_string(shape) + ", expected " +
                          to_string(expected));
    }
    found.emplace_back(&tensor, name);
  }
  if (!missing.empty() || !extra.empty() || !misshapen.empty()) {
    std::string text = where + ": does not fit the network";
    const auto list = [&](const char* what, const std::vector<std::string>& entries) {
      if (entries.empty()) return;
      constexpr std::size_t most = 20;
      text += error_text("\n  ", entries.size(), " ", what);
      for (std::size_t i = 0; i < std::min(entries.size(), most); ++i)
        text += "\n    " + entries[i];
      if (entries.size() > most) text += error_text("\n    and ", entries.size() - most, " more");
    };
    list("missing:", missing);
    list("that the network does not have:", extra);
    list("of another shape:", misshapen);
    throw FileError(text);
  }
  // Read everything first: nothing is changed where something cannot be converted.
  std::vector<Tensor<T>> values;
  for (const auto& [tensor, name] : found) values.push_back(source.template tensor<T>(name));
  for (std::size_t i = 0; i < found.size(); ++i) found[i].first->set(std::move(values[i]));
}

/// The entries of a safetensors file for a module, each name with `prefix` before it.
template <class M>
std::vector<SafetensorsEntry> safetensors_entries(const M& module, const std::string& prefix = "") {
  std::vector<SafetensorsEntry> entries;
  for (const auto& tensor : named_tensors(internal::to_read(module)))
    entries.push_back(safetensors_entry(prefix + tensor.name, *tensor.tensor));
  return entries;
}

}  // namespace nn

/// Sets a module's parameters and buffers from a safetensors file, by name. Where all names of the
/// file have a prefix that the module's do not have, or the other way round ("module.", "inner."),
/// it is looked through. Throws FileError, which lists everything that is missing, superfluous or
/// of another shape; the module is unchanged then.
template <class M>
requires nn::Module<M, typename M::value_type>
void load_safetensors(const std::filesystem::path& path, M& module) {
  nn::load_by_name(path.string(), SafetensorsFile(path), module,
                   [](const std::string&) { return false; });
}

/// Writes a module's parameters and buffers, whole or not at all.
template <class M>
requires nn::Module<M, typename M::value_type>
void save_safetensors(const std::filesystem::path& path, const M& module,
                      const std::map<std::string, std::string>& metadata = {}) {
  save_safetensors(path, nn::safetensors_entries(module), metadata);
}

/// The same in half precision: files half as large, read back to about three digits, and to 3e-8
/// near 0. Tensors with values that half precision does not reach (65504) stay as they are.
template <class M>
requires nn::Module<M, typename M::value_type>
void save_half_safetensors(const std::filesystem::path& path, const M& module,
                           const std::map<std::string, std::string>& metadata = {}) {
  std::vector<SafetensorsEntry> entries;
  for (const auto& tensor : nn::named_tensors(nn::internal::to_read(module))) {
    const auto reached = [](auto value) {
      return !std::isfinite(value) ||
             std::isfinite(half_to_float(float_to_half(static_cast<float>(value))));
    };
    if (!std::all_of(tensor.tensor->begin(), tensor.tensor->end(), reached)) {
      entries.push_back(safetensors_entry(tensor.name, *tensor.tensor));
      continue;
    }
    const auto bytes = std::make_shared<std::vector<std::uint8_t>>();
    for (const auto value : *tensor.tensor) {
      const std::uint16_t half = float_to_half(static_cast<float>(value));
      bytes->push_back(static_cast<std::uint8_t>(half & 0xffu));
      bytes->push_back(static_cast<std::uint8_t>(half >> 8));
    }
    entries.push_back(
        {tensor.name, SafetensorsDtype::f16, shape_of(*tensor.tensor), *bytes, bytes});
  }
  save_safetensors(path, entries, metadata);
}

/// The same from an npz archive.
template <class M>
requires nn::Module<M, typename M::value_type>
void load_npz(const std::filesystem::path& path, M& module, const NpzOptions& options = {}) {
  const NpzArchive archive(path, options);
  nn::load_by_name(path.string(), nn::internal::NpzSource{archive}, module,
                   [](const std::string&) { return false; });
}

/// The same into an npz archive.
template <class M>
requires nn::Module<M, typename M::value_type>
void save_npz(const std::filesystem::path& path, const M& module) {
  using T = typename M::value_type;
  std::map<std::string, Tensor<T>> arrays;
  for (const auto& tensor : nn::named_tensors(nn::internal::to_read(module)))
    arrays.emplace(tensor.name, *tensor.tensor);
  save_npz(path, arrays);
}

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_NN

namespace posekit::inline POSEKIT_ISA::nn::internal {

template <class T>
NamePrefix name_prefix(const std::vector<NamedTensor<T>>& tensors,
                       const std::vector<std::string>& names) {
  const std::set<std::string> known(names.begin(), names.end());
  const auto found = [&](const NamePrefix& prefix) {
    return std::count_if(tensors.begin(), tensors.end(), [&](const auto& tensor) {
      return known.contains(prefix.file_name(tensor.name));
    });
  };
  NamePrefix best;
  auto most = found(best);
  if (most == std::ssize(tensors)) return best;
  std::set<std::pair<std::string, std::string>> candidates;
  const auto rest = [](const std::string& longer, const std::string& end) {
    const std::size_t size = longer.size() - end.size();
    return longer.size() > end.size() + 1 && longer.ends_with(end) && longer[size - 1] == '.'
               ? longer.substr(0, size)
               : std::string();
  };
  for (const auto& tensor : tensors) {
    for (const std::string& name : names)
      candidates.emplace(rest(name, tensor.name), rest(tensor.name, name));
  }
  for (const auto& [in_file, in_module] : candidates) {
    const NamePrefix prefix{in_file, in_module};
    const auto count = found(prefix);
    if (count > most) {
      most = count;
      best = prefix;
    }
  }
  return best;
}

}  // namespace posekit::inline POSEKIT_ISA::nn::internal

#endif  // POSEKIT_DEFINES_NN
