#include <catch2/catch.hpp>

#include <string>

#include <posekit/io/utf8.hpp>

namespace pk = posekit;

TEST_CASE("Characters of one to four bytes", "[io]") {
  std::string text;
  for (const std::uint32_t c : {0x41u, 0x7fu, 0x80u, 0xe9u, 0x7ffu, 0x800u, 0x20acu, 0xffffu,
                                0x10000u, 0x1f9b4u, 0x10ffffu}) {
    pk::internal::append_utf8(text, c);
  }
  CHECK(text ==
        "A\x7f\xc2\x80\xc3\xa9\xdf\xbf\xe0\xa0\x80\xe2\x82\xac\xef\xbf\xbf"
        "\xf0\x90\x80\x80\xf0\x9f\xa6\xb4\xf4\x8f\xbf\xbf");
}
