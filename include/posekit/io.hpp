#pragma once

// Files: arrays, images, weights.

#include <posekit/io/atomic_file.hpp>
#include <posekit/io/csv.hpp>
#include <posekit/io/exif.hpp>
#include <posekit/io/file.hpp>
#include <posekit/io/folder.hpp>
#include <posekit/io/folder_lock.hpp>
#include <posekit/io/image.hpp>
#include <posekit/io/jpeg.hpp>
#include <posekit/io/mapped_file.hpp>
#include <posekit/io/npy.hpp>
#include <posekit/io/npy_header.hpp>
#include <posekit/io/npz.hpp>
#include <posekit/io/safetensors.hpp>
#include <posekit/io/safetensors_header.hpp>
#include <posekit/io/stored_element.hpp>
#include <posekit/io/utf8.hpp>
