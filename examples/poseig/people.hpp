#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <vector>

#include <posekit/datasets/coco.hpp>

/// Where the photos of annotated images are, by the images' ids.
using Photos = std::map<std::int64_t, std::filesystem::path>;

/// Those of a dataset's photos that are in a folder: as the dataset says, or else by the name
/// alone.
Photos find_photos(const posekit::CocoDataset& dataset, const std::filesystem::path& folder);

/// People with labelled keypoints, no crowds, whose photo there is. They belong to the dataset.
std::vector<const posekit::CocoAnnotation*> people_in(const posekit::CocoDataset& dataset,
                                                      const Photos& photos);
