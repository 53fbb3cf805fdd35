#pragma once

// Reads PNG and JPEG files, and writes PNG files, with stb.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <posekit/core/bitmap.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Pixels that an image file may have.
inline constexpr std::size_t max_image_pixels = std::size_t{1} << 26;

/// Bytes that an image file may have.
inline constexpr std::size_t max_image_bytes = std::size_t{1} << 29;

/// The bytes of an image file, of which nothing more is read where it does not begin like one.
/// Throws FileError.
std::vector<std::uint8_t> read_image_file(const std::filesystem::path& path);

/// Decodes a PNG or JPEG file held in memory into `channels` channels (1: luminance, 3: RGB; an
/// alpha channel is dropped), turned upright as its EXIF orientation says. `name` stands for the
/// file in errors. Throws FileError.
Bitmap parse_image(std::span<const std::uint8_t> bytes, const std::string& name,
                   std::size_t channels = 3);

/// Reads a PNG or JPEG file. Throws FileError.
Bitmap load_bitmap(const std::filesystem::path& path, std::size_t channels = 3);

/// Writes a PNG file, or nothing. Throws FileError.
void save_png(const std::filesystem::path& path, const Bitmap& image);

/// Samples 0 ... 255 as a planar tensor [channels, height, width] of values in [0, 1].
template <class T>
Tensor<T> to_tensor(const Bitmap& image);

/// A planar tensor [channels, height, width] as samples: values in [0, 1] rounded to 0 ... 255,
/// others clamped, NaN 0.
template <class T>
Bitmap to_bitmap(const Tensor<T>& tensor);

/// Reads a PNG or JPEG file as a planar RGB tensor [3, height, width] of values in [0, 1].
template <class T>
Tensor<T> load_image(const std::filesystem::path& path);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_IO

// Headers of the C library that stb includes, which must not end up in a namespace.
#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <posekit/io/exif.hpp>
#include <posekit/io/file.hpp>
#include <posekit/io/jpeg.hpp>

// stb is compiled here, privately, so that it neither needs a library nor meets a copy of stb that
// the program has of its own, before or after this header.
#pragma push_macro("STB_IMAGE_STATIC")
#pragma push_macro("STB_IMAGE_IMPLEMENTATION")
#pragma push_macro("STBI_ONLY_PNG")
#pragma push_macro("STBI_ONLY_JPEG")
#pragma push_macro("STBI_NO_STDIO")
#pragma push_macro("STBI_FAILURE_USERMSG")
#pragma push_macro("STBI_MALLOC")
#pragma push_macro("STBI_REALLOC")
#pragma push_macro("STBI_FREE")
#pragma push_macro("STB_IMAGE_WRITE_STATIC")
#pragma push_macro("STB_IMAGE_WRITE_IMPLEMENTATION")
#pragma push_macro("STBI_WRITE_NO_STDIO")
#pragma push_macro("STBI_INCLUDE_STB_IMAGE_H")
#pragma push_macro("INCLUDE_STB_IMAGE_WRITE_H")
#pragma push_macro("STBIDEF")
#pragma push_macro("STBIWDEF")
#undef STB_IMAGE_STATIC
#undef STB_IMAGE_IMPLEMENTATION
#undef STBI_ONLY_PNG
#undef STBI_ONLY_JPEG
#undef STBI_NO_STDIO
#undef STBI_FAILURE_USERMSG
#undef STBI_MALLOC
#undef STBI_REALLOC
#undef STBI_FREE
#undef STB_IMAGE_WRITE_STATIC
#undef STB_IMAGE_WRITE_IMPLEMENTATION
#undef STBI_WRITE_NO_STDIO
#undef STBI_INCLUDE_STB_IMAGE_H
#undef INCLUDE_STB_IMAGE_WRITE_H
#undef STBIDEF
#undef STBIWDEF
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_FAILURE_USERMSG
// What a damaged file leaves out of its picture is black, not what the memory held before.
#define STBI_MALLOC(size) calloc(1, size)
#define STBI_REALLOC(pointer, size) realloc(pointer, size)
#define STBI_FREE(pointer) free(pointer)
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#endif
namespace posekit::inline POSEKIT_ISA::stb {
using ::abs, ::pow;  // not posekit's, of tensors
#include <stb/stb_image.h>
#include <stb/stb_image_write.h>
}  // namespace posekit::inline POSEKIT_ISA::stb
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
#pragma pop_macro("STB_IMAGE_STATIC")
#pragma pop_macro("STB_IMAGE_IMPLEMENTATION")
#pragma pop_macro("STBI_ONLY_PNG")
#pragma pop_macro("STBI_ONLY_JPEG")
#pragma pop_macro("STBI_NO_STDIO")
#pragma pop_macro("STBI_FAILURE_USERMSG")
#pragma pop_macro("STBI_MALLOC")
#pragma pop_macro("STBI_REALLOC")
#pragma pop_macro("STBI_FREE")
#pragma pop_macro("STB_IMAGE_WRITE_STATIC")
#pragma pop_macro("STB_IMAGE_WRITE_IMPLEMENTATION")
#pragma pop_macro("STBI_WRITE_NO_STDIO")
#pragma pop_macro("STBI_INCLUDE_STB_IMAGE_H")
#pragma pop_macro("INCLUDE_STB_IMAGE_WRITE_H")
#pragma pop_macro("STBIDEF")
#pragma pop_macro("STBIWDEF")

