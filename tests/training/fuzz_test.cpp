#include <catch2/catch.hpp>

#include "fuzz/csv.hpp"
#include "support/corpus.hpp"

TEST_CASE("What fuzzing found in tables and logs is survived", "[training]") {
  replay_corpus("csv", fuzz_csv);
}
