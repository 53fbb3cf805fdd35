#include <catch2/catch.hpp>

#include "fuzz/bvh.hpp"
#include "fuzz/coco.hpp"
#include "fuzz/image_folder.hpp"
#include "support/corpus.hpp"

TEST_CASE("What fuzzing found in annotations and recordings is survived", "[datasets]") {
  replay_corpus("bvh", fuzz_bvh);
  replay_corpus("coco", fuzz_coco);
  replay_corpus("image_folder", fuzz_image_folder);
}
