#pragma once

// Whether a file that includes posekit compiles what the headers define, or only what they declare.
//
// Headers end in `#if POSEKIT_DEFINES_<ROOM>`: what follows are the definitions of what stands
// above. Usually they belong to every file (header-only). A program that links `posekit::compiled`
// leaves them out, because they are in that library: CMake then defines, for each instruction set
// that the library was compiled for, POSEKIT_COMPILED_FOR_<its namespace> as 1 (core/isa.hpp). A
// file with other -m flags is none of these and gets the definitions, as ever: it never runs code
// for another processor.
//
// The library's own source files define POSEKIT_SOURCE and POSEKIT_DEFINES_<ROOM> for the rooms
// they compile, and POSEKIT_INLINE as nothing where they hold the room's plain functions.

#include <posekit/core/isa.hpp>

// 1 where the library was compiled for the instruction set of this file.
#define POSEKIT_IS_COMPILED_FOR_THIS \
  POSEKIT_ISA_DIGIT(POSEKIT_ISA_JOIN(POSEKIT_COMPILED_FOR_, POSEKIT_ISA, , , , , , ))

#if defined(POSEKIT_SOURCE)
#define POSEKIT_DEFINES_OTHERS 0
#if defined(POSEKIT_COMPILED) && !POSEKIT_IS_COMPILED_FOR_THIS
#error "posekit::compiled is compiled with other -m flags than CMake found out"
#endif
#elif defined(_GLIBCXX_DEBUG) || defined(EIGEN_DONT_ALIGN)
// Containers and matrices have another layout than in the library.
#define POSEKIT_DEFINES_OTHERS 1
#elif POSEKIT_IS_COMPILED_FOR_THIS
#define POSEKIT_DEFINES_OTHERS 0
#else
#define POSEKIT_DEFINES_OTHERS 1
#if defined(POSEKIT_COMPILED)
#pragma message( \
    "posekit::compiled is for other -m flags than this file's: the headers are compiled instead, which takes longer")
#endif
#endif

#ifndef POSEKIT_INLINE
#define POSEKIT_INLINE inline
#endif

#ifndef POSEKIT_DEFINES_ATTRIBUTION
#define POSEKIT_DEFINES_ATTRIBUTION POSEKIT_DEFINES_OTHERS
#endif
#ifndef POSEKIT_DEFINES_AUTODIFF
#define POSEKIT_DEFINES_AUTODIFF POSEKIT_DEFINES_OTHERS
#endif
#ifndef POSEKIT_DEFINES_BATCHES
#define POSEKIT_DEFINES_BATCHES POSEKIT_DEFINES_OTHERS
#endif
#ifndef POSEKIT_DEFINES_CORE
#define POSEKIT_DEFINES_CORE POSEKIT_DEFINES_OTHERS
#endif
#ifndef POSEKIT_DEFINES_DATASETS
#define POSEKIT_DEFINES_DATASETS POSEKIT_DEFINES_OTHERS
#endif
#ifndef POSEKIT_DEFINES_EVALUATION
#define POSEKIT_DEFINES_EVALUATION POSEKIT_DEFINES_OTHERS
#endif
#ifndef POSEKIT_DEFINES_GRAPH
#define POSEKIT_DEFINES_GRAPH POSEKIT_DEFINES_OTHERS
#endif
#ifndef POSEKIT_DEFINES_HEATMAP
#define POSEKIT_DEFINES_HEATMAP POSEKIT_DEFINES_OTHERS
#endif
#ifndef POSEKIT_DEFINES_IMAGE
#define POSEKIT_DEFINES_IMAGE POSEKIT_DEFINES_OTHERS
#endif
#ifndef POSEKIT_DEFINES_IO
#define POSEKIT_DEFINES_IO POSEKIT_DEFINES_OTHERS
#endif
#ifndef POSEKIT_DEFINES_MODELS
#define POSEKIT_DEFINES_MODELS POSEKIT_DEFINES_OTHERS
#endif
#ifndef POSEKIT_DEFINES_NN
#define POSEKIT_DEFINES_NN POSEKIT_DEFINES_OTHERS
#endif
#ifndef POSEKIT_DEFINES_OPTIM
#define POSEKIT_DEFINES_OPTIM POSEKIT_DEFINES_OTHERS
#endif
#ifndef POSEKIT_DEFINES_POSE
#define POSEKIT_DEFINES_POSE POSEKIT_DEFINES_OTHERS
#endif
#ifndef POSEKIT_DEFINES_SYNTHETIC
#define POSEKIT_DEFINES_SYNTHETIC POSEKIT_DEFINES_OTHERS
#endif
#ifndef POSEKIT_DEFINES_TRAINING
#define POSEKIT_DEFINES_TRAINING POSEKIT_DEFINES_OTHERS
#endif
#ifndef POSEKIT_DEFINES_VIZ
#define POSEKIT_DEFINES_VIZ POSEKIT_DEFINES_OTHERS
#endif
