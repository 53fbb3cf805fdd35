#include <catch2/catch.hpp>

#include <vector>

#include <posekit/io/image.hpp>
#include <posekit/io/jpeg.hpp>

namespace pk = posekit;

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

/// A segment that defines Huffman tables.
Bytes huffman_segment(const Bytes& content) {
  const std::size_t length = content.size() + 2;
  return joined({{0xff, 0xc4, static_cast<std::uint8_t>(length >> 8),
                  static_cast<std::uint8_t>(length & 255)},
                 content});
}

/// A Huffman table with so many codes of each length; its symbols are 0.
Bytes table(const Bytes& codes, std::size_t symbols) {
  return joined({{0x10}, codes, Bytes(symbols)});
}

const Bytes start{0xff, 0xd8};
const Bytes scan{0xff, 0xda, 0, 3,    7,    1, 2,
                 0xff, 0x00, 3, 0xff, 0xd1, 4};  // coded pixels, a restart

}  // namespace

TEST_CASE("Segments are found in a header, between scans and behind padding", "[io]") {
  const Bytes file = joined({start,
                             {0xff, 0xe0, 0, 4, 1, 2},
                             {9, 9},
                             {0xff, 0xff, 0xfe, 0, 2},
                             scan,
                             huffman_segment({}),
                             scan,
                             {0xff, 0xd9},
                             {0xff, 0xfe, 0, 2}});
  std::vector<std::pair<int, std::size_t>> seen;
  pk::for_each_jpeg_segment(file, [&](std::uint8_t marker, std::span<const std::uint8_t> content) {
    seen.emplace_back(marker, content.size());
    return true;
  });
  CHECK(seen == std::vector<std::pair<int, std::size_t>>{
                    {0xe0, 2}, {0xfe, 0}, {0xda, 1}, {0xc4, 0}, {0xda, 1}});
  seen.clear();
  pk::for_each_jpeg_segment(file, [&](std::uint8_t marker, std::span<const std::uint8_t> content) {
    seen.emplace_back(marker, content.size());
    return false;
  });
  CHECK(seen.size() == 1);
}

TEST_CASE("Huffman tables that a decoder has no room for are refused", "[io]") {
  const Bytes full(16, 16), large{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 157};
  CHECK_NOTHROW(pk::check_jpeg(
      joined({start, huffman_segment(joined({table(full, 256), table(full, 256)}))}), "x"));
  CHECK_THROWS_WITH(pk::check_jpeg(joined({start, huffman_segment(table(large, 257))}), "x.jpg"),
                    Catch::StartsWith("x.jpg: a Huffman table has 257 symbols"));
  CHECK_THROWS_AS(pk::check_jpeg(joined({start, huffman_segment(table(full, 255))}), "x"),
                  pk::FileError);
  CHECK_THROWS_AS(pk::check_jpeg(joined({start, huffman_segment(Bytes(5, 1))}), "x"),
                  pk::FileError);
  // The second table, and one between scans.
  CHECK_THROWS_AS(
      pk::check_jpeg(
          joined({start, huffman_segment(joined({table(full, 256), table(large, 257)}))}), "x"),
      pk::FileError);
  CHECK_THROWS_AS(pk::parse_image(joined({start, scan, huffman_segment(table(large, 257))}), "x"),
                  pk::FileError);
}

TEST_CASE("Fill bytes before the first marker hide nothing", "[io]") {
  const Bytes large{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 157};
  for (const std::size_t fill : {0u, 1u, 300u}) {
    const Bytes file = joined({Bytes(fill, 0xff), start, huffman_segment(table(large, 257))});
    CHECK(pk::is_jpeg(file));
    CHECK_THROWS_WITH(pk::check_jpeg(file, "x.jpg"),
                      Catch::StartsWith("x.jpg: a Huffman table has 257 symbols"));
  }
  CHECK_FALSE(pk::is_jpeg(Bytes{}));
  CHECK_FALSE(pk::is_jpeg(Bytes(9, 0xff)));
  CHECK_FALSE(pk::is_jpeg(Bytes{0xd8, 0xff}));
}

