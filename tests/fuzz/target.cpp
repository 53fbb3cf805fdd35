// A libFuzzer program for one reader: compiled with its header and its function's name
// (tests/fuzz/CMakeLists.txt).

#include <cstddef>
#include <cstdint>

#include POSEKIT_FUZZ_HEADER

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  POSEKIT_FUZZ_FUNCTION({data, size});
  return 0;
}
