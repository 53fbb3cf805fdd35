#pragma once

// JPEG files to read: made by stb's encoder, a copy of the test's own.

#include <cstdint>
#include <vector>

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#endif
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#include <posekit/io/image.hpp>

inline std::vector<std::uint8_t> jpeg_bytes(const posekit::Bitmap& image, int quality) {
  std::vector<std::uint8_t> bytes;
  stbi_write_jpg_to_func(
      [](void* context, void* data, int size) {
        auto& out = *static_cast<std::vector<std::uint8_t>*>(context);
        const auto* p = static_cast<const std::uint8_t*>(data);
        out.insert(out.end(), p, p + size);
      },
      &bytes, static_cast<int>(image.width), static_cast<int>(image.height),
      static_cast<int>(image.channels), image.samples.data(), quality);
  return bytes;
}
