#pragma once

// What stands before the elements of NumPy's array files, format versions 1 to 3: their type, shape
// and order.

#include <algorithm>
#include <bit>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/shape.hpp>

namespace posekit::inline POSEKIT_ISA::internal {

struct NpyHeader {
  char kind = 0;          // 'b' bool, 'i', 'u', 'f'; 'U' and 'S': text
  std::size_t width = 0;  // bytes of an element
  bool big_endian = false;
  bool fortran_order = false;
  Shape shape;
  std::size_t data_offset = 0;
};

NpyHeader npy_header(std::span<const std::uint8_t> bytes, const std::string& name);

/// The number of elements, where the file has their bytes. Throws FileError.
std::size_t npy_count(const NpyHeader& header, std::size_t size, const std::string& name);

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

}  // namespace posekit::inline POSEKIT_ISA::internal

#if POSEKIT_DEFINES_IO

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA::internal {

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

POSEKIT_INLINE NpyHeader npy_header(std::span<const std::uint8_t> bytes, const std::string& name) {
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

POSEKIT_INLINE std::size_t npy_count(const NpyHeader& header, std::size_t size,
                                     const std::string& name) {
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

/// How NumPy names the type T.
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

/// What an npy file holds before the elements of a tensor of T (version 1, row-major).
template <class T>
std::string npy_head(const Shape& shape) {
  std::string header = "{'descr': '" + npy_descr<T>() + "', 'fortran_order': False, 'shape': (";
  for (const std::size_t extent : shape) header += std::to_string(extent) + ",";
  header += "), }";
  header.append(64 - (10 + header.size() + 1) % 64, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xffu);
  bytes += static_cast<char>(header.size() >> 8);
  return bytes + header;
}

}  // namespace posekit::inline POSEKIT_ISA::internal

#endif  // POSEKIT_DEFINES_IO
