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
#include <type_traits>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/shape.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/io/mapped_file.hpp>
#include <posekit/io/safetensors_header.hpp>

namespace posekit::inline POSEKIT_ISA {

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
  SafetensorsFile(std::vector<std::uint8_t> bytes, std::string name);

  /// In the order in which their elements lie in the file.
  std::vector<std::string> names() const;
  bool contains(std::string_view name) const { return index_.find(name) != index_.end(); }

  /// These throw FileError, which lists the tensors, where there is none of this name.
  const Shape& shape(std::string_view name) const { return find(name).shape; }
  SafetensorsDtype dtype(std::string_view name) const { return find(name).dtype; }

  /// What the writer has to say about the file.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  /// The elements as they stand in the file: row-major, little-endian, on no particular boundary.
  /// Valid as long as this object, or the one it is moved to. Throws FileError as `shape` does.
  std::span<const std::uint8_t> bytes(std::string_view name) const;

  /// A tensor, its elements converted to T. Between floating-point types they are rounded to the
  /// nearest; from and to integers they have to be exact; BOOL is 0 and 1. Throws FileError naming
  /// the element that does not fit, or where there is no tensor of this name.
  template <class T>
  Tensor<T> tensor(std::string_view name) const;

 private:
  static constexpr bool swap = std::endian::native == std::endian::big;

  void read(std::span<const std::uint8_t> bytes);

  const internal::SafetensorsInfo& find(std::string_view name) const;

  template <class T, float (*Value)(std::uint16_t)>
  static T widened(const std::uint8_t* bytes, bool swapped);

  template <class Stored, class T>
  void convert(const internal::SafetensorsInfo& info, Tensor<T>& result) const;
  template <class T, class Read>
  void convert(const internal::SafetensorsInfo& info, Tensor<T>& result, const Read& read) const;

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
SafetensorsEntry safetensors_entry(std::string name, Tensor<T>&& tensor);

/// A tensor that is referred to, without a copy, and has to live until it is written.
template <class T>
SafetensorsEntry safetensors_entry(std::string name, const Tensor<T>& tensor);

/// Writes a safetensors file, whole or not at all and through to the disk (see AtomicFile): the
/// tensors in the order of decreasing element size, then of their names, so that each lies on a
/// boundary of its element size. Equal tensors and metadata give equal files.
///
/// Throws ValueError where a name is used twice, reserved, no UTF-8 or holds control characters,
/// or where `bytes` do not fit shape and dtype; ShapeError for a shape that no tensor has;
/// FileError where the file cannot be written.
void save_safetensors(const std::filesystem::path& path,
                      const std::vector<SafetensorsEntry>& entries,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_IO

#include <nlohmann/json.hpp>

#include <posekit/core/half.hpp>
#include <posekit/io/atomic_file.hpp>
#include <posekit/io/stored_element.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// An element of a safetensors file as T: between floating-point types it is rounded, whatever else
/// has to be exact. Throws ValueError where it is not, or does not fit.
template <class T, class Stored>
T safetensors_element(const std::uint8_t* bytes, bool swap) {
  const T result = stored_element<T, Stored>(bytes, swap);
  if constexpr (std::is_integral_v<T> != std::is_integral_v<Stored>) {
    const Stored value = stored_element<Stored, Stored>(bytes, swap);
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

POSEKIT_INLINE SafetensorsFile::SafetensorsFile(std::vector<std::uint8_t> bytes, std::string name)
    : copy_(std::move(bytes)), name_(std::move(name)) {
  read(copy_);
}

POSEKIT_INLINE std::vector<std::string> SafetensorsFile::names() const {
  std::vector<std::string> result;
  result.reserve(tensors_.size());
  for (const auto& tensor : tensors_) result.push_back(tensor.name);
  return result;
}

POSEKIT_INLINE std::span<const std::uint8_t> SafetensorsFile::bytes(std::string_view name) const {
  const internal::SafetensorsInfo& tensor = find(name);
  return buffer_.subspan(tensor.begin, tensor.end - tensor.begin);
}

POSEKIT_INLINE void SafetensorsFile::read(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t prefix = sizeof(std::uint64_t);
  const auto fail = [&](const std::string& what) {
    throw FileError(error_text(name_, ": ", what));
  };
  if (bytes.size() < prefix) {
    fail(error_text("is no safetensors file: found ", bytes.size(),
                    " bytes, expected at least the 8 of the header's length"));
  }
  const auto length = internal::stored_element<std::uint64_t, std::uint64_t>(bytes.data(), swap);
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

POSEKIT_INLINE const internal::SafetensorsInfo& SafetensorsFile::find(std::string_view name) const {
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

POSEKIT_INLINE void save_safetensors(const std::filesystem::path& path,
                                     const std::vector<SafetensorsEntry>& entries,
                                     const std::map<std::string, std::string>& metadata) {
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
  // Appended piece by piece: g++ 12 warns wrongly of sums that begin with a literal.
  std::string header = "{";
  if (!metadata.empty()) {
    header.append(json(std::string(internal::safetensors_metadata_key))).append(":{");
    for (const auto& [key, value] : metadata) {
      if (header.back() != '{') header += ',';
      header.append(json(key)).append(":").append(json(value));
    }
    header += '}';
  }
  std::uint64_t offset = 0;
  for (const SafetensorsEntry* entry : order) {
    const std::uint64_t end = offset + entry->bytes.size();
    if (header.size() > 1) header += ',';
    header.append(json(entry->name)).append(":{\"dtype\":\"").append(to_string(entry->dtype));
    header.append("\",\"shape\":[");
    for (const std::size_t extent : entry->shape) {
      if (header.back() != '[') header += ',';
      header.append(std::to_string(extent));
    }
    header.append("],\"data_offsets\":[").append(std::to_string(offset)).append(",");
    header.append(std::to_string(end)).append("]}");
    offset = end;
  }
  header += '}';
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

template <class T>
Tensor<T> SafetensorsFile::tensor(std::string_view name) const {
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
      convert(info, result, &widened<T, bfloat16_to_float>);
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

template <class T, float (*Value)(std::uint16_t)>
T SafetensorsFile::widened(const std::uint8_t* bytes, bool swapped) {
  const float value = Value(internal::stored_element<std::uint16_t, std::uint16_t>(bytes, swapped));
  std::uint8_t raw[sizeof(float)];
  std::memcpy(raw, &value, sizeof(float));
  return internal::safetensors_element<T, float>(raw, false);
}

template <class Stored, class T>
void SafetensorsFile::convert(const internal::SafetensorsInfo& info, Tensor<T>& result) const {
  if constexpr (std::is_same_v<T, Stored> && !swap) {
    const auto stored = buffer_.subspan(info.begin, info.end - info.begin);
    if (!stored.empty()) std::memcpy(result.data(), stored.data(), stored.size());
  } else {
    convert(info, result, &internal::safetensors_element<T, Stored>);
  }
}

template <class T, class Read>
void SafetensorsFile::convert(const internal::SafetensorsInfo& info, Tensor<T>& result,
                              const Read& read) const {
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

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_IO
