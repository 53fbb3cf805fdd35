#pragma once

#include <functional>

/// What the command line asks for. Ends the program where it asks for help or makes no sense.
std::function<void()> parse_command_line(int argc, char** argv);
