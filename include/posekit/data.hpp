#pragma once

// Annotations, results and their evaluation, crops, augmentation, batches.

#include <posekit/data/annotated_image.hpp>
#include <posekit/data/augmentation.hpp>
#include <posekit/data/batch_loader.hpp>
#include <posekit/data/batch_sampling.hpp>
#include <posekit/data/bvh.hpp>
#include <posekit/data/coco.hpp>
#include <posekit/data/coco_evaluation.hpp>
#include <posekit/data/coco_images.hpp>
#include <posekit/data/coco_matching.hpp>
#include <posekit/data/coco_results.hpp>
#include <posekit/data/coco_writer.hpp>
#include <posekit/data/color_change.hpp>
#include <posekit/data/crop.hpp>
#include <posekit/data/crop_example.hpp>
#include <posekit/data/crop_transforms.hpp>
#include <posekit/data/image_folder.hpp>
#include <posekit/data/mocap.hpp>
#include <posekit/data/multi_crop.hpp>
#include <posekit/data/pose_batch.hpp>
#include <posekit/data/pose_example.hpp>
