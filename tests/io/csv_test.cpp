#include <catch2/catch.hpp>

#include <cmath>
#include <string>

#include <posekit/core/error.hpp>
#include <posekit/io/csv.hpp>

#include "support/mutations.hpp"

namespace pk = posekit;

TEST_CASE("Tables are read with quotes, empty cells and both line ends", "[io]") {
  const auto table =
      pk::parse_csv("a,\"b, c\",d\r\n1,\"say \"\"x\"\"\",\n\n-2.5e3,\"two\nlines\",7", "t");
  REQUIRE(table.header == std::vector<std::string>{"a", "b, c", "d"});
  REQUIRE(table.rows.size() == 2);
  CHECK(table.rows[0][1] == "say \"x\"");
  CHECK(table.rows[1][1] == "two\nlines");
  CHECK(table.number(1, table.column("a")) == -2500);
  CHECK(std::isnan(table.number(0, table.column("d"))));
  CHECK_THROWS_WITH(table.number(0, 1),
                    "t: row 1, column 'b, c' holds 'say \"x\"', expected a number");
  CHECK_THROWS_WITH(table.column("e"), "t: has no column 'e'; it has a, b, c, d");
}

TEST_CASE("Damaged tables are refused, or read", "[io]") {
  CHECK_THROWS_WITH(pk::parse_csv("", "t"), "t: is empty, expected a header");
  CHECK_THROWS_WITH(pk::parse_csv("a,b\n1,2\n3", "t"),
                    "t: line 3 has 1 fields, expected 2 as in the header");
  CHECK_THROWS_WITH(pk::parse_csv("a,\"b", "t"), "t: a quoted field is not closed");
  const std::string text = "name,x\n\"a,b\",1.5\nc,\"2\"\n";
  std::size_t read = 0, errors = 0;
  for_each_mutation(
      {text.begin(), text.end()}, 2000, 9, [&](const std::vector<std::uint8_t>& bytes) {
        try {
          const auto table =
              pk::parse_csv({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "t");
          for (std::size_t r = 0; r < table.rows.size(); ++r) {
            REQUIRE(table.rows[r].size() == table.header.size());
            (void)table.number(r, table.header.size() - 1);
          }
          ++read;
        } catch (const pk::Error&) {
          ++errors;
        }
      });
  CHECK(read > 50);
  CHECK(errors > 50);
}

TEST_CASE("What is written as a field is read again", "[io]") {
  for (const std::string text : {"plain", "a,b", "say \"x\"", "two\nlines", ""}) {
    const auto table = pk::parse_csv("h,i\n" + pk::csv_field(text) + ",1", "t");
    CHECK(table.rows.at(0).at(0) == text);
  }
  CHECK(pk::csv_field(0.1) == "0.1");
  CHECK(pk::csv_field(std::nan("")).empty());
}
