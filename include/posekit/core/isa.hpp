#pragma once

// Names the instruction set that this translation unit is compiled for.
//
// All of posekit that computes lives in an inline namespace of this name, so that two translation
// units built with different -m flags never share an inline function: the linker would keep only
// one of them, and the program would die of an illegal instruction on the older machine.
// Code that uses posekit never spells the name: `posekit::Tape` is found through the inline
// namespace.

#if defined(__AVX512F__) && defined(__AVX512CD__) && defined(__AVX512DQ__) && defined(__AVX512BW__)
#define POSEKIT_ISA isa_avx512bw
#elif defined(__AVX512F__)
#define POSEKIT_ISA isa_avx512f
#elif defined(__AVX2__) && defined(__FMA__)
#define POSEKIT_ISA isa_avx2_fma
#elif defined(__AVX2__)
#define POSEKIT_ISA isa_avx2
#elif defined(__AVX__)
#define POSEKIT_ISA isa_avx
#elif defined(__SSE4_2__)
#define POSEKIT_ISA isa_sse4_2
#elif defined(__ARM_NEON)
#define POSEKIT_ISA isa_neon
#else
#define POSEKIT_ISA isa_baseline
#endif

// GCC 12 warns of its own AVX-512 intrinsics (bug 105593). The pragma has to stand around their
// definition, so they are included here, before anything else does.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13 && defined(__AVX512F__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif
