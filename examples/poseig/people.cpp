#include "people.hpp"

namespace pk = posekit;

Photos find_photos(const pk::CocoDataset& dataset, const std::filesystem::path& folder) {
  Photos photos;
  for (const pk::CocoImage& image : dataset.images) {
    if (image.file_name.empty()) continue;
    const std::filesystem::path name = image.file_name;
    for (const auto& path : {folder / name, folder / name.filename()}) {
      if (!std::filesystem::is_regular_file(path)) continue;
      photos[image.id] = path;
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
