#pragma once

// What the header of a safetensors file says, read and checked: types, shapes and places of the
// tensors, and the file's metadata.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/shape.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The types of a safetensors file's elements.
enum class SafetensorsDtype : std::uint8_t {
  boolean,
  u8,
  i8,
  u16,
  i16,
  f16,
  bf16,
  u32,
  i32,
  f32,
  u64,
  i64,
  f64
};

/// As the file spells it: "F32".
std::string to_string(SafetensorsDtype dtype);

/// The bytes of an element.
std::size_t element_size(SafetensorsDtype dtype);

/// The type whose elements are those of a C++ type.
template <class T>
constexpr SafetensorsDtype safetensors_dtype_of() {
  static_assert(std::is_arithmetic_v<T> && sizeof(T) <= 8, "safetensors has no such type");
  using enum SafetensorsDtype;
  if constexpr (std::is_same_v<T, bool>) {
    return boolean;
  } else if constexpr (std::is_floating_point_v<T>) {
    return sizeof(T) == 4 ? f32 : f64;
  } else {
    constexpr bool is_signed = std::is_signed_v<T>;
    if (sizeof(T) == 1) return is_signed ? i8 : u8;
    if (sizeof(T) == 2) return is_signed ? i16 : u16;
    if (sizeof(T) == 4) return is_signed ? i32 : u32;
    return is_signed ? i64 : u64;
  }
}

namespace internal {

/// Text from a file as an error shows it: short, on one line, in quotes.
std::string in_quotes(std::string_view text);

/// What the header says of one tensor. Offsets count from the end of the header.
struct SafetensorsInfo {
  std::string name;
  SafetensorsDtype dtype = SafetensorsDtype::f32;
  Shape shape;
  std::size_t begin = 0, end = 0;
};

}  // namespace internal

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_IO

#include <nlohmann/json.hpp>

#include <posekit/core/error.hpp>
#include <posekit/core/listed.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

inline constexpr std::size_t safetensors_header_limit = 100'000'000;  // the format's own
inline constexpr std::size_t safetensors_rank_limit = 64;
inline constexpr std::string_view safetensors_metadata_key = "__metadata__";

inline bool is_control_character(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

/// Receives the header of a safetensors file from the JSON parser piece by piece. It goes three
/// levels deep at most: whatever does not belong where it stands ends the reading.
class SafetensorsHeaderReader {
 public:
  using Json = nlohmann::json;

  SafetensorsHeaderReader(std::string_view text, std::size_t buffer_size, const std::string& name);

  /// In the order of their offsets.
  std::vector<SafetensorsInfo> tensors;
  std::map<std::string, std::string> metadata;

  bool null() { return unexpected("null"); }
  bool boolean(bool value) { return unexpected(value ? "true" : "false"); }
  bool number_integer(std::int64_t value) { return unexpected(std::to_string(value)); }
  bool number_unsigned(std::uint64_t value);
  bool number_float(double, const std::string& text) { return unexpected(in_quotes(text)); }
  bool string(std::string& value);
  bool binary(Json::binary_t&) { return unexpected("bytes"); }

  bool start_object(std::size_t);
  bool key(std::string& key);
  bool end_object();
  bool start_array(std::size_t);
  bool end_array();
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) {
    not_json(position == 0 ? 0 : position - 1);
  }

 private:
  enum class Place { start, header, metadata, tensor, list, end };

  [[noreturn]] void fail(const std::string& found, const std::string& wanted) const;
  [[noreturn]] void not_json(std::size_t position) const;
  bool unexpected(const std::string& found) const { fail(found, expected()); }
  /// What belongs where the parser is.
  std::string expected() const;

  void check_tensor(const SafetensorsInfo& tensor);
  /// The tensors fill the rest of the file, one after the other.
  void check_layout();

  std::size_t buffer_size_;
  const std::string& name_;
  Place place_ = Place::start;
  std::string entry_, field_;
  std::vector<std::string> fields_;  // of the tensor being read
  std::set<std::string> entries_;
  Shape list_;
};

struct SafetensorsDtypeInfo {
  const char* name;
  std::size_t width;
};

/// In the order of SafetensorsDtype.
inline constexpr std::array<SafetensorsDtypeInfo, 13> safetensors_dtypes{{{"BOOL", 1},
                                                                          {"U8", 1},
                                                                          {"I8", 1},
                                                                          {"U16", 2},
                                                                          {"I16", 2},
                                                                          {"F16", 2},
                                                                          {"BF16", 2},
                                                                          {"U32", 4},
                                                                          {"I32", 4},
                                                                          {"F32", 4},
                                                                          {"U64", 8},
                                                                          {"I64", 8},
                                                                          {"F64", 8}}};