namespace posekit::inline POSEKIT_ISA {

namespace internal {

inline bool begins_like_image(std::span<const std::uint8_t> bytes) {
  constexpr std::array<std::uint8_t, 8> png{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  return is_jpeg(bytes) ||
         (bytes.size() >= png.size() && std::equal(png.begin(), png.end(), bytes.begin()));
}

}  // namespace internal

POSEKIT_INLINE std::vector<std::uint8_t> read_image_file(const std::filesystem::path& path) {
  const std::vector<std::uint8_t> head = read_file_head(path, 256);
  if (!head.empty() && !internal::begins_like_image(head)) {
    throw FileError(error_text(path.string(), ": is no PNG or JPEG image that can be read (it ",
                               "begins like neither)"));
  }
  return read_file(path, max_image_bytes);
}

POSEKIT_INLINE Bitmap parse_image(std::span<const std::uint8_t> bytes, const std::string& name,
                                  std::size_t channels) {
  if (bytes.empty()) throw FileError(error_text(name, ": is empty, expected a PNG or JPEG image"));
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw FileError(error_text(name, ": has ", bytes.size(), " bytes, too many for an image"));
  }
  if (!internal::begins_like_image(bytes)) {
    throw FileError(error_text(name, ": is no PNG or JPEG image that can be read (it begins like ",
                               "neither)"));
  }
  check_jpeg(bytes, name);  // stb does not survive all
  const int size = static_cast<int>(bytes.size());
  int width = 0, height = 0, stored = 0;
  if (stb::stbi_info_from_memory(bytes.data(), size, &width, &height, &stored) == 0) {
    throw FileError(error_text(name, ": is no PNG or JPEG image that can be read (",
                               stb::stbi_failure_reason(), ")"));
  }
  if (width <= 0 || height <= 0 ||
      static_cast<std::size_t>(width) > max_image_pixels / static_cast<std::size_t>(height)) {
    throw FileError(error_text(name, ": is an image of ", width, " x ", height,
                               " pixels, more than the ", max_image_pixels, " that are accepted"));
  }
  const std::unique_ptr<stb::stbi_uc, void (*)(void*)> pixels(
      stb::stbi_load_from_memory(bytes.data(), size, &width, &height, &stored,
                                 static_cast<int>(channels)),
      &stb::stbi_image_free);
  if (pixels == nullptr) {
    throw FileError(error_text(name, ": could not be decoded (", stb::stbi_failure_reason(),
                               "): truncated or damaged?"));
  }
  Bitmap image(static_cast<std::size_t>(width), static_cast<std::size_t>(height), channels);
  std::copy_n(pixels.get(), image.samples.size(), image.samples.begin());

  const ExifOrientation orientation = exif_orientation(bytes);
  if (orientation == ExifOrientation{}) return image;
  Bitmap upright(orientation.transposed ? image.height : image.width,
                 orientation.transposed ? image.width : image.height, channels);
  for (std::size_t y = 0; y < upright.height; ++y) {
    for (std::size_t x = 0; x < upright.width; ++x) {
      std::size_t sx = orientation.transposed ? y : x;
      std::size_t sy = orientation.transposed ? x : y;
      if (orientation.flip_x) sx = image.width - 1 - sx;
      if (orientation.flip_y) sy = image.height - 1 - sy;
      std::copy_n(image.at(sx, sy), channels, upright.at(x, y));
    }
  }
  return upright;
}

POSEKIT_INLINE Bitmap load_bitmap(const std::filesystem::path& path, std::size_t channels) {
  return parse_image(read_image_file(path), path.string(), channels);
}

POSEKIT_INLINE void save_png(const std::filesystem::path& path, const Bitmap& image) {
  if (image.width == 0 || image.height == 0 || image.channels == 0 || image.channels > 4 ||
      image.samples.size() != image.width * image.height * image.channels) {
    throw ValueError(error_text("save_png: an image of ", image.width, " x ", image.height, " x ",
                                image.channels, " with ", image.samples.size(),
                                " samples cannot be written"));
  }
  std::string encoded;
  const auto append = [](void* context, void* data, int size) {
    static_cast<std::string*>(context)->append(static_cast<const char*>(data),
                                               static_cast<std::size_t>(size));
  };
  const int written = stb::stbi_write_png_to_func(
      append, &encoded, static_cast<int>(image.width), static_cast<int>(image.height),
      static_cast<int>(image.channels), image.samples.data(),
      static_cast<int>(image.width * image.channels));
  if (written == 0) throw FileError(error_text(path.string(), ": the image could not be encoded"));
  write_file(path, encoded);
}

template <class T>
Tensor<T> to_tensor(const Bitmap& image) {
  Tensor<T> result = make_tensor<T>({image.channels, image.height, image.width});
  const std::size_t pixels = image.width * image.height;
  for (std::size_t c = 0; c < image.channels; ++c) {
    for (std::size_t i = 0; i < pixels; ++i) {
      result.data()[c * pixels + i] =
          static_cast<T>(image.samples[i * image.channels + c]) / T(255);
    }
  }
  return result;
}

template <class T>
Bitmap to_bitmap(const Tensor<T>& tensor) {
  require_rank(tensor, 3, "to_bitmap", "tensor", "[C, H, W]");
  Bitmap image(tensor.shape()[2], tensor.shape()[1], tensor.shape()[0]);
  const std::size_t pixels = image.width * image.height;
  for (std::size_t c = 0; c < image.channels; ++c) {
    for (std::size_t i = 0; i < pixels; ++i) {
      const T value = tensor.data()[c * pixels + i];
      const T clamped = value > T(0) ? std::min(value, T(1)) : T(0);
      image.samples[i * image.channels + c] =
          static_cast<std::uint8_t>(std::lround(clamped * T(255)));
    }
  }
  return image;
}

template <class T>
Tensor<T> load_image(const std::filesystem::path& path) {
  return to_tensor<T>(load_bitmap(path));
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_IO
