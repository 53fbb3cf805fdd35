#include "subject.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <posekit/models/prediction.hpp>

#include "networks.hpp"

namespace pk = posekit;

namespace {

pk::Tensor<float> batch_of_one(const pk::Tensor<float>& image) {
  return pk::reshaped(pk::Tensor<float>(image),
                      {1, image.shape()[0], image.shape()[1], image.shape()[2]});
}

/// Where the person is, by the options, the annotation or the network itself.
pk::Box find_box(const ExplainOptions& options, const pk::CocoAnnotation* annotation,
                 const pk::PoseNetwork<float>& network, const pk::Bitmap& photo) {
  if (options.box == "photo") return pk::photo_box(photo);
  if (options.box != "auto") {
    const auto box = pk::parse_box(options.box);
    if (!box) {
      throw pk::ValueError(
          pk::error_text("--box is '", options.box,
                         "', expected auto, photo or x,y,width,height in photo pixels"));
    }
    pk::require_box_in_photo("--box " + options.box, *box, photo.width, photo.height);
    return *box;
  }
  if (annotation != nullptr && annotation->box.width > 0 && annotation->box.height > 0) {
    pk::require_box_in_photo(pk::error_text("the box of annotation ", annotation->id),
                             annotation->box, photo.width, photo.height);
    return annotation->box;
  }
  try {
    return pk::find_person(network, photo,
                           {.size = options.size, .threads = options.integration.threads});
  } catch (const pk::ValueError& error) {
    throw pk::ValueError(
        pk::error_text(error.what(), "; say where the person is with --box x,y,width,height"));
  }
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
      person_probability(options, batch_of_one(pk::crop_image<float>(subject.photo, view)));
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
  const std::size_t height = subject.photo.height, width = subject.photo.width;
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
  subject.what.mask = pk::reshaped(std::move(mask), {subject.crop.height, subject.crop.width});
}

/// Which joints are explained, and where they should be.
void find_joints(const ExplainOptions& options, const pk::Skeleton& skeleton,
                 const pk::CocoAnnotation* annotation, Subject& subject) {
  std::vector<std::size_t>& joints = subject.what.joints;
  for (const std::string& name : options.joints) {
    const std::size_t joint = skeleton.index(name);
    if (std::find(joints.begin(), joints.end(), joint) != joints.end()) {
      throw pk::ValueError(pk::error_text("--joints names ", name, " twice"));
    }
    joints.push_back(joint);
  }
  if (options.truth != "annotation") return;
  const std::string who =
      pk::error_text(options.annotations.string(), ": annotation ", annotation->id);
  const pk::Skeleton& labels = pk::keypoint_skeleton(*annotation);
  pk::Tensor<float> truth = pk::make_tensor<float>({skeleton.size(), 2});
  truth.fill(std::nanf(""));
  bool any = false;
  for (std::size_t j = 0; j < skeleton.size(); ++j) {
    const bool named = std::find(joints.begin(), joints.end(), j) != joints.end();
    const auto in_labels = labels.find(skeleton.joints[j]);
    if (!in_labels || annotation->keypoints[*in_labels].visibility == 0) {
      if (!named) continue;
      throw pk::ValueError(pk::error_text(who, " has no label for the joint ", skeleton.joints[j]));
    }
    const pk::CocoKeypoint& point = annotation->keypoints[*in_labels];
    const Eigen::Vector2d in_crop = subject.crop.crop_point({point.x, point.y});
    truth(j, 0) = static_cast<float>(in_crop.x());
    truth(j, 1) = static_cast<float>(in_crop.y());
    any = true;
  }
  if (!any) throw pk::ValueError(pk::error_text(who, " labels no joint that the network has"));
  subject.what.truth = std::move(truth);
}

/// Where a straight path begins, and the pixels in which distances are measured.
void find_path(const ExplainOptions& options, Subject& subject) {
  // Distances in photo pixels are those in crop pixels times the crop's scale.
  if (options.space == "photo")
    subject.what.distance_scale = static_cast<float>(subject.crop.scale());
  if (options.integration.baseline != pk::Baseline::image) return;
  const pk::Bitmap picture = pk::load_bitmap(options.baseline);
  if (picture.width != subject.photo.width || picture.height != subject.photo.height) {
    throw pk::ValueError(pk::error_text(options.baseline, ": the picture is ", picture.width, " x ",
                                        picture.height, " pixels, the photo ", subject.photo.width,
                                        " x ", subject.photo.height));
  }
  subject.what.baseline = pk::crop_image<float>(picture, subject.crop);
}

/// The annotation that the options name, or the only one of the photo; of all, where the file says
/// nothing of a photo of this name.
const pk::CocoAnnotation& choose_annotation(const ExplainOptions& options,
                                            const pk::CocoDataset& dataset) {
  if (options.annotation) return pk::find_annotation(dataset, *options.annotation);
  const std::string name = options.image.filename().string();
  const auto photo =
      std::find_if(dataset.images.begin(), dataset.images.end(), [&](const pk::CocoImage& image) {
        return std::filesystem::path(image.file_name).filename() == name;
      });
  std::vector<const pk::CocoAnnotation*> people;
  for (const pk::CocoAnnotation& annotation : dataset.annotations) {
    if (photo == dataset.images.end() || annotation.image_id == photo->id)
      people.push_back(&annotation);
  }
  if (people.size() == 1) return *people[0];
  std::string which;
  constexpr std::size_t most = 12;
  for (std::size_t i = 0; i < std::min(most, people.size()); ++i) {
    const pk::Box& box = people[i]->box;
    which += pk::error_text(i == 0 ? ": " : "; ", people[i]->id, " (box ", box.x, ",", box.y, ",",
                            box.width, ",", box.height, ")");
  }
  if (people.size() > most) which += pk::error_text("; and ", people.size() - most, " more");
  throw pk::ValueError(pk::error_text(dataset.source, ": has ", people.size(), " annotations",
                                      photo == dataset.images.end() ? "" : " of " + name,
                                      people.empty() ? "" : ", say which with --annotation ID",
                                      which));
}

/// Throws ValueError where the annotation belongs to an image of another size.
void require_same_image(const pk::CocoDataset& dataset, const pk::CocoAnnotation& annotation,
                        const Subject& subject) {
  for (const pk::CocoImage& image : dataset.images) {
    if (image.id != annotation.image_id || image.width == 0 || image.height == 0) continue;
    if (image.width != subject.photo.width || image.height != subject.photo.height) {
      throw pk::ValueError(pk::error_text(
          dataset.source, ": annotation ", annotation.id, " belongs to an image (", image.file_name,
          ") of ", image.width, " x ", image.height, " pixels; the photo has ", subject.photo.width,
          " x ", subject.photo.height));
    }
  }
}

}  // namespace

Subject find_subject(const ExplainOptions& options, const pk::CocoDataset* dataset,
                     const pk::PoseNetwork<float>& network) {
  Subject subject;
  subject.photo = pk::load_bitmap(options.image);
  if (options.size && *options.size > 4096) {
    throw pk::ValueError(pk::error_text("--size is ", *options.size, ", expected at most 4096"));
  }
  network.require_size(options.size.value_or(network.input().size));
  const pk::CocoAnnotation* annotation = nullptr;
  if (dataset != nullptr) {
    annotation = &choose_annotation(options, *dataset);
    require_same_image(*dataset, *annotation, subject);
  }
  subject.box = find_box(options, annotation, network, subject.photo);
  pk::PredictOptions shown{.size = options.size};
  if (options.box == "photo") shown.margin = 1.0;
  subject.crop = pk::network_crop(network, subject.box, shown);
  subject.image = pk::crop_image<float>(subject.photo, subject.crop);
  find_joints(options, network.skeleton(), annotation, subject);
  find_mask(options, annotation, subject);
  find_path(options, subject);
  return subject;
}
