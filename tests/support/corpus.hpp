#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <posekit/io/file.hpp>

#include "support/shared_data.hpp"

/// Calls `fuzz` with each input in tests/fuzz/corpus/`reader`: what fuzzing found once is survived.
template <class Fuzz>
void replay_corpus(const std::string& reader, const Fuzz& fuzz) {
  const auto folder = source_root() / "tests" / "fuzz" / "corpus" / reader;
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    INFO(entry.path().filename().string());
    const std::vector<std::uint8_t> bytes = posekit::read_file(entry.path());
    CHECK_NOTHROW(fuzz(bytes));
    ++count;
  }
  CHECK(count > 5);
}
