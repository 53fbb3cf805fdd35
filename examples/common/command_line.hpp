#pragma once

#include <functional>

#include <CLI/CLI.hpp>

/// Parses a program's arguments and then calls `check`, which may throw what CLI11 throws. --help
/// is printed and ends the program with 0; what is wrong is said in one line and ends it with 1.
void parse_or_exit(CLI::App& app, int argc, char** argv, const std::function<void()>& check = {});
