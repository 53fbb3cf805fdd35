#pragma once

// Published pose networks, with what has to be done before and after them.

#include <posekit/models/blazepose.hpp>
#include <posekit/models/centred_joints.hpp>
#include <posekit/models/efficientpose.hpp>
#include <posekit/models/hand_landmark.hpp>
#include <posekit/models/heatmap_reading.hpp>
#include <posekit/models/hourglass.hpp>
#include <posekit/models/image_lifter.hpp>
#include <posekit/models/image_lifter_network.hpp>
#include <posekit/models/inception_v4.hpp>
#include <posekit/models/lifting_features.hpp>
#include <posekit/models/margipose.hpp>
#include <posekit/models/margipose_network.hpp>
#include <posekit/models/model_zoo.hpp>
#include <posekit/models/movenet.hpp>
#include <posekit/models/pose_attribute_loss.hpp>
#include <posekit/models/pose_attribute_net.hpp>
#include <posekit/models/pose_attribute_network.hpp>
#include <posekit/models/pose_lifter.hpp>
#include <posekit/models/pose_network.hpp>
#include <posekit/models/posenet.hpp>
#include <posekit/models/prediction.hpp>
#include <posekit/models/progressive_loss.hpp>
#include <posekit/models/progressive_network.hpp>
#include <posekit/models/progressive_pose.hpp>
#include <posekit/models/residual_regressor.hpp>
#include <posekit/models/resnet.hpp>
#include <posekit/models/weights_metadata.hpp>
