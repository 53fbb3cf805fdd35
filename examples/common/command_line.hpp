#pragma once

#include <functional>
#include <string>

#include <CLI/CLI.hpp>

/// A check that a number is from `low` to `high`, which NaN is not. `expected` says so in words.
CLI::Validator number_between(double low, double high, const std::string& expected);
/// A check that a number is positive and finite, or else 0 where that is allowed.
CLI::Validator positive_number(bool or_zero = false);

/// Parses a program's arguments and then calls `check`, which may throw what CLI11 throws. --help
/// is printed and ends the program with 0; what is wrong is said in one line and ends it with 1.
void parse_or_exit(CLI::App& app, int argc, char** argv, const std::function<void()>& check = {});
