#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <vector>

#include <posekit/core/error.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The extents of a tensor, outermost first.
using Shape = std::vector<std::size_t>;

/// "[8, 17, 64]"
template <class Extents>
std::string to_string(const Extents& shape) {
  std::string text = "[";
  bool first = true;
  for (const auto extent : shape) {
    if (!first) text += ", ";
    text += std::to_string(extent);
    first = false;
  }
  return text + "]";
}

/// The number of elements of a tensor of this shape (1 for rank 0).
/// Throws ShapeError when the product does not fit the address space.
template <class Extents>
std::size_t element_count(const Extents& shape) {
  // Strides are signed in xtensor, and no element is larger than 16 bytes.
  constexpr auto limit = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / 16;
  std::size_t count = 1;
  bool empty = false;
  for (const auto extent : shape) {
    const auto n = static_cast<std::size_t>(extent);
    // Strides are computed for empty tensors too.
    if (n == 0) {
      empty = true;
      continue;
    }
    if (count > limit / n) throw ShapeError("shape " + to_string(shape) + " has too many elements");
    count *= n;
  }
  return empty ? 0 : count;
}

/// The number of elements that the axes [begin, end) of a shape span.
inline std::size_t element_count(const Shape& shape, std::size_t begin, std::size_t end) {
  return element_count(Shape(shape.begin() + static_cast<std::ptrdiff_t>(begin),
                             shape.begin() + static_cast<std::ptrdiff_t>(end)));
}

/// The sum of sizes. Throws ShapeError, which begins with `function`, where it does not fit.
inline std::size_t add_sizes(const char* function, std::initializer_list<std::size_t> sizes) {
  std::size_t sum = 0;
  for (const std::size_t size : sizes) {
    if (size > std::numeric_limits<std::size_t>::max() - sum) {
      throw ShapeError(error_text(function, ": ", sum, " + ", size, " is too large for a size"));
    }
    sum += size;
  }
  return sum;
}

/// The product of sizes. Throws ShapeError, which begins with `function`, where it does not fit.
inline std::size_t multiply_sizes(const char* function, std::size_t a, std::size_t b) {
  if (a != 0 && b > std::numeric_limits<std::size_t>::max() / a) {
    throw ShapeError(error_text(function, ": ", a, " x ", b, " is too large for a size"));
  }
  return a * b;
}

/// Turns an axis counted from the end (-1 is the last) into one counted from the front.
inline std::size_t normalize_axis(std::ptrdiff_t axis, std::size_t rank, const char* function) {
  const auto signed_rank = static_cast<std::ptrdiff_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank) {
    throw ShapeError(error_text(function, ": axis ", axis, " is outside a tensor of rank ", rank));
  }
  return static_cast<std::size_t>(axis < 0 ? axis + signed_rank : axis);
}

/// The shape two operands broadcast to, by NumPy's rule. Throws ShapeError when they do not.
inline Shape broadcast_shapes(const Shape& a, const Shape& b, const char* function) {
  Shape result(std::max(a.size(), b.size()), 1);
  for (std::size_t i = 0; i < result.size(); ++i) {
    const std::size_t extent_a = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::size_t extent_b = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (extent_a != extent_b && extent_a != 1 && extent_b != 1) {
      throw ShapeError(error_text(function, ": shapes ", to_string(a), " and ", to_string(b),
                                  " do not broadcast"));
    }
    result[result.size() - 1 - i] = extent_a == 1 ? extent_b : extent_a;
  }
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA
