#pragma once

#include <tuple>

#include <posekit/simd/batch.hpp>

// The instruction sets a kernel is tested with: all that this build can contain.
#if XSIMD_WITH_AVX512BW
#define POSEKIT_TEST_ARCHITECTURES xsimd::sse2, xsimd::fma3<xsimd::avx2>, xsimd::avx512bw
#elif XSIMD_WITH_FMA3_AVX2
#define POSEKIT_TEST_ARCHITECTURES xsimd::sse2, xsimd::fma3<xsimd::avx2>
#else
#define POSEKIT_TEST_ARCHITECTURES posekit::simd::DefaultArch
#endif

template <class T, class A>
struct KernelCase {
  using Value = T;
  using Arch = A;
};

template <class... Archs>
struct CasesOf {
  using type = std::tuple<KernelCase<float, Archs>..., KernelCase<double, Archs>...>;
};

/// Every instruction set with float and with double.
using KernelCases = CasesOf<POSEKIT_TEST_ARCHITECTURES>::type;
