#pragma once

// JSON files that somebody else wrote: every error names the file, the entry and the field.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/io/parse_json.hpp>

namespace posekit::inline POSEKIT_ISA {

class JsonFile {
 public:
  using Json = nlohmann::json;

  /// Throws FileError where the file is missing or no JSON.
  explicit JsonFile(const std::filesystem::path& path);

  const std::string& name() const { return name_; }
  const Json& root() const { return root_; }

  [[noreturn]] void fail(const std::string& what) const {
    throw FileError(error_text(name_, ": ", what));
  }

  const Json& list(const Json& object, const char* key) const;
  std::int64_t integer(const Json& item, const char* key, const std::string& where) const;
  /// The size of an image along an axis.
  std::size_t extent(const Json& item, const char* key, const std::string& where) const;
  double number(const Json& value, const std::string& where) const;
  std::vector<double> numbers(const Json& value, const std::string& where) const;

 private:
  std::string name_;
  Json root_;
};

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_IO

#include <posekit/io/file.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE JsonFile::JsonFile(const std::filesystem::path& path) : name_(path.string()) {
  const std::vector<std::uint8_t> bytes = read_file(path, std::uintmax_t{1} << 32);
  root_ = parse_json(bytes, name_);
}

POSEKIT_INLINE const JsonFile::Json& JsonFile::list(const Json& object, const char* key) const {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) fail(error_text("has no array '", key, "'"));
  return *found;
}

POSEKIT_INLINE std::int64_t JsonFile::integer(const Json& item, const char* key,
                                              const std::string& where) const {
  const auto found = item.is_object() ? item.find(key) : item.end();
  if (!item.is_object() || found == item.end()) {
    fail(error_text(where, " has no integer '", key, "'"));
  }
  if (found->is_number_unsigned() &&
      found->get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
    fail(error_text(where, ": '", key, "' is too large"));
  }
  if (found->is_number_integer()) return found->get<std::int64_t>();
  // Some write whole numbers with a point.
  if (found->is_number_float()) {
    const double value = found->get<double>();
    if (std::abs(value) < 9e15 && value == std::floor(value)) {
      return static_cast<std::int64_t>(value);
    }
  }
  fail(error_text(where, " has no integer '", key, "'"));
}

POSEKIT_INLINE std::size_t JsonFile::extent(const Json& item, const char* key,
                                            const std::string& where) const {
  const std::int64_t value = integer(item, key, where);
  if (value < 0 || value > 1000000) fail(error_text(where, ": '", key, "' is ", value));
  return static_cast<std::size_t>(value);
}

POSEKIT_INLINE double JsonFile::number(const Json& value, const std::string& where) const {
  if (!value.is_number()) fail(where + " is no number");
  const double result = value.get<double>();
  // Whatever is measured in an image is far smaller; arithmetic with this cannot overflow.
  if (!(std::abs(result) <= 1e12)) {
    fail(error_text(where, " holds ", result, ", which is no position or size in an image"));
  }
  return result;
}

POSEKIT_INLINE std::vector<double> JsonFile::numbers(const Json& value,
                                                     const std::string& where) const {
  if (!value.is_array()) fail(where + " is no array");
  std::vector<double> result;
  result.reserve(value.size());
  for (const Json& item : value) {
    if (!item.is_number()) fail(where + " holds something that is no number");
    result.push_back(number(item, where));
  }
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_IO
