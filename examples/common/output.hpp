#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <posekit/core/error.hpp>
#include <posekit/core/progress.hpp>
#include <posekit/io/folder.hpp>
#include <posekit/io/folder_lock.hpp>

/// A bar with the time left, on a terminal; nothing in a pipe.
class ProgressBar {
 public:
  explicit ProgressBar(bool quiet);
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  void update(const posekit::Progress& progress);
  /// What is being done, where nobody knows how long it takes. Throws posekit::Cancelled where the
  /// program was asked to stop.
  void say(const std::string& stage);
  void clear();

 private:
  bool shown_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Takes all files of a run into a folder of its own, and moves them to the output folder when they
/// are complete. What is not published disappears, and so does what runs that were killed left.
/// Throws posekit::FileError where the output folder cannot be made or written.
class StagedOutput {
 public:
  explicit StagedOutput(const std::filesystem::path& folder);
  ~StagedOutput();
  StagedOutput(const StagedOutput&) = delete;
  StagedOutput& operator=(const StagedOutput&) = delete;

  /// Where to write the file that will have this name.
  std::filesystem::path file(const std::string& name);
  /// Throws where something is in the way of a file; done by publish() too.
  void require_clear() const;
  void publish();
  std::size_t count() const { return names_.size(); }

 private:
  posekit::OutputFolder made_;
  std::filesystem::path folder_, staging_;
  std::optional<posekit::FolderLock> lock_;  // of the staging folder: its run is alive
  std::vector<std::string> names_;
};
