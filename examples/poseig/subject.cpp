#include "subject.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <posekit/autodiff/shaping.hpp>

#include "networks.hpp"

namespace pk = posekit;

namespace {

pk::Tensor<float> batch_of_one(const pk::Tensor<float>& image) {
  return pk::reshaped(pk::Tensor<float>(image),
                      {1, image.shape()[0], image.shape()[1], image.shape()[2]});
}

pk::Box photo_box(const pk::Tensor<float>& photo) {
  return {0, 0, static_cast<double>(photo.shape()[2]), static_cast<double>(photo.shape()[1])};
}

/// Looks for the person with the network itself: first in the whole photo, then twice more around
/// the joints it is sure of.
pk::Box find_person(const pk::PoseModel<float>& model, const pk::Tensor<float>& photo,
                    std::size_t size, int threads) {
  pk::Box box = photo_box(photo);
  double margin = 1.0;
  for (int round = 0; round < 3; ++round) {
    const pk::Crop crop = pk::square_crop(box, size, margin);
    const Prediction found = predict(model, pk::crop_image(photo, crop), threads);
    const auto points = pk::to_photo(crop, pk::Tensor<float>(found.positions));
    double x0 = 1e9, y0 = 1e9, x1 = -1e9, y1 = -1e9;
    std::size_t sure = 0;
    for (std::size_t j = 0; j < points.shape()[0]; ++j) {
      if (found.confidence(j) < 0.25f) continue;
      ++sure;
      x0 = std::min<double>(x0, points(j, 0));
      x1 = std::max<double>(x1, points(j, 0));
      y0 = std::min<double>(y0, points(j, 1));
      y1 = std::max<double>(y1, points(j, 1));
    }
    if (sure < 3 || !(x1 - x0 > 4) || !(y1 - y0 > 4)) {
      if (round > 0) break;
      throw pk::ValueError(
          pk::error_text("the network found no person in the photo (it is sure of ", sure,
                         " joints); say where the person is with --box x,y,width,height"));
    }
    // Joints lie inside the silhouette: ears and ankles are not the ends of a person.
    const double grow = 0.1 * std::max(x1 - x0, y1 - y0);
    box = {x0 - grow, y0 - grow, x1 - x0 + 2 * grow, y1 - y0 + 2 * grow};
    margin = model.crop_margin;
  }
  return box;
}

/// Throws ValueError unless a box has an extent and touches the photo.
void require_inside(const std::string& what, const pk::Box& box, const pk::Tensor<float>& photo) {
  const pk::Box all = photo_box(photo);
  if (!(box.width > 0) || !(box.height > 0) ||
      !std::isfinite(box.x + box.y + box.width + box.height)) {
    throw pk::ValueError(pk::error_text(what, " is empty"));
  }
  if (box.x >= all.width || box.y >= all.height || box.x + box.width <= 0 ||
      box.y + box.height <= 0 || box.width > 20 * all.width || box.height > 20 * all.height) {
    throw pk::ValueError(pk::error_text(what, " lies outside the photo, which is ", all.width,
                                        " x ", all.height, " pixels"));
  }
}

pk::Box parse_box(const std::string& text, const pk::Tensor<float>& photo) {
  pk::Box box;
  char rest = 0;
  if (std::sscanf(text.c_str(), "%lf,%lf,%lf,%lf%c", &box.x, &box.y, &box.width, &box.height,
                  &rest) != 4) {
    throw pk::ValueError(pk::error_text(
        "--box is '", text, "', expected auto, photo or x,y,width,height in photo pixels"));
  }
  require_inside("--box " + text, box, photo);
  return box;
}

/// Foreground probabilities [1, S, S] from the selfie network, which sees the same square in its
/// own resolution.
pk::Tensor<float> selfie_mask(const ExplainOptions& options, const Subject& subject) {
  constexpr std::size_t size = 256;
  const double ratio = static_cast<double>(subject.crop.width) / size;
  pk::Crop view = subject.crop;
  view.width = view.height = size;
  view.to_photo.leftCols<2>() = subject.crop.to_photo.leftCols<2>() * ratio;
  view.to_photo.col(2) = subject.crop.photo_point({0.5 * ratio - 0.5, 0.5 * ratio - 0.5});
  const auto probability =
      person_probability(options, batch_of_one(pk::crop_image(subject.photo, view)));
  pk::Crop back;
  back.width = subject.crop.width;
  back.height = subject.crop.height;
  back.to_photo.leftCols<2>() = Eigen::Matrix2d::Identity() / ratio;
  back.to_photo.col(2).setConstant(0.5 / ratio - 0.5);
  return pk::crop_image(probability, back);
}

/// The mask of the crop, from wherever the options say.
void find_mask(const ExplainOptions& options, const pk::CocoAnnotation* annotation,
               Subject& subject) {
  const std::size_t height = subject.photo.shape()[1], width = subject.photo.shape()[2];
  const bool segmented =
      annotation != nullptr && (!annotation->polygons.empty() || !annotation->runs.empty());
  subject.mask_source = options.mask;
  if (options.mask == "auto") subject.mask_source = segmented ? "annotation" : "none";
  if (subject.mask_source == "none") return;

  pk::Tensor<float> mask;
  if (subject.mask_source == "selfie") {
    mask = selfie_mask(options, subject);
  } else {
    pk::Tensor<float> whole = pk::zeros<float>({1, height, width});
    if (subject.mask_source == "annotation") {
      const auto pixels = pk::segmentation_mask(*annotation, height, width);
      std::copy_n(pixels.data(), pixels.size(), whole.data());
    } else {
      const pk::Bitmap picture = pk::load_bitmap(options.mask, 1);
      if (picture.width != width || picture.height != height) {
        throw pk::ValueError(pk::error_text(options.mask, ": the mask is ", picture.width, " x ",
                                            picture.height, " pixels, the photo ", width, " x ",
                                            height));
      }
      for (std::size_t i = 0; i < whole.size(); ++i) {
        whole.data()[i] = picture.samples[i] > 127 ? 1.0f : 0.0f;
      }
    }
    mask = pk::crop_image(whole, subject.crop);
  }
  std::size_t set = 0;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    mask.data()[i] = mask.data()[i] >= 0.5f ? 1.0f : 0.0f;
    set += mask.data()[i] > 0 ? 1 : 0;
  }
  if (set == 0) {
    throw pk::ValueError(pk::error_text("the mask (", subject.mask_source,
                                        ") holds no pixel of what the network sees"));
  }
  subject.mask = pk::reshaped(std::move(mask), {subject.crop.height, subject.crop.width});
}

