#include <cstdio>
#include <exception>

#include "options.hpp"

int main(int argc, char** argv) {
  try {
    parse_command_line(argc, argv)();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "posekit-margipose: %s\n", error.what());
    return 1;
  }
}