inline const SafetensorsDtypeInfo& safetensors_dtype(SafetensorsDtype dtype) {
  const auto index = static_cast<std::size_t>(dtype);
  if (index >= safetensors_dtypes.size()) {
    throw ValueError(error_text("SafetensorsDtype: ", index, " is none of its values"));
  }
  return safetensors_dtypes[index];
}

}  // namespace internal

POSEKIT_INLINE std::string to_string(SafetensorsDtype dtype) {
  return internal::safetensors_dtype(dtype).name;
}

POSEKIT_INLINE std::size_t element_size(SafetensorsDtype dtype) {
  return internal::safetensors_dtype(dtype).width;
}

namespace internal {

POSEKIT_INLINE std::string in_quotes(std::string_view text) {
  constexpr std::size_t limit = 80;
  std::size_t size = std::min(text.size(), limit);
  // Not in the midst of a character of UTF-8.
  while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0u) == 0x80)
    --size;
  std::string result = "'";
  for (const char c : text.substr(0, size)) {
    if (is_control_character(c)) {
      constexpr const char* digits = "0123456789abcdef";
      result += "\\x";
      result += digits[static_cast<unsigned char>(c) >> 4];
      result += digits[static_cast<unsigned char>(c) & 15u];
    } else {
      result += c;
    }
  }
  return result + (size < text.size() ? "...'" : "'");
}

POSEKIT_INLINE SafetensorsHeaderReader::SafetensorsHeaderReader(std::string_view text,
                                                                std::size_t buffer_size,
                                                                const std::string& name)
    : buffer_size_(buffer_size), name_(name) {
  // The parser would take a zero byte for the end.
  const std::size_t zero = text.find('\0');
  if (zero != std::string_view::npos) not_json(zero);
  // It would also pass over a byte order mark, and space.
  if (!text.starts_with('{')) not_json(0);
  Json::sax_parse(text.begin(), text.end(), this);
  check_layout();
}

POSEKIT_INLINE bool SafetensorsHeaderReader::number_unsigned(std::uint64_t value) {
  if (place_ != Place::list) return unexpected(std::to_string(value));
  if (!std::in_range<std::size_t>(value)) fail(std::to_string(value), "what memory can hold");
  const bool shape = field_ == "shape";
  if (list_.size() == (shape ? safetensors_rank_limit : 2)) {
    fail("more",
         shape ? error_text("at most ", safetensors_rank_limit, " extents") : "two offsets");
  }
  list_.push_back(static_cast<std::size_t>(value));
  return true;
}

POSEKIT_INLINE bool SafetensorsHeaderReader::string(std::string& value) {
  if (place_ == Place::metadata) {
    metadata.insert_or_assign(field_, std::move(value));
    return true;
  }
  if (place_ != Place::tensor || field_ != "dtype") return unexpected("text " + in_quotes(value));
  const auto known = std::find_if(safetensors_dtypes.begin(), safetensors_dtypes.end(),
                                  [&](const auto& dtype) { return dtype.name == value; });
  if (known == safetensors_dtypes.end()) fail(in_quotes(value), expected());
  tensors.back().dtype = static_cast<SafetensorsDtype>(known - safetensors_dtypes.begin());
  return true;
}

POSEKIT_INLINE bool SafetensorsHeaderReader::start_object(std::size_t) {
  if (place_ == Place::start) {
    place_ = Place::header;
  } else if (place_ == Place::header) {
    place_ = entry_ == safetensors_metadata_key ? Place::metadata : Place::tensor;
  } else {
    return unexpected("an object");
  }
  return true;
}

POSEKIT_INLINE bool SafetensorsHeaderReader::key(std::string& key) {
  if (place_ == Place::header) {
    entry_ = key;
    if (std::any_of(key.begin(), key.end(), is_control_character)) {
      fail("a name with control characters", "text");
    }
    if (!entries_.insert(key).second) fail("a second entry of this name", "one");
    if (key != safetensors_metadata_key) tensors.emplace_back().name = key;
    return true;
  }
  field_ = key;
  const bool second = std::find(fields_.begin(), fields_.end(), key) != fields_.end() ||
                      (place_ == Place::metadata && metadata.contains(key));
  if (second) fail("a second field of this name", "one");
  if (place_ == Place::tensor) {
    if (key != "dtype" && key != "shape" && key != "data_offsets") {
      fail("an unknown field", "'dtype', 'shape' and 'data_offsets'");
    }
    fields_.push_back(key);
  }
  return true;
}

