#include <catch2/catch.hpp>

#include <posekit/core/listed.hpp>

namespace pk = posekit;

TEST_CASE("Items are listed with something between them", "[core]") {
  std::string list;
  pk::append_listed(list, "a");
  CHECK(list == "a");
  pk::append_listed(list, "b");
  pk::append_listed(list, "", "; ");
  pk::append_listed(list, "c", " nor ");
  CHECK(list == "a, b;  nor c");
}
