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
  CHECK_NOTHROW(pk::check_jpeg_tables(
      joined({start, huffman_segment(joined({table(full, 256), table(full, 256)}))}), "x"));
  CHECK_THROWS_WITH(
      pk::check_jpeg_tables(joined({start, huffman_segment(table(large, 257))}), "x.jpg"),
      Catch::StartsWith("x.jpg: a Huffman table has 257 symbols"));
  CHECK_THROWS_AS(pk::check_jpeg_tables(joined({start, huffman_segment(table(full, 255))}), "x"),
                  pk::FileError);
  CHECK_THROWS_AS(pk::check_jpeg_tables(joined({start, huffman_segment(Bytes(5, 1))}), "x"),
                  pk::FileError);
  // The second table, and one between scans.
  CHECK_THROWS_AS(
      pk::check_jpeg_tables(
          joined({start, huffman_segment(joined({table(full, 256), table(large, 257)}))}), "x"),
      pk::FileError);
  CHECK_THROWS_AS(pk::parse_image(joined({start, scan, huffman_segment(table(large, 257))}), "x"),
                  pk::FileError);
}
