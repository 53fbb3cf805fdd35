#include <catch2/catch.hpp>

#include <posekit/viz/stroke_font.hpp>

namespace pk = posekit;

TEST_CASE("Every printable character has strokes on the grid", "[viz]") {
  for (int c = 32; c < 127; ++c) {
    const auto glyph = pk::stroke_glyph(static_cast<char>(c));
    INFO("character " << static_cast<char>(c));
    CHECK(glyph.width > 0);
    CHECK(glyph.strokes.empty() == (c == 32));
    std::size_t run = 0;
    for (const char s : glyph.strokes) {
      if (s == ';') {
        CHECK(run % 2 == 0);
        CHECK(run >= 4);
        run = 0;
        continue;
      }
      CHECK(((s >= '0' && s <= '9') || (s >= 'a' && s <= 'g')));
      const int value = s <= '9' ? s - '0' : s - 'a' + 10;
      if (run % 2 == 0) CHECK(value <= glyph.width);
      ++run;
    }
    CHECK(run % 2 == 0);
    if (c != 32) CHECK(run >= 4);
  }
  CHECK(pk::stroke_glyph('\x01').strokes == pk::stroke_glyph('\x7f').strokes);
  CHECK_FALSE(pk::stroke_glyph(static_cast<char>(200)).strokes.empty());
}
