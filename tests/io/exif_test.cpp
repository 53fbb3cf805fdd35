#include <catch2/catch.hpp>

#include <vector>

#include <posekit/core/random.hpp>
#include <posekit/io/exif.hpp>

namespace pk = posekit;

namespace {

/// The start of a JPEG file with an EXIF segment that holds this orientation.
std::vector<std::uint8_t> jpeg_with(int orientation, bool little) {
  std::vector<std::uint8_t> tiff(2, little ? 'I' : 'M');
  const auto number = [&](unsigned value, int bytes) {
    for (int i = 0; i < bytes; ++i)
      tiff.push_back(static_cast<std::uint8_t>(value >> 8 * (little ? i : bytes - 1 - i) & 0xff));
  };
  number(42, 2), number(8, 4);
  number(2, 2);  // entries
  number(0x0100, 2), number(3, 2), number(1, 4), number(640, 2), number(0, 2);
  number(0x0112, 2), number(3, 2), number(1, 4), number(static_cast<unsigned>(orientation), 2),
      number(0, 2);
  number(0, 4);
  std::vector<std::uint8_t> jpeg;
  for (const int byte :
       {0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xe1, 0, static_cast<int>(tiff.size()) + 8,
        'E' + 0, 'x' + 0, 'i' + 0, 'f' + 0, 0, 0}) {
    jpeg.push_back(static_cast<std::uint8_t>(byte));
  }
  for (const std::uint8_t byte : tiff) jpeg.push_back(byte);
  for (const int byte : {0xff, 0xda, 0, 2}) jpeg.push_back(static_cast<std::uint8_t>(byte));
  return jpeg;
}

}  // namespace

TEST_CASE("Orientations are read in both byte orders", "[io]") {
  // Where the upright image's first row and column are stored, as the EXIF standard's table says:
  // value, transposed, counted from the right, counted from below.
  const struct {
    int value;
    pk::ExifOrientation expected;
  } table[] = {{1, {}},
               {2, {false, true, false}},
               {3, {false, true, true}},
               {4, {false, false, true}},
               {5, {true, false, false}},
               {6, {true, false, true}},
               {7, {true, true, true}},
               {8, {true, true, false}},
               {0, {}},
               {9, {}}};
  for (const auto& [value, expected] : table) {
    for (const bool little : {false, true})
      CHECK(pk::exif_orientation(jpeg_with(value, little)) == expected);
  }
}

TEST_CASE("Damaged or missing EXIF data is upright", "[io]") {
  CHECK(pk::exif_orientation({}) == pk::ExifOrientation{});
  const auto file = jpeg_with(6, true);
  for (std::size_t size = 0; size + 16 < file.size(); ++size) {
    const std::vector<std::uint8_t> cut(file.begin(),
                                        file.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(pk::exif_orientation(cut) == pk::ExifOrientation{});
  }
  for (std::uint64_t i = 0; i < 20000; ++i) {
    auto bytes = file;
    bytes[pk::CounterRandom(i).bits(0) % bytes.size()] =
        static_cast<std::uint8_t>(pk::CounterRandom(i).bits(1));
    (void)pk::exif_orientation(bytes);
  }
}
