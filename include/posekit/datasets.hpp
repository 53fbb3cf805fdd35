#pragma once

// Annotations, results and motion capture in files.

#include <posekit/datasets/annotated_image.hpp>
#include <posekit/datasets/bvh.hpp>
#include <posekit/datasets/coco.hpp>
#include <posekit/datasets/coco_images.hpp>
#include <posekit/datasets/coco_results.hpp>
#include <posekit/datasets/coco_writer.hpp>
#include <posekit/datasets/image_folder.hpp>
#include <posekit/datasets/mocap.hpp>
