#include <catch2/catch.hpp>

#include <fstream>

#include <posekit/io/file.hpp>
#include <posekit/io/image.hpp>
#include <posekit/io/jpeg.hpp>

#include "support/jpeg_bytes.hpp"
#include "support/mutations.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;

namespace {

pk::Bitmap gradient(std::size_t width, std::size_t height, std::size_t channels) {
  pk::Bitmap image(width, height, channels);
  for (std::size_t i = 0; i < image.samples.size(); ++i)
    image.samples[i] = static_cast<std::uint8_t>((i * 37) % 251);
  return image;
}

std::vector<std::uint8_t> png_bytes(const pk::Bitmap& image) {
  const auto file = scratch_folder("image") / "a.png";
  pk::save_png(file, image);
  return pk::read_file(file);
}

/// A small JPEG file, 16 x 8.
std::vector<std::uint8_t> small_jpeg() { return jpeg_bytes(gradient(16, 8, 3), 95); }

}  // namespace

TEST_CASE("PNG files survive a round trip", "[io]") {
  for (const std::size_t channels : {1u, 3u, 4u}) {
    const auto image = gradient(13, 7, channels);
    const auto again = pk::parse_image(png_bytes(image), "a.png", channels);
    CHECK(again.width == 13);
    CHECK(again.height == 7);
    CHECK(again.samples == image.samples);
  }
  // Gray is spread over RGB, alpha dropped.
  const auto rgb = pk::parse_image(png_bytes(gradient(3, 2, 1)), "a.png", 3);
  CHECK(rgb.at(2, 1)[0] == rgb.at(2, 1)[2]);
  CHECK(pk::parse_image(png_bytes(gradient(3, 2, 4)), "a.png").channels == 3);
}

TEST_CASE("JPEG files are turned upright as their camera says", "[io]") {
  auto bytes = small_jpeg();
  CHECK(pk::parse_image(bytes, "a.jpg").width == 16);
  // An EXIF segment right behind the start: orientation 6 is a quarter turn.
  const std::vector<std::uint8_t> exif{0xff, 0xe1, 0, 34, 'E', 'x', 'i', 'f', 0,    0,    'M', 'M',
                                       0,    42,   0, 0,  0,   8,   0,   1,   0x01, 0x12, 0,   3,
                                       0,    0,    0, 1,  0,   6,   0,   0,   0,    0,    0,   0};
  const auto flat = pk::parse_image(bytes, "a.jpg");
  bytes.insert(bytes.begin() + 2, exif.begin(), exif.end());
  const auto upright = pk::parse_image(bytes, "a.jpg");
  CHECK(upright.width == 8);
  CHECK(upright.height == 16);
  // The stored lower left corner comes to the upper left.
  CHECK(std::equal(upright.at(0, 0), upright.at(0, 0) + 3, flat.at(0, 7)));
  CHECK(std::equal(upright.at(7, 0), upright.at(7, 0) + 3, flat.at(0, 0)));
  // Fill bytes may come before any marker.
  bytes.insert(bytes.begin(), 3, 0xff);
  CHECK(pk::parse_image(bytes, "a.jpg").samples == upright.samples);
}

TEST_CASE("A JPEG file without its tables is refused", "[io]") {
  const auto whole = small_jpeg();
  for (const int removed : {0xc4, 0xdb}) {
    std::vector<std::uint8_t> bytes{0xff, 0xd8};
    pk::for_each_jpeg_segment(
        whole, [&](std::uint8_t marker, std::span<const std::uint8_t> content) {
          const std::size_t length = content.size() + 2;
          if (marker == removed) return true;
          bytes.insert(bytes.end(), {0xff, marker, static_cast<std::uint8_t>(length >> 8),
                                     static_cast<std::uint8_t>(length & 255)});
          const auto end = marker == 0xda ? whole.data() + whole.size() : &*content.end();
          bytes.insert(bytes.end(), content.data(), end);
          return marker != 0xda;
        });
    CHECK_THROWS_WITH(pk::parse_image(bytes, "a.jpg"),
                      Catch::Contains("which the file has not defined"));
  }
}

TEST_CASE("What a damaged JPEG file lacks is the same at every reading", "[io]") {
  // The height is a multiple of what there is: the rest was never coded.
  auto bytes = small_jpeg();
  pk::for_each_jpeg_segment(bytes, [&](std::uint8_t marker, std::span<const std::uint8_t> content) {
    if (marker == 0xc0) bytes[static_cast<std::size_t>(content.data() - bytes.data()) + 2] = 200;
    return true;
  });
  const auto once = pk::parse_image(bytes, "a.jpg");
  CHECK(once.height == 200);
  // Memory that was something else before.
  for (std::uint8_t fill = 1; fill < 8; ++fill) {
    { const std::vector<std::uint8_t> other(16 * 200 * 3, fill); }
    CHECK(pk::parse_image(bytes, "a.jpg").samples == once.samples);
  }
}

