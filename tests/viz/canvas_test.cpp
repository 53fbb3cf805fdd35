#include <catch2/catch.hpp>

#include <cmath>

#include <posekit/viz/canvas.hpp>

namespace pk = posekit;

namespace {

double ink(const pk::Canvas& canvas) {
  double sum = 0;
  for (std::size_t y = 0; y < canvas.height(); ++y)
    for (std::size_t x = 0; x < canvas.width(); ++x) sum += (255 - canvas.get(x, y).g) / 255.0;
  return sum;
}

}  // namespace

TEST_CASE("Lines and discs cover their area", "[viz]") {
  pk::Canvas line(60, 40);
  line.line(10, 20, 49, 20, pk::colors::black, 3);
  CHECK(ink(line) == Approx(39 * 3 + 3.14159 * 1.5 * 1.5).epsilon(0.03));
  CHECK(line.get(30, 20) == pk::colors::black);
  CHECK(line.get(30, 25) == pk::colors::white);
  pk::Canvas disc(60, 40);
  disc.disc(30, 20, 9, pk::colors::black);
  CHECK(ink(disc) == Approx(3.14159 * 81).epsilon(0.03));
  pk::Canvas ring(60, 40);
  ring.circle(30, 20, 9, pk::colors::black, 2);
  CHECK(ink(ring) == Approx(2 * 3.14159 * 9 * 2).epsilon(0.05));
  pk::Canvas area(60, 40);
  area.fill_rectangle(10, 5, 30, 15, pk::colors::black);
  CHECK(ink(area) == 200);
}

TEST_CASE("What lies outside is clipped, NaN is not drawn", "[viz]") {
  pk::Canvas canvas(20, 10);
  canvas.line(-100, 5, 200, 5, pk::colors::black, 2);
  canvas.line(-1e9, -1e9, -5e8, 1e9, pk::colors::black, 2);
  canvas.disc(-50, -50, 10, pk::colors::black);
  canvas.text(-30, 5, "outside", 8, pk::colors::black);
  canvas.fill_rectangle(-5, -5, 300, 2, pk::colors::black);
  pk::Canvas blank(20, 10);
  blank.line(std::nan(""), 1, 5, 5, pk::colors::black, 2);
  blank.circle(std::nan(""), 1, 5, pk::colors::black);
  blank.disc(1, std::nan(""), 4, pk::colors::black);
  CHECK(ink(blank) == 0);
}

TEST_CASE("Texts are as wide as they say", "[viz]") {
  CHECK(pk::Canvas::text_width("", 12) == 0);
  CHECK(pk::Canvas::text_width("mm", 12) > pk::Canvas::text_width("il", 12));
  CHECK(pk::Canvas::text_width("abc", 24) == Approx(2 * pk::Canvas::text_width("abc", 12)));
  for (const auto align : {pk::TextAlign::left, pk::TextAlign::centre, pk::TextAlign::right}) {
    pk::Canvas canvas(300, 40);
    canvas.text(150, 30, "Hxg", 20, pk::colors::black, align);
    std::size_t first = 300, last = 0;
    for (std::size_t y = 0; y < 40; ++y)
      for (std::size_t x = 0; x < 300; ++x)
        if (canvas.get(x, y).g < 128) {
          first = std::min(first, x);
          last = std::max(last, x);
        }
    const double width = pk::Canvas::text_width("Hxg", 20);
    const double begin = align == pk::TextAlign::left     ? 150
                         : align == pk::TextAlign::centre ? 150 - width / 2
                                                          : 150 - width;
    CHECK(static_cast<double>(first) == Approx(begin).margin(2.5));
    CHECK(static_cast<double>(last) == Approx(begin + width).margin(2.5));
  }
}

TEST_CASE("Pictures are enlarged by squares and shrunk by averages", "[viz]") {
  pk::Bitmap picture(2, 2, 3);
  picture.at(1, 0)[0] = 200;
  pk::Canvas canvas(20, 20);
  canvas.draw(picture, 4, 4, 5);
  CHECK(canvas.get(4, 4) == pk::Color{0, 0, 0});
  CHECK(canvas.get(9, 8) == pk::Color{200, 0, 0});
  CHECK(canvas.get(13, 9) == pk::Color{0, 0, 0});
  CHECK(canvas.get(14, 4) == pk::colors::white);
  canvas.draw(picture, 0, 0, 0.5);
  CHECK(canvas.get(0, 0) == pk::Color{50, 0, 0});
}
