#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include <unistd.h>

#include "support/skipped.hpp"

// Data that may be absent: tests that need it say so and are skipped, which CTest and
// scripts/test.sh show.

/// Says that the test case that runs cannot, and why.
inline void skip(const std::string& what) {
  const std::string name = Catch::getResultCapture().getCurrentTestName();
  skipped_reasons().push_back("\"" + name + "\": " + what);
}

inline std::filesystem::path source_root() { return POSEKIT_SOURCE_DIR; }

/// The folder of annotated photos and reference outputs that some checkouts have beside them; of
/// test cases with the tag [shared].
inline std::optional<std::filesystem::path> shared_folder(const std::string& part) {
  const char* given = std::getenv("POSEKIT_SHARED");
  const std::filesystem::path root =
      given != nullptr ? given : source_root().parent_path() / "shared";
  if (std::filesystem::exists(root / part)) return root / part;
  skip((root / part).string() + " is not there (set POSEKIT_SHARED to where it is)");
  return std::nullopt;
}

inline std::filesystem::path models_folder() {
  const char* given = std::getenv("POSEKIT_MODELS");
  return given != nullptr ? std::filesystem::path(given) : source_root() / "models";
}

/// A network fetched by scripts/fetch_models.sh; of test cases with the tag [networks] or [shared].
inline std::optional<std::filesystem::path> model_file(const std::string& name) {
  const auto file = models_folder() / (name + ".json");
  if (std::filesystem::exists(file)) return file;
  skip(file.string() + " is not there (scripts/fetch_models.sh --all fetches it)");
  return std::nullopt;
}

/// Small reference files that belong to the project.
inline std::filesystem::path golden_file(const std::string& name) {
  return source_root() / "tests" / "golden" / name;
}

/// An empty folder of this name for a test's files, in one of this process that goes with it.
inline std::filesystem::path scratch_folder(const std::string& name) {
  static const struct Folder {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("posekit-test-" + std::to_string(::getpid()));
    ~Folder() {
      std::error_code error;
      std::filesystem::remove_all(path, error);
    }
  } ours;
  const auto folder = ours.path / name;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}
