#pragma once

// People and hands that are drawn: plausible poses, bodies, backgrounds, and the data set of them.

#include <posekit/synthetic/activities.hpp>
#include <posekit/synthetic/backdrop.hpp>
#include <posekit/synthetic/camera_placement.hpp>
#include <posekit/synthetic/figure.hpp>
#include <posekit/synthetic/hand_figure.hpp>
#include <posekit/synthetic/hand_generator.hpp>
#include <posekit/synthetic/lifting_examples.hpp>
#include <posekit/synthetic/limb_renderer.hpp>
#include <posekit/synthetic/person_figure.hpp>
#include <posekit/synthetic/person_joints.hpp>
#include <posekit/synthetic/pose_angles.hpp>
#include <posekit/synthetic/pose_generator.hpp>
#include <posekit/synthetic/procedural_texture.hpp>
#include <posekit/synthetic/random_stream.hpp>
#include <posekit/synthetic/synthetic_people.hpp>
#include <posekit/synthetic/textured_patch.hpp>
