#pragma once

#include <cstddef>
#include <cstdint>

#include <posekit/core/tensor.hpp>
#include <posekit/io/image.hpp>
#include <posekit/pose/pose_attributes.hpp>
#include <posekit/pose/torso_plane.hpp>
#include <posekit/viz/canvas.hpp>

/// The colour of a class: in front warm, behind cool, on the plane grey; pale where unknown.
posekit::Color attribute_color(std::int32_t label);

/// What the colours mean, from (x, y) on.
void draw_attribute_legend(posekit::Canvas& canvas, double x, double y);

/// `count` poses spread over all frames of poses [F, 16, 3], y up, each seen from its side and from
/// obliquely ahead, with the torso's plane and limbs in the colours of their attributes.
posekit::Bitmap draw_torso_planes(const posekit::Tensor<double>& poses,
                                  const posekit::TorsoPlanes<double>& planes,
                                  const posekit::PoseAttributes<double>& attributes,
                                  std::size_t count);
