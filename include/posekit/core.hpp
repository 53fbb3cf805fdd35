#pragma once

// Tensors, shapes, errors, coordinate conventions, threads, random numbers.

#include <posekit/core/aligned.hpp>
#include <posekit/core/bitmap.hpp>
#include <posekit/core/coordinates.hpp>
#include <posekit/core/decimal.hpp>
#include <posekit/core/digest.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/half.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/linear_algebra.hpp>
#include <posekit/core/listed.hpp>
#include <posekit/core/permutation.hpp>
#include <posekit/core/printable.hpp>
#include <posekit/core/progress.hpp>
#include <posekit/core/random.hpp>
#include <posekit/core/redrawn.hpp>
#include <posekit/core/require.hpp>
#include <posekit/core/shape.hpp>
#include <posekit/core/statistics.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/core/threads.hpp>
