#include <catch2/catch.hpp>

#include <string>

#include <posekit/io/parse_json.hpp>

namespace pk = posekit;

namespace {

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

TEST_CASE("JSON is read up to a depth that cannot hurt", "[io]") {
  const auto nested = [](std::size_t depth) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) text += i % 2 == 0 ? "[" : "{\"a\":";
    text += "1";
    for (std::size_t i = depth; i-- > 0;) text += i % 2 == 0 ? "]" : "}";
    return text;
  };
  for (const std::size_t depth : {0u, 1u, 199u, 200u}) {
    const auto value = pk::parse_json(bytes_of(nested(depth)), "x");
    const auto copy = value;
    CHECK(copy.dump() == nested(depth));
    CHECK(pk::json_depth(bytes_of(nested(depth))) == depth);
  }
  for (const std::size_t depth : {201u, 150000u}) {
    CHECK_THROWS_WITH(pk::parse_json(bytes_of(nested(depth)), "x.json"),
                      "x.json: its JSON is nested " + std::to_string(depth) +
                          " deep, expected at most 200 levels");
  }
  // Brackets in texts are none.
  const std::string text = "[\"" + std::string(300, '[') + "\\\"" + std::string(300, '{') + "\"]";
  CHECK(pk::parse_json(bytes_of(text), "x")[0].get<std::string>().size() == 601);
  for (const char* wrong : {"", "[", "]", "{]", "\"", "nul", "[1,]", "1 2"})
    CHECK_THROWS_WITH(pk::parse_json(bytes_of(wrong), "x"), "x: is not valid JSON");
}