TEST_CASE("Of a file that is no image only the beginning is read", "[io]") {
  const auto folder = scratch_folder("image-huge");
  for (const bool like_an_image : {false, true}) {
    const auto file = folder / "huge.jpg";
    std::ofstream(file) << (like_an_image ? "\xff\xd8" : "\x01\x02");
    std::filesystem::resize_file(file, std::uintmax_t{3} << 30);  // takes no room
    CHECK_THROWS_WITH(pk::load_bitmap(file),
                      Catch::Contains(like_an_image ? "huge.jpg: has 3221225472 bytes, more than"
                                                    : "huge.jpg: is no PNG or JPEG image"));
    std::filesystem::remove(file);
  }
}

TEST_CASE("Photos that cannot be reached end in words of our own", "[io]") {
  const auto folder = scratch_folder("image-reach");
  std::filesystem::create_symlink("loop.jpg", folder / "loop.jpg");
  CHECK_THROWS_WITH(pk::load_bitmap(folder / "loop.jpg"),
                    Catch::Contains("loop.jpg: cannot be read: "));
  CHECK_THROWS_AS(pk::load_bitmap(folder / std::string(300, 'n')), pk::FileError);
  CHECK_THROWS_WITH(pk::load_bitmap(folder), Catch::Contains("is a folder, expected a file"));
}

TEST_CASE("Tensors and bitmaps convert", "[io]") {
  const auto image = gradient(5, 4, 3);
  const auto tensor = pk::to_tensor<float>(image);
  CHECK(pk::shape_of(tensor) == pk::Shape{3, 4, 5});
  CHECK(tensor(1, 2, 3) == Approx(image.at(3, 2)[1] / 255.0));
  CHECK(pk::to_bitmap(tensor).samples == image.samples);
  pk::Tensor<double> wild = pk::zeros<double>({1, 1, 4});
  wild(0, 0, 0) = -3;
  wild(0, 0, 1) = 7;
  wild(0, 0, 2) = std::numeric_limits<double>::quiet_NaN();
  wild(0, 0, 3) = 0.5;
  CHECK(pk::to_bitmap(wild).samples == std::vector<std::uint8_t>{0, 255, 0, 128});
  CHECK_THROWS_AS(pk::to_bitmap(pk::zeros<float>({4, 5})), pk::ShapeError);
}

TEST_CASE("What is wrong with an image is told in words", "[io]") {
  const auto folder = scratch_folder("image-errors");
  CHECK_THROWS_WITH(pk::load_bitmap(folder / "gone.png"),
                    Catch::Contains("gone.png: no such file"));
  std::ofstream(folder / "empty.png");
  CHECK_THROWS_WITH(pk::load_bitmap(folder / "empty.png"),
                    Catch::Contains("empty.png: is empty, expected a PNG or JPEG image"));
  std::ofstream(folder / "text.png") << "hello, I am a text file and no image at all";
  CHECK_THROWS_WITH(pk::load_bitmap(folder / "text.png"),
                    Catch::Contains("is no PNG or JPEG image that can be read"));
  auto bytes = png_bytes(gradient(40, 40, 3));
  bytes.resize(bytes.size() / 2);
  CHECK_THROWS_WITH(pk::parse_image(bytes, "half.png"),
                    Catch::Contains("half.png: could not be decoded"));
  // A header that promises more pixels than are accepted.
  auto huge = png_bytes(gradient(4, 4, 3));
  huge[16] = huge[20] = 0x00;
  huge[17] = huge[21] = 0x0f;
  CHECK_THROWS_AS(pk::parse_image(huge, "huge.png"), pk::FileError);
  CHECK_THROWS_AS(pk::save_png(folder / "a.png", pk::Bitmap{}), pk::ValueError);
  CHECK_THROWS_AS(pk::save_png(folder / "no" / "a.png", gradient(2, 2, 3)), pk::FileError);
}

TEST_CASE("Damaged images end in an error or in an image", "[io]") {
  std::size_t errors = 0, images = 0;
  const auto check = [&](const std::vector<std::uint8_t>& bytes) {
    try {
      (void)pk::parse_image(bytes, "x");
      ++images;
    } catch (const pk::FileError&) {
      ++errors;
    }
  };
  for_each_mutation(png_bytes(gradient(19, 11, 3)), 6000, 1, check);
  for_each_mutation(png_bytes(gradient(5, 6, 4)), 3000, 2, check);
  for_each_mutation(small_jpeg(), 6000, 3, check);
  CHECK(errors > 2000);
  CHECK(images > 500);
}
