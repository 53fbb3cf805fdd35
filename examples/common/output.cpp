#include "output.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <system_error>

#include <posekit/core/error.hpp>
#include <posekit/core/printable.hpp>

#include "program.hpp"

namespace pk = posekit;
namespace fs = std::filesystem;

ProgressBar::ProgressBar(bool quiet) : shown_(!quiet && isatty(STDERR_FILENO) != 0) {}

void ProgressBar::update(const pk::Progress& progress) {
  if (!shown_) return;
  const double done = static_cast<double>(progress.done) / static_cast<double>(progress.total);
  const double spent =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  constexpr int width = 30;
  const int full = static_cast<int>(std::lround(done * width));
  std::fprintf(stderr, "\r\033[Kexplaining [%s%s] %zu/%zu steps, %.0f s left",
               std::string(static_cast<std::size_t>(full), '#').c_str(),
               std::string(static_cast<std::size_t>(width - full), '.').c_str(), progress.done,
               progress.total, std::ceil(spent * (1.0 / done - 1.0)));
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressBar::say(const std::string& stage) {
  stop_if_requested();
  if (!shown_) return;
  std::fprintf(stderr, "\r\033[K%s ...", pk::printable(stage).c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressBar::clear() {
  if (drawn_) std::fprintf(stderr, "\r\033[K");
  drawn_ = false;
}

namespace {

/// Removes the staging folders of runs that were killed: whose lock nobody holds.
void remove_unfinished_runs(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (!entry.path().filename().string().starts_with(".unfinished-")) continue;
    if (entry.is_symlink(error) || !entry.is_directory(error)) continue;
    const auto lock = pk::FolderLock::try_lock(entry.path());
    if (lock && lock->exclusive()) fs::remove_all(entry.path(), error);
  }
}

}  // namespace

StagedOutput::StagedOutput(const fs::path& folder) : made_(folder), folder_(folder) {
  remove_unfinished_runs(folder);
  static unsigned counter = 0;  // a run may write into one folder for two reasons
  // Another run may take the new folder for a dead one before it is locked.
  for (int attempt = 0; attempt < 100 && !lock_; ++attempt) {
    staging_ = folder / pk::error_text(".unfinished-", getpid(), "-", counter++);
    std::error_code error;
    if (!fs::create_directory(staging_, error) && !error) continue;
    if (error) {
      throw pk::FileError(pk::error_text(
          folder.string(), ": the output folder cannot be written: ", error.message()));
    }
    lock_ = pk::FolderLock::try_lock(staging_);
  }
  if (!lock_) {
    throw pk::FileError(
        pk::error_text(folder.string(), ": the output folder cannot be written: no locks"));
  }
}

StagedOutput::~StagedOutput() {
  std::error_code ignored;
  fs::remove_all(staging_, ignored);
}

fs::path StagedOutput::file(const std::string& name) {
  names_.push_back(name);
  return staging_ / name;
}

void StagedOutput::require_clear() const {
  std::error_code error;
  for (const std::string& name : names_) {
    const auto there = fs::symlink_status(folder_ / name, error);
    if (fs::exists(there) && !fs::is_regular_file(there)) {
      throw pk::FileError(
          pk::error_text((folder_ / name).string(), ": is in the way: it is no ordinary file"));
    }
  }
}

void StagedOutput::publish() {
  require_clear();
  std::error_code error;
  // Pictures of joints that an earlier run explained, and this one, which explains some, did not.
  const bool earlier_run = fs::exists(folder_ / "report.json", error) &&
                           std::find(names_.begin(), names_.end(), "report.json") != names_.end();
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().string();
    if (earlier_run && name.starts_with("joint-") && name.ends_with(".png") &&
        entry.is_regular_file(error) &&
        std::find(names_.begin(), names_.end(), name) == names_.end()) {
      fs::remove(entry.path(), error);
    }
  }
  for (const std::string& name : names_) {
    fs::rename(staging_ / name, folder_ / name, error);
    if (error) {
      throw pk::FileError(
          pk::error_text((folder_ / name).string(), ": could not be written: ", error.message()));
    }
  }
}
