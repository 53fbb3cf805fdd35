#pragma once

// The only place that includes Eigen: small dense matrices.

#include <posekit/core/isa.hpp>  // before the intrinsics that Eigen includes

#include <Eigen/Core>
#include <Eigen/LU>
#include <Eigen/SVD>
