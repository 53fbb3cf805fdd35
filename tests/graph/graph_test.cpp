#include <catch2/catch.hpp>

#include <posekit/graph/graph.hpp>

namespace pk = posekit;

TEST_CASE("Names may carry the number of an output", "[graph]") {
  const auto check = [](const char* text, const char* node, std::size_t index) {
    const auto output = pk::parse_node_output(text);
    CHECK(output.node == node);
    CHECK(output.index == index);
  };
  check("a/b", "a/b", 0);
  check("a/b:0", "a/b", 0);
  check("unstack:13", "unstack", 13);
  check("odd:", "odd:", 0);
  check("scope:name", "scope:name", 0);
  check("a:99999999999", "a:99999999999", 0);
  check(":1", "", 1);
  check("", "", 0);
}
