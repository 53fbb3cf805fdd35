#pragma once

// Folders: looking at them without exceptions of the standard library's, and making them for
// results.

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// True where there is a folder of this name (or a link to one); false where there is none, and
/// where nobody may look.
bool is_folder(const std::filesystem::path& path);

/// True where there is an ordinary file of this name (or a link to one); false where there is none,
/// and where nobody may look.
bool is_file(const std::filesystem::path& path);

/// True of a name that a file gives, where it leads to something below the folder it is appended
/// to: not empty, not absolute and without "..".
bool stays_inside(const std::filesystem::path& name);

/// A folder for results, made with those it lies in where they are not there. What it made and is
/// still empty in the end goes again: a run that fails before it writes leaves nothing.
class OutputFolder {
 public:
  /// Throws FileError where the folder cannot be made.
  explicit OutputFolder(const std::filesystem::path& folder);
  OutputFolder(OutputFolder&& other) noexcept : made_(std::exchange(other.made_, {})) {}
  OutputFolder& operator=(OutputFolder&&) = delete;
  ~OutputFolder() { remove_empty(); }

 private:
  void remove_empty();

  std::vector<std::filesystem::path> made_;  // the innermost first
};

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_IO

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE bool is_folder(const std::filesystem::path& path) {
  std::error_code unknown;
  return std::filesystem::is_directory(path, unknown);
}

POSEKIT_INLINE bool is_file(const std::filesystem::path& path) {
  std::error_code unknown;
  return std::filesystem::is_regular_file(path, unknown);
}

POSEKIT_INLINE bool stays_inside(const std::filesystem::path& name) {
  return !name.empty() && !name.has_root_path() &&
         std::find(name.begin(), name.end(), "..") == name.end();
}

POSEKIT_INLINE OutputFolder::OutputFolder(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  for (fs::path part = fs::absolute(folder, error);
       !error && !fs::exists(part, error) && !error && part.has_relative_path();
       part = part.parent_path()) {
    if (part.has_filename()) made_.push_back(part);
  }
  error.clear();
  fs::create_directories(folder, error);
  if (!error && is_folder(folder)) return;
  remove_empty();
  throw FileError(error_text(folder.string(), ": the output folder cannot be made: ",
                             error ? error.message() : "a file is in the way"));
}

POSEKIT_INLINE void OutputFolder::remove_empty() {
  std::error_code in_use;
  for (const auto& folder : made_) std::filesystem::remove(folder, in_use);  // only where empty
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_IO
