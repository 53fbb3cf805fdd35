#pragma once

// Paths from a baseline image (alpha = 0) to the image of interest (alpha = 1).

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <posekit/attribution/gaussian_kernel.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

/// A path through image space. Points are computed when they are asked for, so that a path of any
/// number of steps takes the memory of one. Many threads may ask at once.
template <class T>
class ImagePath {
 public:
  virtual ~ImagePath() = default;
  /// The shape of the images, [C, H, W].
  virtual const Shape& shape() const = 0;
  /// The point at `alpha` in [0, 1] into `image`, and the derivative with respect to alpha into
  /// `derivative` unless it is null. Both have the path's shape.
  virtual void point(double alpha, Tensor<T>& image, Tensor<T>* derivative) const = 0;

  Tensor<T> image_at(double alpha) const;
};

/// gamma(alpha) = z + alpha (x - z), Eq. (5) of PoseIG.
template <class T>
class StraightPath final : public ImagePath<T> {
 public:
  /// Throws ShapeError unless both images have the same shape [C, H, W].
  StraightPath(Tensor<T> baseline, Tensor<T> image);
  const Shape& shape() const override { return shape_; }
  void point(double alpha, Tensor<T>& image, Tensor<T>* derivative) const override;

 private:
  Tensor<T> baseline_;
  Tensor<T> image_;
  Shape shape_;
};

/// gamma(alpha) = x * K(sigma - alpha sigma), Eq. (8) of PoseIG: the image under ever less Gaussian
/// blur. The border is mirrored without repeating its pixels.
template <class T>
class BlurPath final : public ImagePath<T> {
 public:
  /// Throws ShapeError unless the image has shape [C, H, W], ValueError for an impossible sigma.
  BlurPath(Tensor<T> image, double sigma, BlurKernel kernel = BlurKernel::gaussian);
  const Shape& shape() const override { return shape_; }
  void point(double alpha, Tensor<T>& image, Tensor<T>* derivative) const override;

 private:
  /// One for each thread that asks at once, kept for the next point.
  AlignedBuffer<T> take_scratch() const;

  Tensor<T> image_;
  Shape shape_;
  double sigma_;
  BlurKernel kernel_;
  std::size_t scratch_size_ = 0;
  mutable std::mutex mutex_;
  mutable std::vector<AlignedBuffer<T>> scratch_;
};

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_ATTRIBUTION

#include <posekit/kernels/blur.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
Tensor<T> ImagePath<T>::image_at(double alpha) const {
  Tensor<T> image = make_tensor<T>(shape());
  point(alpha, image, nullptr);
  return image;
}

template <class T>
StraightPath<T>::StraightPath(Tensor<T> baseline, Tensor<T> image)
    : baseline_(std::move(baseline)), image_(std::move(image)), shape_(shape_of(image_)) {
  require_rank(image_, 3, "StraightPath", "image", "[C, H, W]");
  require_shape(baseline_, shape_, "StraightPath", "baseline");
}

template <class T>
void StraightPath<T>::point(double alpha, Tensor<T>& image, Tensor<T>* derivative) const {
  const auto a = static_cast<T>(alpha);
  for (std::size_t i = 0; i < image.size(); ++i) {
    const T step = image_.data()[i] - baseline_.data()[i];
    // The ends are met exactly.
    image.data()[i] = alpha == 1.0 ? image_.data()[i] : baseline_.data()[i] + a * step;
    if (derivative != nullptr) derivative->data()[i] = step;
  }
}

template <class T>
BlurPath<T>::BlurPath(Tensor<T> image, double sigma, BlurKernel kernel)
    : image_(std::move(image)), shape_(shape_of(image_)), sigma_(sigma), kernel_(kernel) {
  require_rank(image_, 3, "BlurPath", "image", "[C, H, W]");
  scratch_size_ =
      kernels::blur_scratch<T>(shape_[1], shape_[2], gaussian_kernel(sigma, kernel).radius());
}

template <class T>
void BlurPath<T>::point(double alpha, Tensor<T>& image, Tensor<T>* derivative) const {
  const double sigma = std::max(0.0, sigma_ * (1.0 - alpha));
  const GaussianKernel kernel = gaussian_kernel(sigma, kernel_);
  std::vector<T> weights(kernel.weights.begin(), kernel.weights.end());
  std::vector<T> slopes;
  // d gamma / d alpha = -sigma_p d gamma / d sigma
  for (const double slope : kernel.slopes) slopes.push_back(static_cast<T>(-sigma_ * slope));
  AlignedBuffer<T> scratch = take_scratch();
  kernels::blur<T>(shape_[0], shape_[1], shape_[2], image_.data(), kernel.radius(), weights.data(),
                   derivative == nullptr ? nullptr : slopes.data(), image.data(),
                   derivative == nullptr ? nullptr : derivative->data(), scratch.data());
  const std::lock_guard lock(mutex_);
  scratch_.push_back(std::move(scratch));
}

template <class T>
AlignedBuffer<T> BlurPath<T>::take_scratch() const {
  {
    const std::lock_guard lock(mutex_);
    if (!scratch_.empty()) {
      AlignedBuffer<T> buffer = std::move(scratch_.back());
      scratch_.pop_back();
      return buffer;
    }
  }
  return AlignedBuffer<T>(scratch_size_);
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_ATTRIBUTION
