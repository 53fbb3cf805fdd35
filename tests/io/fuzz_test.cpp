#include <catch2/catch.hpp>

#include "fuzz/image.hpp"
#include "fuzz/npy.hpp"
#include "fuzz/npz.hpp"
#include "fuzz/safetensors.hpp"
#include "support/corpus.hpp"

TEST_CASE("What fuzzing found in pictures, arrays and weights is survived", "[io]") {
  replay_corpus("image", fuzz_image);
  replay_corpus("npy", fuzz_npy);
  replay_corpus("npz", fuzz_npz);
  replay_corpus("safetensors", fuzz_safetensors);
}
