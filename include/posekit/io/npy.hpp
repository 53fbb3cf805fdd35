#pragma once

// NumPy's array files, format versions 1 to 3.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Reads an array from the bytes of an npy file; `name` stands for the file in errors. Elements of
/// any supported type are converted to T; Fortran order is turned into row-major order. Throws
/// FileError, also where it holds text (`parse_npy_texts`).
template <class T>
Tensor<T> parse_npy(std::span<const std::uint8_t> bytes, const std::string& name);

/// The texts of an array of strings, in UTF-8 and in row-major order whatever its shape. Throws
/// FileError, also where it holds numbers.
std::vector<std::string> parse_npy_texts(std::span<const std::uint8_t> bytes,
                                         const std::string& name);

/// Reads an npy file. Throws FileError naming the file and what is wrong with it.
template <class T>
Tensor<T> load_npy(const std::filesystem::path& path);

/// What an npy file of a tensor holds.
template <class T>
std::string npy_bytes(const Tensor<T>& tensor);

/// Writes an npy file, or nothing. Throws FileError.
template <class T>
void save_npy(const std::filesystem::path& path, const Tensor<T>& tensor);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_IO

#include <posekit/core/half.hpp>
#include <posekit/io/file.hpp>
#include <posekit/io/npy_header.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// The element of a file's type, as T.
template <class T, class Stored>
T npy_element(const std::uint8_t* bytes, bool swap) {
  std::uint8_t raw[sizeof(Stored)];
  std::memcpy(raw, bytes, sizeof(Stored));
  if (swap) std::reverse(std::begin(raw), std::end(raw));
  Stored value;
  std::memcpy(&value, raw, sizeof(Stored));
  if constexpr (std::is_integral_v<T> && std::is_floating_point_v<Stored>) {
    // 2^digits is exact in every floating-point type; NaN fails the comparison too.
    const Stored bound = static_cast<Stored>(std::ldexp(1.0, std::numeric_limits<T>::digits));
    const Stored least = std::is_signed_v<T> ? -bound : Stored(0);
    if (!(value >= least && value < bound)) {
      throw ValueError(
          error_text("the element ", value, " does not fit the integer type asked for"));
    }
  }
  if constexpr (std::is_integral_v<T> && std::is_integral_v<Stored>) {
    if (!std::in_range<T>(value)) {
      throw ValueError(
          error_text("the element ", +value, " does not fit the integer type asked for"));
    }
  }
  if constexpr (std::is_floating_point_v<T> && std::is_floating_point_v<Stored> &&
                sizeof(T) < sizeof(Stored)) {
    if (std::isfinite(value) &&
        std::abs(value) > static_cast<Stored>(std::numeric_limits<T>::max())) {
      throw ValueError(error_text("the element ", value, " does not fit the type asked for"));
    }
  }
  return static_cast<T>(value);
}

}  // namespace internal

namespace internal {

template <class T>
T npy_half(const std::uint8_t* bytes, bool swap) {
  const float value = half_to_float(npy_element<std::uint16_t, std::uint16_t>(bytes, swap));
  std::uint8_t raw[sizeof(float)];
  std::memcpy(raw, &value, sizeof(float));
  return npy_element<T, float>(raw, false);
}

template <class T>
T npy_bool(const std::uint8_t* bytes, bool) {
  return static_cast<T>(*bytes != 0);
}

template <class T>
auto npy_reader(const NpyHeader& header) -> T (*)(const std::uint8_t*, bool) {
  if (header.kind == 'b') return &npy_bool<T>;
  if (header.kind == 'f') {
    if (header.width == 2) return &npy_half<T>;
    return header.width == 4 ? &npy_element<T, float> : &npy_element<T, double>;
  }
  const bool is_signed = header.kind == 'i';
  switch (header.width) {
    case 1:
      return is_signed ? &npy_element<T, std::int8_t> : &npy_element<T, std::uint8_t>;
    case 2:
      return is_signed ? &npy_element<T, std::int16_t> : &npy_element<T, std::uint16_t>;
    case 4:
      return is_signed ? &npy_element<T, std::int32_t> : &npy_element<T, std::uint32_t>;
    default:
      return is_signed ? &npy_element<T, std::int64_t> : &npy_element<T, std::uint64_t>;
  }
}

template <class T>
std::string npy_descr() {
  static_assert(std::is_arithmetic_v<T>);
  const char order =
      sizeof(T) == 1 ? '|' : (std::endian::native == std::endian::little ? '<' : '>');
  char kind = 'f';
  if (std::is_same_v<T, bool>) {
    kind = 'b';
  } else if (std::is_integral_v<T>) {
    kind = std::is_signed_v<T> ? 'i' : 'u';
  }
  return std::string{order, kind} + std::to_string(sizeof(T));
}

/// Appends a character in UTF-8.
inline void append_utf8(std::string& text, std::uint32_t c) {
  const auto put = [&](std::uint32_t bits) { text += static_cast<char>(bits); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xc0 | c >> 6);
  } else {
    if (c < 0x10000) {
      put(0xe0 | c >> 12);
    } else {
      put(0xf0 | c >> 18);
      put(0x80 | (c >> 12 & 0x3f));
    }
    put(0x80 | (c >> 6 & 0x3f));
  }
  put(0x80 | (c & 0x3f));
}

}  // namespace internal

