#include "options.hpp"
#include "program.hpp"

int main(int argc, char** argv) {
  return run_program("posekit-progressive", [&] { parse_command_line(argc, argv)(); });
}
