#include <catch2/catch.hpp>

#include <posekit/core/printable.hpp>

namespace pk = posekit;

TEST_CASE("Control characters are shown, everything else stays", "[core]") {
  CHECK(pk::printable("plain, with\nlines") == "plain, with\nlines");
  CHECK(pk::printable("\x1b[2Jred\a\r\t\x7f") == "\\x1b[2Jred\\x07\\x0d\\x09\\x7f");
  CHECK(pk::printable(std::string_view("a\0b", 3)) == "a\\x00b");
  // UTF-8 of two to four bytes.
  CHECK(pk::printable("Gr\xc3\xb6\xc3\x9f"
                      "e \xe2\x82\xac \xf0\x9f\x98\x80") ==
        "Gr\xc3\xb6\xc3\x9f"
        "e \xe2\x82\xac \xf0\x9f\x98\x80");
  // Control characters beyond ASCII, and what is no UTF-8: alone, overlong, half of a pair, cut
  // off.
  CHECK(pk::printable("\xc2\x9b"
                      "31m") ==
        "\\xc2\\x9b"
        "31m");
  CHECK(pk::printable("\x9b") == "\\x9b");
  CHECK(pk::printable("\xc0\x80") == "\\xc0\\x80");
  CHECK(pk::printable("\xe0\x80\x80") == "\\xe0\\x80\\x80");
  CHECK(pk::printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");
  CHECK(pk::printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
  CHECK(pk::printable("\xe2\x82") == "\\xe2\\x82");
  CHECK(pk::printable("") == "");
}
