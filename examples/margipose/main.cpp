#include "options.hpp"
#include "program.hpp"

int main(int argc, char** argv) {
  return run_program("posekit-margipose", [&] { parse_command_line(argc, argv)(); });
}
