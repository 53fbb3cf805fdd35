#pragma once

// NumPy's array files, format versions 1 to 3.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
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

#include <posekit/io/file.hpp>
#include <posekit/io/npy_header.hpp>
#include <posekit/io/stored_element.hpp>
#include <posekit/io/utf8.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

template <class T>
auto npy_reader(const NpyHeader& header) -> T (*)(const std::uint8_t*, bool) {
  if (header.kind == 'b') return &boolean_element<T>;
  if (header.kind == 'f') {
    if (header.width == 2) return &half_element<T>;
    return header.width == 4 ? &stored_element<T, float> : &stored_element<T, double>;
  }
  const bool is_signed = header.kind == 'i';
  switch (header.width) {
    case 1:
      return is_signed ? &stored_element<T, std::int8_t> : &stored_element<T, std::uint8_t>;
    case 2:
      return is_signed ? &stored_element<T, std::int16_t> : &stored_element<T, std::uint16_t>;
    case 4:
      return is_signed ? &stored_element<T, std::int32_t> : &stored_element<T, std::uint32_t>;
    default:
      return is_signed ? &stored_element<T, std::int64_t> : &stored_element<T, std::uint64_t>;
  }
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

template <class T>
std::string_view element_bytes(const Tensor<T>& tensor) {
  return {reinterpret_cast<const char*>(tensor.data()), tensor.size() * sizeof(T)};
}

}  // namespace internal

template <class T>
std::string npy_bytes(const Tensor<T>& tensor) {
  return internal::npy_head<T>(shape_of(tensor)).append(internal::element_bytes(tensor));
}

template <class T>
void save_npy(const std::filesystem::path& path, const Tensor<T>& tensor) {
  write_file(path, {internal::npy_head<T>(shape_of(tensor)), internal::element_bytes(tensor)});
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_IO
