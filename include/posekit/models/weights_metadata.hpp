#pragma once

// What the metadata of a file of weights say of the network that they belong to.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/io/safetensors.hpp>

namespace posekit::inline POSEKIT_ISA::models {

/// The entries of a file's metadata as what they stand for. Everything throws FileError, which
/// names the file, where an entry is missing or makes no sense.
class WeightsMetadata {
 public:
  /// `writer` is who writes such files, in errors. Entries have `prefix` before their names.
  WeightsMetadata(std::string where, const SafetensorsFile& file, std::string writer,
                  std::string prefix = "")
      : where_(std::move(where)),
        file_(&file),
        writer_(std::move(writer)),
        prefix_(std::move(prefix)) {}

  /// The same file's entries and tensors that have another prefix.
  WeightsMetadata part(std::string prefix) const { return {where_, *file_, writer_, prefix}; }

  std::string text(const std::string& key) const;
  /// A whole number of at most six digits.
  std::size_t number(const std::string& key) const;
  bool flag(const std::string& key) const { return number(key) != 0; }
  /// A number as `shortest_decimal` writes it.
  double decimal(const std::string& key) const;

  /// The position of the text among `names`.
  template <class Names>
  std::size_t choice(const std::string& key, const Names& names) const {
    const std::string name = text(key);
    std::size_t at = 0;
    std::string all;
    for (const std::string_view known : names) {
      if (name == known) return at;
      all += (at++ == 0 ? "" : ", ") + std::string(known);
    }
    fail("its metadata has '" + name + "' for '" + prefix_ + key + "', expected one of " + all);
  }

  /// Throws unless the weights are of this architecture, which the metadata's "architecture" names.
  void require_architecture(std::string_view expected) const;
  /// Throws unless the file has a tensor of this shape, before anything is made of it.
  void require_tensor(const std::string& name, const Shape& shape) const;
  /// Throws unless the file has at least so many tensors.
  void require_tensors(std::size_t count) const;
  [[noreturn]] void fail(const std::string& what) const;

 private:
  std::string where_;
  const SafetensorsFile* file_;
  std::string writer_, prefix_;
};

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

#include <posekit/core/decimal.hpp>
#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA::models {

POSEKIT_INLINE void WeightsMetadata::fail(const std::string& what) const {
  throw FileError(where_ + ": " + what);
}

POSEKIT_INLINE std::string WeightsMetadata::text(const std::string& key) const {
  const auto found = file_->metadata().find(prefix_ + key);
  if (found == file_->metadata().end()) {
    fail("its metadata has no '" + prefix_ + key + "', expected weights that " + writer_ +
         " wrote");
  }
  return found->second;
}

POSEKIT_INLINE std::size_t WeightsMetadata::number(const std::string& key) const {
  const std::string digits = text(key);
  if (digits.empty() || digits.size() > 6 ||
      digits.find_first_not_of("0123456789") != std::string::npos) {
    fail("its metadata has '" + digits + "' for '" + prefix_ + key + "', expected a number");
  }
  return static_cast<std::size_t>(std::stoul(digits));
}

POSEKIT_INLINE double WeightsMetadata::decimal(const std::string& key) const {
  const std::string digits = text(key);
  const auto value = parse_decimal(digits);
  if (!value)
    fail("its metadata has '" + digits + "' for '" + prefix_ + key + "', expected a number");
  return *value;
}

POSEKIT_INLINE void WeightsMetadata::require_architecture(std::string_view expected) const {
  const std::string named = text("architecture");
  if (named != expected)
    fail("holds weights of '" + named + "', expected " + std::string(expected));
}

POSEKIT_INLINE void WeightsMetadata::require_tensor(const std::string& name,
                                                    const Shape& shape) const {
  const std::string full = prefix_ + name;
  if (file_->contains(full) && file_->shape(full) == shape) return;
  const std::string has =
      file_->contains(full) ? "has shape " + posekit::to_string(file_->shape(full)) : "is missing";
  fail("tensor '" + full + "' " + has + ", its metadata describe " + posekit::to_string(shape));
}

POSEKIT_INLINE void WeightsMetadata::require_tensors(std::size_t count) const {
  const std::size_t has = file_->names().size();
  if (has >= count) return;
  fail(error_text("it has ", has, " tensors, its metadata describe a network of more than ",
                  count - 1));
}

}  // namespace posekit::inline POSEKIT_ISA::models

#endif  // POSEKIT_DEFINES_MODELS