/// Which joints are explained, and where they should be.
void find_joints(const ExplainOptions& options, const pk::Skeleton& skeleton,
                 const pk::CocoAnnotation* annotation, Subject& subject) {
  if (options.joints.empty()) {
    for (std::size_t j = 0; j < skeleton.size(); ++j) subject.joints.push_back(j);
  } else {
    for (const std::string& name : options.joints) {
      const std::size_t joint = skeleton.index(name);
      if (std::find(subject.joints.begin(), subject.joints.end(), joint) != subject.joints.end()) {
        throw pk::ValueError(pk::error_text("--joints names ", name, " twice"));
      }
      subject.joints.push_back(joint);
    }
  }
  pk::Tensor<float> all = subject.predicted.positions;
  if (options.truth == "annotation") {
    const std::string who =
        pk::error_text(options.annotations.string(), ": annotation ", annotation->id);
    const std::size_t count = annotation->keypoints.size();
    const bool is_hand = count == pk::skeletons::hand_21.size();
    if (!is_hand && count != pk::skeletons::coco_17.size()) {
      throw pk::ValueError(
          pk::error_text(who, " has ", count, " keypoints, expected 17 (people) or 21 (hands)"));
    }
    const pk::Skeleton& labels = is_hand ? pk::skeletons::hand_21 : pk::skeletons::coco_17;
    std::vector<std::size_t> labelled;
    for (const std::size_t j : subject.joints) {
      const auto in_labels = labels.find(skeleton.joints[j]);
      if (!in_labels || annotation->keypoints[*in_labels].visibility == 0) {
        if (options.joints.empty()) continue;
        throw pk::ValueError(
            pk::error_text(who, " has no label for the joint ", skeleton.joints[j]));
      }
      const pk::CocoKeypoint& point = annotation->keypoints[*in_labels];
      const Eigen::Vector2d in_crop = subject.crop.crop_point({point.x, point.y});
      all(j, 0) = static_cast<float>(in_crop.x());
      all(j, 1) = static_cast<float>(in_crop.y());
      labelled.push_back(j);
    }
    subject.joints = labelled;
    if (labelled.empty()) {
      throw pk::ValueError(pk::error_text(who, " labels no joint that the network has"));
    }
  }
  subject.target = pk::make_tensor<float>({subject.joints.size(), 2});
  for (std::size_t k = 0; k < subject.joints.size(); ++k) {
    for (std::size_t d = 0; d < 2; ++d) subject.target(k, d) = all(subject.joints[k], d);
  }
}

