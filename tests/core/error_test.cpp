#include <catch2/catch.hpp>

#include <posekit/core/error.hpp>

namespace pk = posekit;

TEST_CASE("All errors can be caught as one", "[core]") {
  CHECK(pk::error_text("a ", 3, ' ', 0.5) == "a 3 0.5");
  const auto thrown_as_error = [](auto thrower) {
    try {
      thrower();
    } catch (const pk::Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(thrown_as_error([] { throw pk::ShapeError("s"); }) == "s");
  CHECK(thrown_as_error([] { throw pk::ValueError("v"); }) == "v");
  CHECK(thrown_as_error([] { throw pk::FileError("f"); }) == "f");
  CHECK(thrown_as_error([] { throw pk::GraphError("g"); }) == "g");
  CHECK(thrown_as_error([] { throw pk::Cancelled("c"); }) == "c");
}