template <class T>
Tensor<T> parse_npy(std::span<const std::uint8_t> bytes, const std::string& name) {
  const internal::NpyHeader header = internal::npy_header(bytes, name);
  if (header.kind == 'U' || header.kind == 'S') {
    throw FileError(error_text(name, ": holds text, expected numbers"));
  }
  const std::size_t count = internal::npy_count(header, bytes.size(), name);
  Tensor<T> result = make_tensor<T>(header.shape);
  const auto read = internal::npy_reader<T>(header);
  const bool swap = header.big_endian == (std::endian::native == std::endian::little);
  const std::uint8_t* data = bytes.data() + header.data_offset;
  const auto element = [&](std::size_t i) {
    try {
      return read(data + i * header.width, swap);
    } catch (const ValueError& error) {
      throw FileError(error_text(name, ": ", error.what()));
    }
  };
  internal::for_each_npy_position(header, count, [&](std::size_t i, std::size_t position) {
    result.data()[position] = element(i);
  });
  return result;
}

POSEKIT_INLINE std::vector<std::string> parse_npy_texts(std::span<const std::uint8_t> bytes,
                                                        const std::string& name) {
  const internal::NpyHeader header = internal::npy_header(bytes, name);
  if (header.kind != 'U' && header.kind != 'S') {
    throw FileError(error_text(name, ": holds numbers, expected text"));
  }
  const std::size_t count = internal::npy_count(header, bytes.size(), name);
  const std::size_t unit = header.kind == 'U' ? 4 : 1;
  std::vector<std::string> texts(count);
  internal::for_each_npy_position(header, count, [&](std::size_t i, std::size_t position) {
    const std::uint8_t* data = bytes.data() + header.data_offset + i * header.width;
    std::size_t length = header.width / unit;
    const auto character = [&](std::size_t at) {
      std::uint32_t c = 0;
      for (std::size_t k = 0; k < unit; ++k) {
        c |= std::uint32_t{data[at * unit + k]} << (8 * (header.big_endian ? unit - 1 - k : k));
      }
      return c;
    };
    while (length > 0 && character(length - 1) == 0) --length;
    std::string& text = texts[position];
    for (std::size_t at = 0; at < length; ++at) {
      const std::uint32_t c = character(at);
      if (unit == 1) {
        text += static_cast<char>(c);
        continue;
      }
      if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
        throw FileError(error_text(name, ": text ", i, " has the number ", c, " for character ", at,
                                   ", which is none of Unicode's"));
      }
      internal::append_utf8(text, c);
    }
  });
  return texts;
}

template <class T>
Tensor<T> load_npy(const std::filesystem::path& path) {
  return parse_npy<T>(read_file(path), path.string());
}

namespace internal {

/// What an npy file holds before a tensor's elements (version 1, row-major).
template <class T>
std::string npy_head(const Tensor<T>& tensor) {
  std::string header = "{'descr': '" + npy_descr<T>() + "', 'fortran_order': False, 'shape': (";
  for (const std::size_t extent : tensor.shape()) header += std::to_string(extent) + ",";
  header += "), }";
  header.append(64 - (10 + header.size() + 1) % 64, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xffu);
  bytes += static_cast<char>(header.size() >> 8);
  return bytes + header;
}

template <class T>
std::string_view element_bytes(const Tensor<T>& tensor) {
  return {reinterpret_cast<const char*>(tensor.data()), tensor.size() * sizeof(T)};
}

}  // namespace internal

template <class T>
std::string npy_bytes(const Tensor<T>& tensor) {
  return internal::npy_head(tensor).append(internal::element_bytes(tensor));
}

template <class T>
void save_npy(const std::filesystem::path& path, const Tensor<T>& tensor) {
  write_file(path, {internal::npy_head(tensor), internal::element_bytes(tensor)});
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_IO