namespace {

/// Segments of frames of one component, and one of a scan of it.
const Bytes frame{0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0};
const Bytes progressive{0xff, 0xc2, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0};
Bytes scan_of(std::uint8_t tables, std::uint8_t first = 0, std::uint8_t last = 63,
              std::uint8_t bits = 0) {
  return {0xff, 0xda, 0, 8, 1, 1, tables, first, last, bits};
}
/// Huffman table `which` (its kind in the upper half) with one code.
Bytes huffman(std::uint8_t which) { return huffman_segment(joined({{which, 1}, Bytes(15), {0}})); }
Bytes quantisation(std::uint8_t which) {
  return joined({{0xff, 0xdb, 0, 67, which}, Bytes(64, 1)});
}

}  // namespace

TEST_CASE("Scans use tables that are there", "[io]") {
  const auto check = [](std::initializer_list<Bytes> parts) { pk::check_jpeg(joined(parts), "x"); };
  const auto q = quantisation(0);
  CHECK_NOTHROW(check({start, q, frame, huffman(0x00), huffman(0x11), scan_of(0x01)}));
  CHECK_THROWS_WITH(check({start, q, frame, huffman(0x10), scan_of(0x00)}),
                    "x: a scan uses DC Huffman table 0, which the file has not defined");
  CHECK_THROWS_WITH(check({start, q, frame, huffman(0x00), huffman(0x10), scan_of(0x01)}),
                    "x: a scan uses AC Huffman table 1, which the file has not defined");
  CHECK_THROWS_WITH(check({start, frame, huffman(0x00), huffman(0x10), scan_of(0x00)}),
                    "x: a scan uses quantisation table 0, which the file has not defined");
  CHECK_THROWS_AS(check({start, q, frame, huffman(0x00), scan_of(0x00), huffman(0x10)}),
                  pk::FileError);
  // Scans of a progressive file: of means alone, of what is left alone, of another bit of the
  // means.
  CHECK_NOTHROW(check({start, q, progressive, huffman(0x00), scan_of(0x00, 0, 0)}));
  CHECK_NOTHROW(check({start, q, progressive, huffman(0x10), scan_of(0x00, 1, 63)}));
  CHECK_NOTHROW(check({start, q, progressive, scan_of(0x00, 0, 0, 0x10)}));
  CHECK_THROWS_AS(check({start, q, progressive, scan_of(0x00, 1, 63, 0x10)}), pk::FileError);
  // In others both are used, whatever a scan says.
  CHECK_THROWS_AS(check({start, q, frame, huffman(0x00), scan_of(0x00, 0, 0)}), pk::FileError);
  CHECK_THROWS_AS(check({start, q, frame, huffman(0x10), scan_of(0x00, 1, 63)}), pk::FileError);
  CHECK_THROWS_WITH(check({start, {0xff, 0xda, 0, 5, 2, 1, 0}}),
                    "x: the head of a scan is truncated");
  CHECK_THROWS_WITH(check({start, {0xff, 0xdb, 0, 9, 0, 1, 1, 1, 1, 1, 1}}),
                    "x: a quantisation table is truncated");
}

TEST_CASE("More scans than any picture has are refused", "[io]") {
  Bytes file = joined({start, quantisation(0), progressive, huffman(0x00)});
  for (int i = 0; i < 100; ++i) {
    const Bytes scan_of_means = scan_of(0x00, 0, 0);
    file.insert(file.end(), scan_of_means.begin(), scan_of_means.end());
  }
  CHECK_NOTHROW(pk::check_jpeg(file, "x"));
  CHECK_THROWS_WITH(pk::check_jpeg(joined({file, scan_of(0x00, 0, 0)}), "x"),
                    "x: has more than 100 scans");
}
