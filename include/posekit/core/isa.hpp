#pragma once

// Names the instruction set that this translation unit is compiled for.
//
// All of posekit but its exceptions lives in an inline namespace of this name, so that two
// translation units built with different -m flags never share a function: the linker would keep
// only one of them, and the program would die of an illegal instruction on the older machine. Code
// that uses posekit never spells the name: `posekit::Tape` is found through the inline namespace.
//
// The name has a digit for each extension that compilers use of their own accord: with -mavx2
// alone and with -march=haswell (which adds BMI, LZCNT and others) it is not the same.

// 1 for a macro that is defined as 1, otherwise 0.
#define POSEKIT_ISA_IS_1 ~, 1
#define POSEKIT_ISA_SECOND(first, second, ...) second
#define POSEKIT_ISA_CHOOSE(...) POSEKIT_ISA_SECOND(__VA_ARGS__, 0, )
#define POSEKIT_ISA_EXPANDED(value) POSEKIT_ISA_CHOOSE(POSEKIT_ISA_IS_##value)
#define POSEKIT_ISA_DIGIT(macro) POSEKIT_ISA_EXPANDED(macro)

#define POSEKIT_ISA_PASTE(a, b, c, d, e, f, g, h) a##b##c##d##e##f##g##h
#define POSEKIT_ISA_JOIN(a, b, c, d, e, f, g, h) POSEKIT_ISA_PASTE(a, b, c, d, e, f, g, h)

#define POSEKIT_ISA_SSE                                                          \
  POSEKIT_ISA_JOIN(POSEKIT_ISA_DIGIT(__SSE3__), POSEKIT_ISA_DIGIT(__SSSE3__),    \
                   POSEKIT_ISA_DIGIT(__SSE4_1__), POSEKIT_ISA_DIGIT(__SSE4_2__), \
                   POSEKIT_ISA_DIGIT(__SSE4A__), POSEKIT_ISA_DIGIT(__POPCNT__),  \
                   POSEKIT_ISA_DIGIT(__LZCNT__), POSEKIT_ISA_DIGIT(__MOVBE__))
#define POSEKIT_ISA_AVX                                                     \
  POSEKIT_ISA_JOIN(POSEKIT_ISA_DIGIT(__AVX__), POSEKIT_ISA_DIGIT(__AVX2__), \
                   POSEKIT_ISA_DIGIT(__FMA__), POSEKIT_ISA_DIGIT(__F16C__), \
                   POSEKIT_ISA_DIGIT(__BMI__), POSEKIT_ISA_DIGIT(__BMI2__), \
                   POSEKIT_ISA_DIGIT(__ADX__), POSEKIT_ISA_DIGIT(__FMA4__))
#define POSEKIT_ISA_AVX512                                                             \
  POSEKIT_ISA_JOIN(POSEKIT_ISA_DIGIT(__AVX512F__), POSEKIT_ISA_DIGIT(__AVX512CD__),    \
                   POSEKIT_ISA_DIGIT(__AVX512DQ__), POSEKIT_ISA_DIGIT(__AVX512BW__),   \
                   POSEKIT_ISA_DIGIT(__AVX512VL__), POSEKIT_ISA_DIGIT(__AVX512VBMI__), \
                   POSEKIT_ISA_DIGIT(__AVX512VBMI2__), POSEKIT_ISA_DIGIT(__AVX512IFMA__))
#define POSEKIT_ISA_LATER                                                                       \
  POSEKIT_ISA_JOIN(POSEKIT_ISA_DIGIT(__AVX512VNNI__), POSEKIT_ISA_DIGIT(__AVXVNNI__),           \
                   POSEKIT_ISA_DIGIT(__AVX512BITALG__), POSEKIT_ISA_DIGIT(__AVX512VPOPCNTDQ__), \
                   POSEKIT_ISA_DIGIT(__AVX512BF16__), POSEKIT_ISA_DIGIT(__AVX512FP16__),        \
                   POSEKIT_ISA_DIGIT(__GFNI__), POSEKIT_ISA_DIGIT(__XOP__))
#define POSEKIT_ISA_ARM                                                                 \
  POSEKIT_ISA_JOIN(POSEKIT_ISA_DIGIT(__ARM_NEON), POSEKIT_ISA_DIGIT(__ARM_FEATURE_SVE), \
                   POSEKIT_ISA_DIGIT(__ARM_FEATURE_SVE2),                               \
                   POSEKIT_ISA_DIGIT(__ARM_FEATURE_DOTPROD),                            \
                   POSEKIT_ISA_DIGIT(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC),             \
                   POSEKIT_ISA_DIGIT(__ARM_FEATURE_ATOMICS), , )

#if defined(__AVX512F__)
#define POSEKIT_ISA_LEVEL isa_avx512_
#elif defined(__AVX2__)
#define POSEKIT_ISA_LEVEL isa_avx2_
#elif defined(__AVX__)
#define POSEKIT_ISA_LEVEL isa_avx_
#elif defined(__ARM_NEON)
#define POSEKIT_ISA_LEVEL isa_neon_
#else
#define POSEKIT_ISA_LEVEL isa_base_
#endif

#define POSEKIT_ISA                                                                         \
  POSEKIT_ISA_JOIN(POSEKIT_ISA_LEVEL, POSEKIT_ISA_SSE, POSEKIT_ISA_AVX, POSEKIT_ISA_AVX512, \
                   POSEKIT_ISA_LATER, POSEKIT_ISA_ARM, , )

// GCC 12 warns of its own AVX-512 intrinsics (bug 105593). The pragma has to stand around their
// definition, so they are included here, before anything else does.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13 && defined(__AVX512F__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif
