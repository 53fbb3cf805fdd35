#pragma once

// Files of named tensors in the safetensors format: the length of a header as 8 bytes, the header
// in JSON, then the elements of the tensors, row-major and little-endian.
// https://huggingface.co/docs/safetensors

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <posekit/core/error.hpp>
#include <posekit/core/half.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/shape.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/io/atomic_file.hpp>
#include <posekit/io/mapped_file.hpp>
#include <posekit/io/npy.hpp>

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

namespace internal {

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

/// As the file spells it: "F32".
inline std::string to_string(SafetensorsDtype dtype) {
  return internal::safetensors_dtype(dtype).name;
}

/// The bytes of an element.
inline std::size_t element_size(SafetensorsDtype dtype) {
  return internal::safetensors_dtype(dtype).width;
}

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

inline constexpr std::size_t safetensors_header_limit = 100'000'000;  // the format's own
inline constexpr std::size_t safetensors_rank_limit = 64;
inline constexpr std::string_view safetensors_metadata_key = "__metadata__";

/// The value of a number that has the upper half of a float's bits. Exact.
constexpr float bfloat16_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

inline bool is_control_character(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

/// Text from a file as an error shows it: short, on one line, in quotes.
inline std::string in_quotes(std::string_view text) {
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

/// What the header says of one tensor. Offsets count from the end of the header.
struct SafetensorsInfo {
  std::string name;
  SafetensorsDtype dtype = SafetensorsDtype::f32;
  Shape shape;
  std::size_t begin = 0, end = 0;
};

/// Receives the header of a safetensors file from the JSON parser piece by piece. It goes three
/// levels deep at most: whatever does not belong where it stands ends the reading.
class SafetensorsHeaderReader {
 public:
  using Json = nlohmann::json;

  SafetensorsHeaderReader(std::string_view text, std::size_t buffer_size, const std::string& name)
      : buffer_size_(buffer_size), name_(name) {
    // The parser would take a zero byte for the end.
    const std::size_t zero = text.find('\0');
    if (zero != std::string_view::npos) not_json(zero);
    // It would also pass over a byte order mark, and space.
    if (!text.starts_with('{')) not_json(0);
    Json::sax_parse(text.begin(), text.end(), this);
    check_layout();
  }

  /// In the order of their offsets.
  std::vector<SafetensorsInfo> tensors;
  std::map<std::string, std::string> metadata;

  bool null() { return unexpected("null"); }
  bool boolean(bool value) { return unexpected(value ? "true" : "false"); }
  bool number_integer(std::int64_t value) { return unexpected(std::to_string(value)); }
  bool number_unsigned(std::uint64_t value) {
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
  bool number_float(double, const std::string& text) { return unexpected(in_quotes(text)); }
  bool string(std::string& value) {
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
  bool binary(Json::binary_t&) { return unexpected("bytes"); }

  bool start_object(std::size_t) {
    if (place_ == Place::start) {
      place_ = Place::header;
    } else if (place_ == Place::header) {
      place_ = entry_ == safetensors_metadata_key ? Place::metadata : Place::tensor;
    } else {
      return unexpected("an object");
    }
    return true;
  }
  bool key(std::string& key) {
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
  bool end_object() {
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
  bool start_array(std::size_t) {
    if (place_ != Place::tensor || field_ == "dtype") return unexpected("an array");
    place_ = Place::list;
    list_.clear();
    return true;
  }
  bool end_array() {
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
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) {
    not_json(position == 0 ? 0 : position - 1);
  }

 private:
  enum class Place { start, header, metadata, tensor, list, end };

  [[noreturn]] void fail(const std::string& found, const std::string& wanted) const {
    std::string where;
    if (place_ == Place::header || place_ == Place::metadata)
      where = ", entry " + in_quotes(entry_);
    if (place_ == Place::tensor || place_ == Place::list) where = ", tensor " + in_quotes(entry_);
    if (!field_.empty()) where += ", field " + in_quotes(field_);
    throw FileError(
        error_text(name_, ": the header", where, ": found ", found, ", expected ", wanted));
  }
  [[noreturn]] void not_json(std::size_t position) const {
    throw FileError(
        error_text(name_, ": the header: found something that is no JSON at byte ",
                   sizeof(std::uint64_t) + position,
                   " of the file, expected a JSON object of tensors, beginning with {"));
  }
  bool unexpected(const std::string& found) const { fail(found, expected()); }
  /// What belongs where the parser is.
  std::string expected() const {
    if (place_ == Place::metadata) return "text";
    if (place_ == Place::header) {
      return entry_ == safetensors_metadata_key ? "an object of texts"
                                                : "an object of dtype, shape and data_offsets";
    }
    if (field_ == "dtype") {
      std::string all;
      for (const auto& dtype : safetensors_dtypes)
        all += (all.empty() ? "" : ", ") + std::string(dtype.name);
      return "one of " + all;
    }
    if (place_ == Place::list) return "a whole number that is not negative";
    if (field_ == "shape") return "an array of extents";
    if (field_ == "data_offsets") return "an array of two offsets";
    return "a JSON object of tensors";
  }

  void check_tensor(const SafetensorsInfo& tensor) {
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
      fail(to_string(offsets),
           error_text("offsets ", bytes, " bytes apart, for shape ", to_string(tensor.shape),
                      " of ", to_string(tensor.dtype)));
    }
  }
  /// The tensors fill the rest of the file, one after the other.
  void check_layout() {
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

  std::size_t buffer_size_;
  const std::string& name_;
  Place place_ = Place::start;
  std::string entry_, field_;
  std::vector<std::string> fields_;  // of the tensor being read
  std::set<std::string> entries_;
  Shape list_;
};

/// An element of a safetensors file as T: between floating-point types it is rounded, whatever else
/// has to be exact. Throws ValueError where it is not, or does not fit.
template <class T, class Stored>
T safetensors_element(const std::uint8_t* bytes, bool swap) {
  const T result = npy_element<T, Stored>(bytes, swap);
  if constexpr (std::is_integral_v<T> != std::is_integral_v<Stored>) {
    const Stored value = npy_element<Stored, Stored>(bytes, swap);
    bool exact = false;
    if constexpr (std::is_integral_v<T>) {
      exact = static_cast<Stored>(result) == value;
    } else {
      const std::uint64_t magnitude =
          value < 0 ? ~static_cast<std::uint64_t>(value) + 1 : static_cast<std::uint64_t>(value);
      // From the first to the last bit that is set.
      const int digits = static_cast<int>(std::bit_width(magnitude)) - std::countr_zero(magnitude);
      exact = magnitude == 0 || digits <= std::numeric_limits<T>::digits;
    }
    if (!exact) {
      throw ValueError(error_text("the element ", +value, " has no exact value of this type"));
    }
  }
  return result;
}

}  // namespace internal

/// The tensors of a safetensors file. The header is read and checked at once; elements are read
/// when they are asked for, straight from the mapped file. Its file must not be made shorter in
/// place meanwhile, see MappedFile.
class SafetensorsFile {
 public:
  /// Throws FileError naming the file and what is wrong with it. Everything that the header says
  /// is checked; in particular the tensors have to fill the file without holes or overlap.
  explicit SafetensorsFile(const std::filesystem::path& path) : map_(path), name_(path.string()) {
    read(map_.bytes());
  }
  /// From the bytes of a file; `name` stands for it in errors.
  SafetensorsFile(std::vector<std::uint8_t> bytes, std::string name)
      : copy_(std::move(bytes)), name_(std::move(name)) {
    read(copy_);
  }

  /// In the order in which their elements lie in the file.
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    result.reserve(tensors_.size());
    for (const auto& tensor : tensors_) result.push_back(tensor.name);
    return result;
  }
  bool contains(std::string_view name) const { return index_.find(name) != index_.end(); }

  /// These throw FileError, which lists the tensors, where there is none of this name.
  const Shape& shape(std::string_view name) const { return find(name).shape; }
  SafetensorsDtype dtype(std::string_view name) const { return find(name).dtype; }

  /// What the writer has to say about the file.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  /// The elements as they stand in the file: row-major, little-endian, on no particular boundary.
  /// Valid as long as this object, or the one it is moved to. Throws FileError as `shape` does.
  std::span<const std::uint8_t> bytes(std::string_view name) const {
    const internal::SafetensorsInfo& tensor = find(name);
    return buffer_.subspan(tensor.begin, tensor.end - tensor.begin);
  }

  /// A tensor, its elements converted to T. Between floating-point types they are rounded to the
  /// nearest; from and to integers they have to be exact; BOOL is 0 and 1. Throws FileError naming
  /// the element that does not fit, or where there is no tensor of this name.
  template <class T>
  Tensor<T> tensor(std::string_view name) const {
    static_assert(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>,
                  "SafetensorsFile::tensor: T is a number; read BOOL as std::uint8_t");
    const internal::SafetensorsInfo& info = find(name);
    Tensor<T> result = make_tensor<T>(info.shape);
    using enum SafetensorsDtype;
    switch (info.dtype) {
      case boolean:
        convert(info, result, [](const std::uint8_t* bytes, bool) {
          if (*bytes > 1) throw ValueError(error_text("the element ", +*bytes, " is not 0 or 1"));
          return static_cast<T>(*bytes);
        });
        break;
      case f16:
        convert(info, result, &widened<T, half_to_float>);
        break;
      case bf16:
        convert(info, result, &widened<T, internal::bfloat16_to_float>);
        break;
      case u8:
        convert<std::uint8_t>(info, result);
        break;
      case i8:
        convert<std::int8_t>(info, result);
        break;
      case u16:
        convert<std::uint16_t>(info, result);
        break;
      case i16:
        convert<std::int16_t>(info, result);
        break;
      case u32:
        convert<std::uint32_t>(info, result);
        break;
      case i32:
        convert<std::int32_t>(info, result);
        break;
      case f32:
        convert<float>(info, result);
        break;
      case u64:
        convert<std::uint64_t>(info, result);
        break;
      case i64:
        convert<std::int64_t>(info, result);
        break;
      case f64:
        convert<double>(info, result);
        break;
    }
    return result;
  }

 private:
  static constexpr bool swap = std::endian::native == std::endian::big;

  void read(std::span<const std::uint8_t> bytes) {
    constexpr std::size_t prefix = sizeof(std::uint64_t);
    const auto fail = [&](const std::string& what) {
      throw FileError(error_text(name_, ": ", what));
    };
    if (bytes.size() < prefix) {
      fail(error_text("is no safetensors file: found ", bytes.size(),
                      " bytes, expected at least the 8 of the header's length"));
    }
    const auto length = internal::npy_element<std::uint64_t, std::uint64_t>(bytes.data(), swap);
    if (length > internal::safetensors_header_limit) {
      fail(error_text("is no safetensors file: the length of the header: found ", length,
                      " bytes, expected at most ", internal::safetensors_header_limit));
    }
    if (length > bytes.size() - prefix) {
      fail(error_text("is truncated: the length of the header: found ", length,
                      " bytes, expected at most the ", bytes.size() - prefix, " that follow it"));
    }
    const auto header = bytes.subspan(prefix, static_cast<std::size_t>(length));
    buffer_ = bytes.subspan(prefix + header.size());
    internal::SafetensorsHeaderReader reader(
        {reinterpret_cast<const char*>(header.data()), header.size()}, buffer_.size(), name_);
    tensors_ = std::move(reader.tensors);
    metadata_ = std::move(reader.metadata);
    for (std::size_t i = 0; i < tensors_.size(); ++i) index_.emplace(tensors_[i].name, i);
  }

  const internal::SafetensorsInfo& find(std::string_view name) const {
    const auto found = index_.find(name);
    if (found != index_.end()) return tensors_[found->second];
    constexpr std::size_t limit = 100;
    std::string all;
    for (std::size_t i = 0; i < tensors_.size() && i < limit; ++i) {
      all += (i == 0 ? "" : ", ") + internal::in_quotes(tensors_[i].name);
    }
    if (tensors_.size() > limit) all += error_text(" and ", tensors_.size() - limit, " more");
    throw FileError(error_text(name_, ": has no tensor ", internal::in_quotes(name), "; it has ",
                               all.empty() ? "none" : all));
  }

  template <class T, float (*Value)(std::uint16_t)>
  static T widened(const std::uint8_t* bytes, bool swapped) {
    const float value = Value(internal::npy_element<std::uint16_t, std::uint16_t>(bytes, swapped));
    std::uint8_t raw[sizeof(float)];
    std::memcpy(raw, &value, sizeof(float));
    return internal::safetensors_element<T, float>(raw, false);
  }

  template <class Stored, class T>
  void convert(const internal::SafetensorsInfo& info, Tensor<T>& result) const {
    if constexpr (std::is_same_v<T, Stored> && !swap) {
      const auto stored = buffer_.subspan(info.begin, info.end - info.begin);
      if (!stored.empty()) std::memcpy(result.data(), stored.data(), stored.size());
    } else {
      convert(info, result, &internal::safetensors_element<T, Stored>);
    }
  }
  template <class T, class Read>
  void convert(const internal::SafetensorsInfo& info, Tensor<T>& result, const Read& read) const {
    const std::uint8_t* stored = buffer_.data() + info.begin;
    const std::size_t width = element_size(info.dtype), count = result.size();
    T* const elements = result.data();
    std::size_t i = 0;
    try {
      for (; i < count; ++i) elements[i] = read(stored + i * width, swap);
    } catch (const ValueError& error) {
      throw FileError(error_text(
          name_, ", tensor ", internal::in_quotes(info.name), ", ", to_string(info.dtype),
          " read as ", to_string(safetensors_dtype_of<T>()), ": element ", i, ": ", error.what()));
    }
  }

  MappedFile map_;
  std::vector<std::uint8_t> copy_;
  std::string name_;
  std::span<const std::uint8_t> buffer_;
  std::vector<internal::SafetensorsInfo> tensors_;
  std::map<std::string, std::size_t, std::less<>> index_;
  std::map<std::string, std::string> metadata_;
};

/// A tensor to be written into a safetensors file.
struct SafetensorsEntry {
  std::string name;  ///< UTF-8 without control characters
  SafetensorsDtype dtype = SafetensorsDtype::f32;
  Shape shape;
  std::span<const std::uint8_t> bytes;  ///< the elements, row-major, little-endian
  std::shared_ptr<const void> owner;    ///< of the bytes, where the caller is not
};

/// A tensor that is kept by the entry until it is written.
template <class T>
SafetensorsEntry safetensors_entry(std::string name, Tensor<T>&& tensor) {
  if constexpr (std::endian::native == std::endian::big) {
    auto* bytes = reinterpret_cast<std::uint8_t*>(tensor.data());
    for (std::size_t i = 0; i < tensor.size(); ++i, bytes += sizeof(T)) {
      std::reverse(bytes, bytes + sizeof(T));
    }
  }
  const auto kept = std::make_shared<const Tensor<T>>(std::move(tensor));
  return {std::move(name),
          safetensors_dtype_of<T>(),
          shape_of(*kept),
          {reinterpret_cast<const std::uint8_t*>(kept->data()), kept->size() * sizeof(T)},
          kept};
}

/// A tensor that is referred to, without a copy, and has to live until it is written.
template <class T>
SafetensorsEntry safetensors_entry(std::string name, const Tensor<T>& tensor) {
  if constexpr (std::endian::native == std::endian::big) {
    return safetensors_entry(std::move(name), Tensor<T>(tensor));
  } else {
    return {std::move(name),
            safetensors_dtype_of<T>(),
            shape_of(tensor),
            {reinterpret_cast<const std::uint8_t*>(tensor.data()), tensor.size() * sizeof(T)},
            nullptr};
  }
}

/// Writes a safetensors file, whole or not at all and through to the disk (see AtomicFile): the
/// tensors in the order of decreasing element size, then of their names, so that each lies on a
/// boundary of its element size. Equal tensors and metadata give equal files.
///
/// Throws ValueError where a name is used twice, reserved, no UTF-8 or holds control characters,
/// or where `bytes` do not fit shape and dtype; ShapeError for a shape that no tensor has;
/// FileError where the file cannot be written.
inline void save_safetensors(const std::filesystem::path& path,
                             const std::vector<SafetensorsEntry>& entries,
                             const std::map<std::string, std::string>& metadata = {}) {
  const std::string where = error_text("save_safetensors: ", path.string(), ": ");
  const auto fail = [&](const auto&... what) { throw ValueError(error_text(where, what...)); };
  std::set<std::string_view> names;
  std::vector<const SafetensorsEntry*> order;
  for (const SafetensorsEntry& entry : entries) {
    const std::string tensor = "tensor " + internal::in_quotes(entry.name);
    if (entry.name == internal::safetensors_metadata_key) fail(tensor, " has a reserved name");
    if (std::any_of(entry.name.begin(), entry.name.end(), internal::is_control_character)) {
      fail(tensor, " has a name with control characters");
    }
    if (!names.insert(entry.name).second) fail(tensor, " is given twice");
    if (entry.shape.size() > internal::safetensors_rank_limit) {
      fail(tensor, " has ", entry.shape.size(), " axes, expected at most ",
           internal::safetensors_rank_limit);
    }
    std::size_t count = 0;
    try {
      count = element_count(entry.shape);
    } catch (const ShapeError& error) {
      throw ShapeError(error_text(where, tensor, ": ", error.what()));
    }
    const std::size_t expected = count * element_size(entry.dtype);
    if (entry.bytes.size() != expected) {
      fail(tensor, " has ", entry.bytes.size(), " bytes, expected ", expected, " for shape ",
           to_string(entry.shape), " of ", to_string(entry.dtype));
    }
    order.push_back(&entry);
  }
  std::sort(order.begin(), order.end(), [](const SafetensorsEntry* a, const SafetensorsEntry* b) {
    const std::size_t size_a = element_size(a->dtype), size_b = element_size(b->dtype);
    return size_a != size_b ? size_a > size_b : a->name < b->name;
  });

  const auto json = [&](const std::string& text) {
    try {
      return nlohmann::json(text).dump();
    } catch (const nlohmann::json::type_error&) {
      throw ValueError(error_text(where, "the text ", internal::in_quotes(text), " is not UTF-8"));
    }
  };
  std::string header;
  for (const auto& [key, value] : metadata) {
    header += (header.empty() ? "" : ",") + json(key) + ":" + json(value);
  }
  if (!header.empty()) {
    header = json(std::string(internal::safetensors_metadata_key)) + ":{" + header + "}";
  }
  std::uint64_t offset = 0;
  for (const SafetensorsEntry* entry : order) {
    std::string extents;
    for (const std::size_t extent : entry->shape) {
      extents += (extents.empty() ? "" : ",") + std::to_string(extent);
    }
    const std::uint64_t end = offset + entry->bytes.size();
    header += (header.empty() ? "" : ",") + json(entry->name) + ":{\"dtype\":\"" +
              to_string(entry->dtype) + "\",\"shape\":[" + extents + "],\"data_offsets\":[" +
              std::to_string(offset) + "," + std::to_string(end) + "]}";
    offset = end;
  }
  header = "{" + header + "}";
  header.append((8 - header.size() % 8) % 8, ' ');
  if (header.size() > internal::safetensors_header_limit) {
    fail("the header has ", header.size(), " bytes, expected at most ",
         internal::safetensors_header_limit);
  }
  std::array<std::uint8_t, sizeof(std::uint64_t)> length{};
  for (std::size_t i = 0; i < length.size(); ++i) {
    length[i] = static_cast<std::uint8_t>(std::uint64_t{header.size()} >> (8 * i) & 0xffu);
  }

  AtomicFile file(path);
  file.write(length);
  file.write(header);
  for (const SafetensorsEntry* entry : order) file.write(entry->bytes);
  file.commit();
}

}  // namespace posekit::inline POSEKIT_ISA
