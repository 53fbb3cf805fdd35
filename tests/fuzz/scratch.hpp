#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>

#include <unistd.h>

/// A folder of this process for readers that want files, in memory where the system has such a
/// place.
inline std::filesystem::path fuzz_folder() {
  static const struct Folder {
    std::filesystem::path path;
    Folder() {
      std::error_code error;
      const std::filesystem::path memory = "/dev/shm";
      path =
          (std::filesystem::is_directory(memory, error) ? memory
                                                        : std::filesystem::temp_directory_path()) /
          ("posekit-fuzz-" + std::to_string(getpid()));
      std::filesystem::create_directories(path);
    }
    ~Folder() {
      std::error_code error;
      std::filesystem::remove_all(path, error);
    }
  } folder;
  return folder.path;
}

/// That folder's file of this name, with these bytes.
inline std::filesystem::path fuzz_file(const std::string& name,
                                       std::span<const std::uint8_t> bytes) {
  const auto path = fuzz_folder() / name;
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  return path;
}
