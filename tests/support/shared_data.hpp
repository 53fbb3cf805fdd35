#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include <catch2/catch.hpp>

// Data that may be absent: tests that need it say so and pass.

inline std::filesystem::path source_root() { return POSEKIT_SOURCE_DIR; }

/// The folder of annotated photos and reference outputs that some checkouts have beside them.
inline std::optional<std::filesystem::path> shared_folder(const std::string& part) {
  const char* given = std::getenv("POSEKIT_SHARED");
  const std::filesystem::path root =
      given != nullptr ? given : source_root().parent_path() / "shared";
  if (std::filesystem::exists(root / part)) return root / part;
  WARN("skipped: " << (root / part).string()
                   << " is not there (set POSEKIT_SHARED to where it is)");
  return std::nullopt;
}

inline std::filesystem::path models_folder() {
  const char* given = std::getenv("POSEKIT_MODELS");
  return given != nullptr ? std::filesystem::path(given) : source_root() / "models";
}

/// A network fetched by scripts/fetch_models.sh.
inline std::optional<std::filesystem::path> model_file(const std::string& name) {
  const auto file = models_folder() / (name + ".json");
  if (std::filesystem::exists(file)) return file;
  WARN("skipped: " << file.string() << " is not there (scripts/fetch_models.sh --all fetches it)");
  return std::nullopt;
}

/// Small reference files that belong to the project.
inline std::filesystem::path golden_file(const std::string& name) {
  return source_root() / "tests" / "golden" / name;
}

/// A folder of its own for a test's files, emptied.
inline std::filesystem::path scratch_folder(const std::string& name) {
  const auto folder = std::filesystem::temp_directory_path() / ("posekit-test-" + name);
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}
