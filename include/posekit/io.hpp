#pragma once

// Files: arrays and images.

#include <posekit/io/csv.hpp>
#include <posekit/io/exif.hpp>
#include <posekit/io/file.hpp>
#include <posekit/io/image.hpp>
#include <posekit/io/jpeg.hpp>
#include <posekit/io/npy.hpp>
#include <posekit/io/npz.hpp>
