#pragma once

// JSON files that somebody else wrote: every error names the file, the entry and the field.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/io/parse_json.hpp>

namespace posekit::inline POSEKIT_ISA {

/// `Value` is nlohmann's json, or ordered_json where the order of an object's members means
/// something: there each takes as long to find as there are members before it.
template <class Value>
class BasicJsonFile {
 public:
  using Json = Value;

  /// Throws FileError where the file is missing, larger than `max_bytes` or no JSON.
  explicit BasicJsonFile(const std::filesystem::path& path,
                         std::uintmax_t max_bytes = std::uintmax_t{1} << 32);
  /// From a text that stands in a file; `name` stands for it in errors.
  BasicJsonFile(std::span<const std::uint8_t> text, std::string name);

  const std::string& name() const { return name_; }
  const Json& root() const { return root_; }

  [[noreturn]] void fail(const std::string& what) const {
    throw FileError(error_text(name_, ": ", what));
  }

  /// Null where there is none.
  static const Json* find(const Json& object, const char* key);
  /// Members of an object that have to be there; `where` says whose.
  const Json& object(const Json& parent, const char* key, const std::string& where) const;
  const Json& array(const Json& parent, const char* key, const std::string& where) const;
  std::string text(const Json& parent, const char* key, const std::string& where) const;
  std::int64_t integer(const Json& item, const char* key, const std::string& where) const;
  /// The size of an image along an axis.
  std::size_t extent(const Json& item, const char* key, const std::string& where) const;
  double number(const Json& value, const std::string& where) const;
  std::vector<double> numbers(const Json& value, const std::string& where) const;

 private:
  std::string name_;
  Json root_;
};

using JsonFile = BasicJsonFile<nlohmann::json>;
using OrderedJsonFile = BasicJsonFile<nlohmann::ordered_json>;

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_IO

#include <posekit/io/file.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class Value>
BasicJsonFile<Value>::BasicJsonFile(const std::filesystem::path& path, std::uintmax_t max_bytes)
    : BasicJsonFile(read_file(path, max_bytes), path.string()) {}

template <class Value>
BasicJsonFile<Value>::BasicJsonFile(std::span<const std::uint8_t> text, std::string name)
    : name_(std::move(name)), root_(parse_json<Json>(text, name_)) {}

template <class Value>
const Value* BasicJsonFile<Value>::find(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

template <class Value>
const Value& BasicJsonFile<Value>::object(const Json& parent, const char* key,
                                          const std::string& where) const {
  const Json* value = find(parent, key);
  if (value == nullptr || !value->is_object()) fail(where + " has no object '" + key + "'");
  return *value;
}

template <class Value>
const Value& BasicJsonFile<Value>::array(const Json& parent, const char* key,
                                         const std::string& where) const {
  const Json* value = find(parent, key);
  if (value == nullptr || !value->is_array()) fail(where + " has no array '" + key + "'");
  return *value;
}

template <class Value>
std::string BasicJsonFile<Value>::text(const Json& parent, const char* key,
                                       const std::string& where) const {
  const Json* value = find(parent, key);
  if (value == nullptr || !value->is_string()) fail(where + " has no string '" + key + "'");
  return value->template get<std::string>();
}

template <class Value>
std::int64_t BasicJsonFile<Value>::integer(const Json& item, const char* key,
                                           const std::string& where) const {
  const Json* found = find(item, key);
  if (found == nullptr) fail(error_text(where, " has no integer '", key, "'"));
  if (found->is_number_unsigned() && found->template get<std::uint64_t>() >
                                         std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
    fail(error_text(where, ": '", key, "' is too large"));
  }
  if (found->is_number_integer()) return found->template get<std::int64_t>();
  // Some write whole numbers with a point.
  if (found->is_number_float()) {
    const double value = found->template get<double>();
    if (std::abs(value) < 9e15 && value == std::floor(value)) {
      return static_cast<std::int64_t>(value);
    }
  }
  fail(error_text(where, " has no integer '", key, "'"));
}

template <class Value>
std::size_t BasicJsonFile<Value>::extent(const Json& item, const char* key,
                                         const std::string& where) const {
  const std::int64_t value = integer(item, key, where);
  if (value < 0 || value > 1000000) fail(error_text(where, ": '", key, "' is ", value));
  return static_cast<std::size_t>(value);
}

template <class Value>
double BasicJsonFile<Value>::number(const Json& value, const std::string& where) const {
  if (!value.is_number()) fail(where + " is no number");
  const double result = value.template get<double>();
  // Whatever is measured in an image is far smaller; arithmetic with this cannot overflow.
  if (!(std::abs(result) <= 1e12)) {
    fail(error_text(where, " holds ", result, ", which is no position or size in an image"));
  }
  return result;
}

template <class Value>
std::vector<double> BasicJsonFile<Value>::numbers(const Json& value,
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
