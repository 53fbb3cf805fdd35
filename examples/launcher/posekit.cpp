// posekit: runs posekit-<command>, built for the instructions that this processor has.
//
// Installed as bin/posekit and, by symbolic links, as bin/posekit-<command>. The commands
// themselves are in libexec/posekit/, and those built for newer processors in avx2/ and avx512/
// there.

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace fs = std::filesystem;

namespace {

constexpr std::string_view prefix = "posekit-";

struct Command {
  std::string_view name, what;
};
constexpr Command known[] = {
#include "commands.inc"  // of examples/CMakeLists.txt
};

fs::path own_folder() {
  std::error_code unknown;
  return fs::read_symlink("/proc/self/exe", unknown).parent_path();
}

/// The folders of commands that this processor can run, the fastest first. What is asked of it is
/// what scripts/package.sh has them compiled for.
std::vector<fs::path> command_folders() {
  const fs::path commands = own_folder().parent_path() / "libexec" / "posekit";
  std::vector<fs::path> folders;
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma")) {
    folders.push_back(commands / "avx512");
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    folders.push_back(commands / "avx2");
  }
#endif
  folders.push_back(commands);
  return folders;
}

bool is_command(const fs::path& path) {
  std::error_code unknown;
  return fs::is_regular_file(path, unknown);
}

/// The names of the commands that are installed, in alphabetical order.
std::vector<std::string> installed_commands() {
  std::vector<std::string> names;
  std::error_code unknown;
  for (const auto& entry : fs::directory_iterator(command_folders().back(), unknown)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(prefix) && is_command(entry.path()))
      names.push_back(name.substr(prefix.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

int help(std::FILE* to) {
  std::fputs(
      "posekit: human pose networks, measured and explained\n\nUsage: posekit COMMAND "
      "[OPTIONS]\n\n",
      to);
  for (const std::string& name : installed_commands()) {
    const auto* command = std::find_if(std::begin(known), std::end(known),
                                       [&](const Command& c) { return c.name == name; });
    std::fprintf(to, "  %-12s%.*s\n", name.c_str(),
                 command == std::end(known) ? 0 : static_cast<int>(command->what.size()),
                 command == std::end(known) ? "" : command->what.data());
  }
  std::fputs("\n`posekit COMMAND --help` says what a command takes; posekit-COMMAND is the same.\n",
             to);
  return std::fflush(to) == 0 && std::ferror(to) == 0 ? 0 : 1;
}

/// Becomes the command; returns where that fails.
int run(const std::string& name, char** arguments) {
  for (const fs::path& folder : command_folders()) {
    const fs::path program = folder / (std::string(prefix) + name);
    if (!is_command(program)) continue;
    execv(program.c_str(), arguments);
    std::fprintf(stderr, "posekit: %s: %s\n", program.c_str(), std::strerror(errno));
    return 1;
  }
  std::string text = name;
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c > '~'; }, '?');
  std::fprintf(stderr, "posekit: there is no command '%s' (see posekit --help)\n",
               text.substr(0, 60).c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (own_folder().empty()) {
    std::fputs("posekit: /proc/self/exe says not where posekit is; is /proc mounted?\n", stderr);
    return 1;
  }
  const std::string called = argc > 0 ? fs::path(argv[0]).filename().string() : "";
  if (called.starts_with(prefix)) return run(called.substr(prefix.size()), argv);
  if (argc < 2) {
    help(stderr);
    return 1;
  }
  const std::string command = argv[1];
  if (command == "--help" || command == "-h" || command == "help") return help(stdout);
  if (command == "--version") {
    return std::puts("posekit " POSEKIT_VERSION) < 0 || std::fflush(stdout) != 0 ? 1 : 0;
  }
  if (command.find('/') != std::string::npos) return run("", argv);
  return run(command, argv + 1);
}