const pk::CocoAnnotation& choose_annotation(const ExplainOptions& options,
                                            const pk::CocoDataset& dataset) {
  if (options.annotation) return pk::find_annotation(dataset, *options.annotation);
  if (dataset.annotations.size() == 1) return dataset.annotations[0];
  throw pk::ValueError(pk::error_text(dataset.source, ": has ", dataset.annotations.size(),
                                      " annotations; say which with --annotation ID"));
}

/// Throws ValueError where the annotation belongs to an image of another size.
void require_same_image(const pk::CocoDataset& dataset, const pk::CocoAnnotation& annotation,
                        const Subject& subject) {
  for (const pk::CocoImage& image : dataset.images) {
    if (image.id != annotation.image_id || image.width == 0 || image.height == 0) continue;
    if (image.width != subject.bitmap.width || image.height != subject.bitmap.height) {
      throw pk::ValueError(pk::error_text(
          dataset.source, ": annotation ", annotation.id, " belongs to an image (", image.file_name,
          ") of ", image.width, " x ", image.height, " pixels; the photo has ",
          subject.bitmap.width, " x ", subject.bitmap.height));
    }
  }
}

}  // namespace

Prediction predict(const pk::PoseModel<float>& model, const pk::Tensor<float>& crop, int threads) {
  pk::Tape<float> tape({.threads = threads});
  const auto x = tape.constant(batch_of_one(crop));
  const std::size_t joints = model.skeleton->size();
  return {pk::reshaped(pk::Tensor<float>(model(x).value()), {joints, 2}),
          pk::reshaped(model.confidence(x), {joints})};
}

Subject find_subject(const ExplainOptions& options, const pk::CocoDataset* dataset,
                     const pk::PoseModel<float>& model) {
  Subject subject;
  subject.bitmap = pk::load_bitmap(options.image);
  subject.photo = pk::to_tensor<float>(subject.bitmap);
  std::size_t size = model.size;
  if (options.size) {
    if (*options.size > 4096) {
      throw pk::ValueError(pk::error_text("--size is ", *options.size, ", expected at most 4096"));
    }
    size = *options.size;
    model.require_size(size);
  }
  const pk::CocoAnnotation* annotation = nullptr;
  if (dataset != nullptr) {
    annotation = &choose_annotation(options, *dataset);
    require_same_image(*dataset, *annotation, subject);
  }
  double margin = model.crop_margin;
  if (options.box == "photo") {
    subject.box = photo_box(subject.photo);
    margin = 1.0;
  } else if (options.box != "auto") {
    subject.box = parse_box(options.box, subject.photo);
  } else if (annotation != nullptr && annotation->box.width > 0 && annotation->box.height > 0) {
    require_inside(pk::error_text("the box of annotation ", annotation->id), annotation->box,
                   subject.photo);
    subject.box = annotation->box;
  } else {
    subject.box = find_person(model, subject.photo, size, options.integration.threads);
  }
  subject.crop = pk::square_crop(subject.box, size, margin);
  subject.image = pk::crop_image(subject.photo, subject.crop);
  subject.predicted = predict(model, subject.image, options.integration.threads);
  find_joints(options, *model.skeleton, annotation, subject);
  find_mask(options, annotation, subject);
  return subject;
}
