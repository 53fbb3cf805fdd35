#include "people.hpp"

#include <posekit/io/folder.hpp>

namespace pk = posekit;

Photos find_photos(const pk::CocoDataset& dataset, const std::filesystem::path& folder) {
  Photos photos;
  for (const pk::CocoImage& image : dataset.images) {
    if (image.file_name.empty()) continue;
    const std::filesystem::path name = image.file_name;
    // Where a name leads out of the folder, it is that of a photo in the folder all the same.
    for (const auto& inside : {name, name.filename()}) {
      if (!pk::stays_inside(inside) || !pk::is_file(folder / inside)) continue;
      photos[image.id] = folder / inside;
      break;
    }
  }
  return photos;
}

std::vector<const pk::CocoAnnotation*> people_in(const pk::CocoDataset& dataset,
                                                 const Photos& photos) {
  std::vector<const pk::CocoAnnotation*> people;
  for (const pk::CocoAnnotation& person : dataset.annotations) {
    const bool looked_for = !person.is_crowd && pk::labelled_keypoints(person) > 0;
    if (looked_for && photos.count(person.image_id) != 0) people.push_back(&person);
  }
  return people;
}