POSEKIT_INLINE bool SafetensorsHeaderReader::end_object() {
  if (place_ == Place::tensor) {
    for (const char* field : {"dtype", "shape", "data_offsets"}) {
      field_ = field;
      if (std::find(fields_.begin(), fields_.end(), field_) == fields_.end()) {
        fail("no such field", expected());
      }
    }
    check_tensor(tensors.back());
  }
  place_ = place_ == Place::header ? Place::end : Place::header;
  field_.clear();
  fields_.clear();
  return true;
}

POSEKIT_INLINE bool SafetensorsHeaderReader::start_array(std::size_t) {
  if (place_ != Place::tensor || field_ == "dtype") return unexpected("an array");
  place_ = Place::list;
  list_.clear();
  return true;
}

POSEKIT_INLINE bool SafetensorsHeaderReader::end_array() {
  place_ = Place::tensor;
  SafetensorsInfo& tensor = tensors.back();
  if (field_ == "shape") {
    tensor.shape = list_;
    return true;
  }
  if (list_.size() != 2) fail(to_string(list_), expected());
  tensor.begin = list_[0];
  tensor.end = list_[1];
  return true;
}

POSEKIT_INLINE void SafetensorsHeaderReader::fail(const std::string& found,
                                                  const std::string& wanted) const {
  std::string where;
  if (place_ == Place::header || place_ == Place::metadata) where = ", entry " + in_quotes(entry_);
  if (place_ == Place::tensor || place_ == Place::list) where = ", tensor " + in_quotes(entry_);
  if (!field_.empty()) where += ", field " + in_quotes(field_);
  throw FileError(
      error_text(name_, ": the header", where, ": found ", found, ", expected ", wanted));
}

POSEKIT_INLINE void SafetensorsHeaderReader::not_json(std::size_t position) const {
  throw FileError(error_text(name_, ": the header: found something that is no JSON at byte ",
                             sizeof(std::uint64_t) + position,
                             " of the file, expected a JSON object of tensors, beginning with {"));
}

POSEKIT_INLINE std::string SafetensorsHeaderReader::expected() const {
  if (place_ == Place::metadata) return "text";
  if (place_ == Place::header) {
    return entry_ == safetensors_metadata_key ? "an object of texts"
                                              : "an object of dtype, shape and data_offsets";
  }
  if (field_ == "dtype") {
    std::string all;
    for (const auto& dtype : safetensors_dtypes) append_listed(all, dtype.name);
    return "one of " + all;
  }
  if (place_ == Place::list) return "a whole number that is not negative";
  if (field_ == "shape") return "an array of extents";
  if (field_ == "data_offsets") return "an array of two offsets";
  return "a JSON object of tensors";
}

POSEKIT_INLINE void SafetensorsHeaderReader::check_tensor(const SafetensorsInfo& tensor) {
  field_ = "shape";
  std::size_t count = 0;
  try {
    count = element_count(tensor.shape);
  } catch (const ShapeError&) {
    fail(to_string(tensor.shape), "extents whose product fits the address space");
  }
  field_ = "data_offsets";
  const Shape offsets{tensor.begin, tensor.end};
  if (tensor.end > buffer_size_) {
    fail(to_string(offsets), error_text("offsets within the ", buffer_size_,
                                        " bytes that follow the header (is it truncated?)"));
  }
  // No element has more bytes than element_count allows for.
  const std::size_t bytes = count * element_size(tensor.dtype);
  if (tensor.begin > tensor.end || tensor.end - tensor.begin != bytes) {
    fail(to_string(offsets), error_text("offsets ", bytes, " bytes apart, for shape ",
                                        to_string(tensor.shape), " of ", to_string(tensor.dtype)));
  }
}

POSEKIT_INLINE void SafetensorsHeaderReader::check_layout() {
  std::stable_sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  std::size_t end = 0;
  place_ = Place::tensor;
  for (const SafetensorsInfo& tensor : tensors) {
    entry_ = tensor.name;
    field_ = "data_offsets";
    if (tensor.begin != end) {
      fail(to_string(Shape{tensor.begin, tensor.end}),
           error_text("offsets from ", end, " on, without holes or overlap"));
    }
    end = tensor.end;
  }
  if (end != buffer_size_) {
    place_ = Place::end;
    field_.clear();
    fail(error_text("tensors of ", end, " bytes"),
         error_text("as many as follow the header, ", buffer_size_));
  }
}

}  // namespace internal

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_IO
