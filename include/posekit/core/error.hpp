#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

#include <posekit/core/isa.hpp>

namespace posekit {

/// The root of everything posekit throws. The text names the function, the argument, what came and
/// what was expected.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A tensor has a rank or an extent that the function cannot take.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// An argument has the right type and shape, but a value that makes no sense (NaN, negative,
/// empty).
class ValueError : public Error {
 public:
  using Error::Error;
};

/// A file is missing, unreadable, truncated, malformed, or cannot be written.
class FileError : public Error {
 public:
  using Error::Error;
};

/// A network refers to something that does not exist or that posekit cannot compute.
class GraphError : public Error {
 public:
  using Error::Error;
};

/// The caller's progress callback asked to stop.
class Cancelled : public Error {
 public:
  using Error::Error;
};

}  // namespace posekit

namespace posekit::inline POSEKIT_ISA {

/// The text of an error: everything that can be streamed, one after the other.
template <class... Parts>
std::string error_text(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

}  // namespace posekit::inline POSEKIT_ISA
