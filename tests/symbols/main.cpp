// Two instruction sets in one program: what one throws, anybody catches.

#include <cmath>
#include <cstdio>
#include <string>

#include <posekit/core/error.hpp>

#include "everything.hpp"

namespace {

bool throws(double (*use)(bool)) {
  try {
    use(true);
  } catch (const posekit::FileError& error) {
    return std::string(error.what()).starts_with("/nowhere");
  }
  return false;
}

}  // namespace

int main() {
  const double expected = use_baseline(false);
  if (!throws(use_baseline)) return 1;
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    std::puts("this processor has no AVX2");
    return 0;
  }
  return throws(use_avx2) && std::abs(use_avx2(false) - expected) < 1e-14 ? 0 : 1;
}
