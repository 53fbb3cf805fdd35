#pragma once

// NumPy's array files, format versions 1 to 3.

#include <algorithm>
#include <bit>
#include <cctype>
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

#include <posekit/core/half.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/io/file.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

struct NpyHeader {
  char kind = 0;          // 'b' bool, 'i', 'u', 'f'; 'U' and 'S': text
  std::size_t width = 0;  // bytes of an element
  bool big_endian = false;
  bool fortran_order = false;
  Shape shape;
  std::size_t data_offset = 0;
};

/// Reads the few forms of Python's literals that NumPy writes into a header.
class NpyHeaderParser {
 public:
  NpyHeaderParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  NpyHeader parse() {
    NpyHeader header;
    bool has_descr = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr") {
        descr(string(), header);
        has_descr = true;
      } else if (key == "fortran_order") {
        header.fortran_order = boolean();
        has_order = true;
      } else if (key == "shape") {
        header.shape = tuple();
        has_shape = true;
      } else {
        fail("has an unknown key '" + key + "'");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (!has_descr || !has_order || !has_shape) fail("lacks 'descr', 'fortran_order' or 'shape'");
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw FileError(error_text(name_, ": the npy header ", what, " (", text_.substr(0, 120), ")"));
  }
  void skip_space() {
    while (at_ < text_.size() && (std::isspace(static_cast<unsigned char>(text_[at_])) != 0)) ++at_;
  }
  bool accept(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(error_text("has no '", c, "' where one is expected"));
  }
  std::string string() {
    skip_space();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) {
      fail("has no string where one is expected (structured types are not supported)");
    }
    const char quote = text_[at_++];
    const std::size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) fail("has an unfinished string");
    std::string result(text_.substr(at_, end - at_));
    at_ = end + 1;
    return result;
  }
  bool boolean() {
    skip_space();
    for (const auto& [word, value] :
         {std::pair<std::string_view, bool>{"True", true}, {"False", false}}) {
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        return value;
      }
    }
    fail("has no True or False where one is expected");
  }
  Shape tuple() {
    Shape shape;
    expect('(');
    while (!accept(')')) {
      skip_space();
      std::size_t value = 0;
      const std::size_t begin = at_;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
        const auto digit = static_cast<std::size_t>(text_[at_++] - '0');
        if (value > (std::numeric_limits<std::size_t>::max() - digit) / 10)
          fail("has a huge extent");
        value = value * 10 + digit;
      }
      if (at_ == begin) fail("has an extent that is no number");
      if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // Python 2
      shape.push_back(value);
      if (shape.size() > 64) fail("has more than 64 axes");
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return shape;
  }
  void descr(const std::string& text, NpyHeader& header) const {
    if (text.size() < 3 || std::string_view("<>|=").find(text[0]) == std::string_view::npos) {
      fail("has an unsupported type '" + text + "'");
    }
    header.big_endian =
        text[0] == '>' || (text[0] == '=' && std::endian::native == std::endian::big);
    header.kind = text[1];
    const std::string digits = text.substr(2);
    const bool known = (header.kind == 'b' && digits == "1") ||
                       ((header.kind == 'i' || header.kind == 'u') &&
                        (digits == "1" || digits == "2" || digits == "4" || digits == "8")) ||
                       (header.kind == 'f' && (digits == "2" || digits == "4" || digits == "8"));
    const bool is_text = (header.kind == 'U' || header.kind == 'S') && digits.size() <= 6 &&
                         digits.find_first_not_of("0123456789") == std::string::npos;
    if (is_text) {
      for (const char c : digits)
        header.width = header.width * 10 + static_cast<std::size_t>(c - '0');
      if (header.kind == 'U') header.width *= 4;
      return;
    }
    if (!known) {
      fail("has an unsupported type '" + text +
           "'; bool, int8-64, uint8-64, float16-64 and text are supported");
    }
    header.width = static_cast<std::size_t>(digits[0] - '0');
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
};

inline NpyHeader npy_header(std::span<const std::uint8_t> bytes, const std::string& name) {
  static constexpr std::uint8_t magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
  if (bytes.size() < 10 || !std::equal(std::begin(magic), std::end(magic), bytes.begin())) {
    throw FileError(error_text(name, ": is not an npy file (it does not begin with \\x93NUMPY)"));
  }
  const unsigned version = bytes[6];
  if (version < 1 || version > 3) {
    throw FileError(error_text(name, ": has npy format version ", version, ", expected 1 to 3"));
  }
  const std::size_t prefix = version == 1 ? 10 : 12;
  if (bytes.size() < prefix) throw FileError(error_text(name, ": is truncated in the npy header"));
  std::size_t length = bytes[8] | std::size_t{bytes[9]} << 8;
  if (version > 1) length |= std::size_t{bytes[10]} << 16 | std::size_t{bytes[11]} << 24;
  if (length > bytes.size() - prefix) {
    throw FileError(error_text(name, ": is truncated: the npy header has ", length,
                               " bytes, the file only ", bytes.size() - prefix,
                               " after its start"));
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + prefix, length);
  NpyHeader header = NpyHeaderParser(text, name).parse();
  header.data_offset = prefix + length;
  return header;
}

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

}  // namespace internal

namespace internal {

/// The number of elements, where the file has their bytes. Throws FileError.
inline std::size_t npy_count(const NpyHeader& header, std::size_t size, const std::string& name) {
  std::size_t count = 0;
  try {
    count = element_count(header.shape);
  } catch (const ShapeError& error) {
    throw FileError(error_text(name, ": ", error.what()));
  }
  const std::size_t available = size - header.data_offset;
  if (header.width == 0 ? count > (std::size_t{1} << 20) : count > available / header.width) {
    throw FileError(error_text(name, ": is truncated: shape ", to_string(header.shape), " needs ",
                               count, " elements of ", header.width, " bytes, the file has ",
                               available, " bytes of data"));
  }
  return count;
}

/// The position in row-major order of each element in the file's order.
template <class F>
void for_each_npy_position(const NpyHeader& header, std::size_t count, const F& f) {
  if (!header.fortran_order) {
    for (std::size_t i = 0; i < count; ++i) f(i, i);
    return;
  }
  Shape index(header.shape.size(), 0);
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t position = 0;
    for (std::size_t axis = 0; axis < index.size(); ++axis) {
      position = position * header.shape[axis] + index[axis];
    }
    f(i, position);
    for (std::size_t axis = 0; axis < index.size() && ++index[axis] == header.shape[axis]; ++axis) {
      index[axis] = 0;
    }
  }
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

/// Reads an array from the bytes of an npy file; `name` stands for the file in errors. Elements of
/// any supported type are converted to T; Fortran order is turned into row-major order. Throws
/// FileError, also where it holds text (`parse_npy_texts`).
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

/// The texts of an array of strings, in UTF-8 and in row-major order whatever its shape. Throws
/// FileError, also where it holds numbers.
inline std::vector<std::string> parse_npy_texts(std::span<const std::uint8_t> bytes,
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

/// Reads an npy file. Throws FileError naming the file and what is wrong with it.
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

/// What an npy file of a tensor holds.
template <class T>
std::string npy_bytes(const Tensor<T>& tensor) {
  return internal::npy_head(tensor).append(internal::element_bytes(tensor));
}

/// Writes an npy file, or nothing. Throws FileError.
template <class T>
void save_npy(const std::filesystem::path& path, const Tensor<T>& tensor) {
  write_file(path, {internal::npy_head(tensor), internal::element_bytes(tensor)});
}

}  // namespace posekit::inline POSEKIT_ISA
