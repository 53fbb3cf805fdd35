#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <posekit/core/progress.hpp>

/// A bar with the time left, on a terminal; nothing in a pipe.
class ProgressBar {
 public:
  explicit ProgressBar(bool quiet);
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  void update(const posekit::Progress& progress);
  /// What is being done, where nobody knows how long it takes.
  void say(const std::string& stage);
  void clear();

 private:
  bool shown_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Makes a folder and those it lies in. Throws posekit::FileError where that cannot be done.
void make_output_folder(const std::filesystem::path& folder);

/// Takes all files of a run into a folder of its own, and moves them to the output folder when they
/// are complete. What is not published disappears. Throws posekit::FileError where the output
/// folder cannot be made or written.
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
  std::filesystem::path folder_, staging_;
  std::vector<std::filesystem::path> made_;  // the innermost first
  bool published_ = false;
  std::vector<std::string> names_;
};
