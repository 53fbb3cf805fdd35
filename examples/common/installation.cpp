#include "installation.hpp"

#include <cstdlib>
#include <system_error>

#include <posekit/core/error.hpp>
#include <posekit/core/listed.hpp>
#include <posekit/io/folder.hpp>

namespace fs = std::filesystem;
namespace pk = posekit;

namespace {

/// A folder that an environment variable names; empty where it is not set.
fs::path environment_folder(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? "" : value;
}

}  // namespace

fs::path data_folder(std::string_view command, const fs::path& checkout) {
  std::error_code unknown;
  // bin/, libexec/posekit/ or libexec/posekit/<instruction set>/
  fs::path folder = fs::read_symlink("/proc/self/exe", unknown).parent_path();
  for (int level = 0; level < 4 && !folder.empty(); ++level, folder = folder.parent_path()) {
    const fs::path data = folder / "share" / "posekit" / command;
    if (pk::is_folder(data)) return data;
  }
  return checkout;
}

fs::path user_model_folder() {
  const fs::path data = environment_folder("XDG_DATA_HOME"), home = environment_folder("HOME");
  if (data.is_absolute()) return data / "posekit" / "models";
  return home.empty() ? fs::path() : home / ".local" / "share" / "posekit" / "models";
}

fs::path model_folder(const fs::path& given, std::string_view file) {
  if (!given.empty()) return given;
  if (const fs::path folder = environment_folder("POSEKIT_MODELS"); !folder.empty()) return folder;
  std::string looked;
  for (const fs::path& folder : {fs::path("models"), user_model_folder()}) {
    if (folder.empty()) continue;
    if (pk::is_file(folder / file)) return folder;
    pk::append_listed(looked, folder.string(), " nor ");
  }
  throw pk::FileError(
      pk::error_text(file, ": neither in ", looked,
                     "; `posekit fetch --all` (or scripts/fetch_models.sh --all) fetches networks, "
                     "--models or POSEKIT_MODELS names another folder"));
}
