#pragma once

// Names the instruction set that this translation unit is compiled for.
//
// All of posekit but its exceptions lives in an inline namespace of this name, so that two
// translation units built with different -m flags never share a function: the linker would keep
// only one of them, and the program would die of an illegal instruction on the older machine. Code
// that uses posekit never spells the name: `posekit::Tape` is found through the inline namespace.
//
// The name has a letter for each extension that compilers use of their own accord: with -mavx2
// alone and with -march=haswell (which adds BMI, LZCNT and others) it is not the same.

// A macro that is defined as 1 becomes the letter, any other nothing.
#define POSEKIT_ISA_IS_1 ~,
#define POSEKIT_ISA_SECOND(first, second, ...) second
#define POSEKIT_ISA_CHOOSE(one, letter) POSEKIT_ISA_SECOND(one letter, , )
#define POSEKIT_ISA_EXPANDED(value, letter) POSEKIT_ISA_CHOOSE(POSEKIT_ISA_IS_##value, letter)
#define POSEKIT_ISA_LETTER(macro, letter) POSEKIT_ISA_EXPANDED(macro, letter)

#define POSEKIT_ISA_PASTE(a, b, c, d, e, f, g, h) a##b##c##d##e##f##g##h
#define POSEKIT_ISA_JOIN(a, b, c, d, e, f, g, h) POSEKIT_ISA_PASTE(a, b, c, d, e, f, g, h)

#define POSEKIT_ISA_SSE                                                                  \
  POSEKIT_ISA_JOIN(POSEKIT_ISA_LETTER(__SSE3__, a), POSEKIT_ISA_LETTER(__SSSE3__, b),    \
                   POSEKIT_ISA_LETTER(__SSE4_1__, c), POSEKIT_ISA_LETTER(__SSE4_2__, d), \
                   POSEKIT_ISA_LETTER(__SSE4A__, e), POSEKIT_ISA_LETTER(__POPCNT__, f),  \
                   POSEKIT_ISA_LETTER(__LZCNT__, g), POSEKIT_ISA_LETTER(__MOVBE__, h))
#define POSEKIT_ISA_AVX                                                             \
  POSEKIT_ISA_JOIN(POSEKIT_ISA_LETTER(__AVX__, i), POSEKIT_ISA_LETTER(__AVX2__, j), \
                   POSEKIT_ISA_LETTER(__FMA__, k), POSEKIT_ISA_LETTER(__F16C__, l), \
                   POSEKIT_ISA_LETTER(__BMI__, m), POSEKIT_ISA_LETTER(__BMI2__, n), \
                   POSEKIT_ISA_LETTER(__ADX__, o), POSEKIT_ISA_LETTER(__FMA4__, p))
#define POSEKIT_ISA_AVX512                                                                     \
  POSEKIT_ISA_JOIN(POSEKIT_ISA_LETTER(__AVX512F__, q), POSEKIT_ISA_LETTER(__AVX512CD__, r),    \
                   POSEKIT_ISA_LETTER(__AVX512DQ__, s), POSEKIT_ISA_LETTER(__AVX512BW__, t),   \
                   POSEKIT_ISA_LETTER(__AVX512VL__, u), POSEKIT_ISA_LETTER(__AVX512VBMI__, v), \
                   POSEKIT_ISA_LETTER(__AVX512VBMI2__, w), POSEKIT_ISA_LETTER(__AVX512IFMA__, x))
#define POSEKIT_ISA_LATER                                                                        \
  POSEKIT_ISA_JOIN(POSEKIT_ISA_LETTER(__AVX512VNNI__, A), POSEKIT_ISA_LETTER(__AVXVNNI__, B),    \
                   POSEKIT_ISA_LETTER(__AVX512BITALG__, C),                                      \
                   POSEKIT_ISA_LETTER(__AVX512VPOPCNTDQ__, D),                                   \
                   POSEKIT_ISA_LETTER(__AVX512BF16__, E), POSEKIT_ISA_LETTER(__AVX512FP16__, F), \
                   POSEKIT_ISA_LETTER(__GFNI__, G), POSEKIT_ISA_LETTER(__XOP__, H))
#define POSEKIT_ISA_ARM                                                                         \
  POSEKIT_ISA_JOIN(POSEKIT_ISA_LETTER(__ARM_NEON, I), POSEKIT_ISA_LETTER(__ARM_FEATURE_SVE, J), \
                   POSEKIT_ISA_LETTER(__ARM_FEATURE_SVE2, K),                                   \
                   POSEKIT_ISA_LETTER(__ARM_FEATURE_DOTPROD, L),                                \
                   POSEKIT_ISA_LETTER(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC, M),                 \
                   POSEKIT_ISA_LETTER(__ARM_FEATURE_ATOMICS, N), , )

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
