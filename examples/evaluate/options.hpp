#pragma once

#include <filesystem>
#include <string>

/// What the user asked for.
struct EvaluateOptions {
  std::filesystem::path truth, results;
  std::filesystem::path visible;       // of arrays; empty: all joints count
  std::string skeleton;                // of arrays; empty: found by the number of joints
  std::string unit;                    // of arrays; empty: px in the plane, mm in space
  std::filesystem::path attributions;  // a CSV of posekit-explain, or empty
  std::filesystem::path output = "out/evaluate";
  std::filesystem::path figures;  // empty: none
  double epsilon = 5;             // of inversions, pixels
  int threads = 0;
  bool quiet = false;
};

/// Reads the command line. Ends the program for --help and mistakes.
EvaluateOptions parse_command_line(int argc, char** argv);
