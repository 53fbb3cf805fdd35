#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA::models {

/// What a file of weights says of the network that they belong to. All throw FileError that names
/// the file, the key and what was expected.
class WeightsMetadata {
 public:
  /// `where` names the file, and `writer` the command that writes such files. Throws where the
  /// metadata name another architecture.
  WeightsMetadata(std::string where, std::map<std::string, std::string> metadata,
                  std::string_view architecture, std::string_view writer);

  const std::string& where() const { return where_; }
  const std::string& text(const std::string& key) const;
  /// A whole number of up to six digits.
  std::size_t number(const std::string& key) const;
  /// A positive number.
  double positive(const std::string& key) const;
  /// The position of the text among `names`.
  template <class Names>
  std::size_t choice(const std::string& key, const Names& names) const {
    const std::string& name = text(key);
    std::size_t at = 0;
    std::string all;
    for (const std::string_view known : names) {
      if (name == known) return at;
      all += (at++ == 0 ? "" : ", ") + std::string(known);
    }
    refuse(key, "one of " + all);
  }
  [[noreturn]] void refuse(const std::string& key, const std::string& expected) const;

 private:
  std::string where_, writer_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

#include <cmath>
#include <utility>

#include <posekit/core/decimal.hpp>
#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA::models {

POSEKIT_INLINE WeightsMetadata::WeightsMetadata(std::string where,
                                                std::map<std::string, std::string> metadata,
                                                std::string_view architecture,
                                                std::string_view writer)
    : where_(std::move(where)), writer_(writer), metadata_(std::move(metadata)) {
  // Files of before the metadata said it are MargiPose's.
  const auto named = metadata_.find("architecture");
  if (named == metadata_.end() ? architecture != "margipose" : named->second != architecture) {
    throw FileError(named == metadata_.end()
                        ? error_text(where_, ": its metadata name no architecture, expected ",
                                     architecture, " as ", writer_, " writes it")
                        : error_text(where_, ": holds weights of '", named->second, "', expected ",
                                     architecture));
  }
}

POSEKIT_INLINE const std::string& WeightsMetadata::text(const std::string& key) const {
  const auto found = metadata_.find(key);
  if (found != metadata_.end()) return found->second;
  throw FileError(error_text(where_, ": its metadata has no '", key, "', expected weights that ",
                             writer_, " wrote"));
}

POSEKIT_INLINE std::size_t WeightsMetadata::number(const std::string& key) const {
  const std::string& digits = text(key);
  if (digits.empty() || digits.size() > 6 ||
      digits.find_first_not_of("0123456789") != std::string::npos)
    refuse(key, "a number");
  return static_cast<std::size_t>(std::stoul(digits));
}

POSEKIT_INLINE double WeightsMetadata::positive(const std::string& key) const {
  const auto value = parse_decimal(text(key));
  if (!value || !(*value > 0) || !std::isfinite(*value)) refuse(key, "a positive number");
  return *value;
}

POSEKIT_INLINE void WeightsMetadata::refuse(const std::string& key,
                                            const std::string& expected) const {
  throw FileError(error_text(where_, ": its metadata has '", text(key), "' for '", key,
                             "', expected ", expected));
}

}  // namespace posekit::inline POSEKIT_ISA::models

#endif  // POSEKIT_DEFINES_MODELS
