#include <catch2/catch.hpp>

#include "fuzz/weights.hpp"
#include "support/corpus.hpp"

TEST_CASE("What fuzzing found in weights and their metadata is survived", "[models]") {
  replay_corpus("weights", fuzz_weights);
}
