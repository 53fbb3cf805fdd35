#pragma once

// Boxes and crops of pictures, and their colours.

#include <posekit/image/box.hpp>
#include <posekit/image/color_change.hpp>
#include <posekit/image/crop.hpp>
#include <posekit/image/crop_transforms.hpp>
#include <posekit/image/imagenet.hpp>
#include <posekit/image/photo_view.hpp>
