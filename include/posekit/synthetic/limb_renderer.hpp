#pragma once

// Draws bodies made of tapered capsules, by rasterising each into a depth buffer: no rays are
// traced, the surface's depth at a pixel has a closed form.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/linear_algebra.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/camera.hpp>
#include <posekit/synthetic/procedural_texture.hpp>

namespace posekit::inline POSEKIT_ISA {

/// A tapered capsule: everything within reach of the line from one point to another, where the
/// reach goes from one radius to another. Camera space, mm. A ball has both ends in one place.
struct Limb {
  Eigen::Vector3f from = Eigen::Vector3f::Zero(), to = Eigen::Vector3f::Zero();
  float from_radius = 0, to_radius = 0;
  /// The unit direction in which the limb is thinner, and by what factor (0 < flatness <= 1), as a
  /// chest is from front to back.
  Eigen::Vector3f flat_axis = Eigen::Vector3f::UnitZ();
  float flatness = 1;
  std::uint8_t texture = 0;  ///< by number
};

/// Light from far away and from everywhere.
struct Light {
  Eigen::Vector3f direction = Eigen::Vector3f(-0.4f, -0.8f, -0.45f);  ///< towards it; unit
  Rgb diffuse{0.7f, 0.7f, 0.7f};
  Rgb ambient{0.4f, 0.4f, 0.4f};
};

namespace internal {

/// A limb in the space of the picture: x and y in pixels, z in the same unit (as
/// PoseExample::joints), where rays of sight are parallel to z.
///
/// `shape` takes that space, from the limb's first end on, to one where the limb is round and rays
/// are parallel to z still. There the limb is the union of balls of radius r0 + t dr around t d,
/// 0 <= t <= 1, and its front at (x, y) is the least of t dz - sqrt(A(t)) with
/// A = (r0 + t dr)^2 - |(x, y) - t (dx, dy)|^2 = c0 + 2 c1 t + c2 t^2.
struct ScreenLimb {
  Eigen::Matrix3f shape;
  Eigen::Vector3f from;  // picture
  Eigen::Vector3f d;     // round space
  float r0, dr;
  float c2, k, slope;              // k = dz^2 - c2, slope = dz / (k c2)
  float step;                      // of round z for each of picture's z
  bool slanted;                    // otherwise it is seen along its axis
  float left, right, top, bottom;  // what it may cover, pixels
  Eigen::Matrix3f frame;           // rows along, around, through: from picture to mm
  std::uint8_t texture;

  struct Hit {
    float t, z;  // z in round space, from its plane z = 0
  };

  /// The front at (x, y) of round space; false where nothing is.
  bool hit(float x, float y, Hit& out) const;

  /// Seen along its axis, a limb shows its ends or, where the nearer one is the thinner, the side
  /// between: whichever of them is in front.
  bool hit_end_on(float c0, float c1, Hit& out) const;
};

}  // namespace internal

/// Pictures of limbs. Holds the buffers for one size, to be used again for the next picture.
class LimbRenderer {
 public:
  static constexpr std::size_t samples = 2;  ///< for each pixel, along each axis

  /// Throws ValueError for a size of 0 or beyond 8192.
  LimbRenderer(std::size_t width, std::size_t height);

  std::size_t width() const { return width_; }
  std::size_t height() const { return height_; }

  /// Forgets what was drawn and draws up to 255 limbs, all in front of the camera (whose lens has
  /// no distortion), for a root at a depth in mm. Throws ValueError.
  void draw(std::span<const Limb> limbs, const PinholeCamera& camera, double root_depth);

  /// The depth of the surface at the sample nearest to a pixel's position, in pixels as
  /// PoseExample::joints; infinite where nothing is, and outside the picture.
  float depth(double x, double y) const;

  /// Paints what was drawn over a picture [3, H, W], each sample lit by Lambert's law, and puts the
  /// share of each pixel that is covered into `coverage` [H * W]. Throws ShapeError, and ValueError
  /// where a limb's texture is missing.
  void shade(std::span<const Texture> textures, const Light& light, Tensor<float>& image,
             std::span<float> coverage) const;

 private:
  /// In pixels, whose centres are at whole numbers.
  static float sample_position(std::size_t sample) {
    return (static_cast<float>(sample) + 0.5f) / static_cast<float>(samples) - 0.5f;
  }

  /// The samples whose positions are in [low, high], as a range.
  static std::array<std::size_t, 2> sample_range(float low, float high, std::size_t count);

  void rasterize(std::uint8_t number);

  static Rgb sample_colour(const internal::ScreenLimb& limb, std::span<const Texture> textures,
                           const Light& light, float x, float y);

  std::size_t width_, height_;
  std::vector<float> depths_;           // [samples * H, samples * W]
  std::vector<std::uint8_t> limbs_of_;  // which limb a sample shows; 0: none
  std::vector<internal::ScreenLimb> screen_;
};

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_SYNTHETIC

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

POSEKIT_INLINE bool ScreenLimb::hit(float x, float y, Hit& out) const {
  const float c0 = r0 * r0 - x * x - y * y;
  const float c1 = r0 * dr + x * d[0] + y * d[1];
  if (!slanted) return hit_end_on(c0, c1, out);
  const float discriminant = k * (c1 * c1 - c2 * c0);
  if (discriminant < 0) return false;
  // Where the derivative of t dz - sqrt(A(t)) vanishes; it is convex.
  const float t = std::clamp(slope * std::sqrt(discriminant) - c1 / c2, 0.0f, 1.0f);
  const float a = c0 + t * (2 * c1 + t * c2);
  if (a < 0) return false;
  out = {t, t * d[2] - std::sqrt(a)};
  return true;
}

POSEKIT_INLINE bool ScreenLimb::hit_end_on(float c0, float c1, Hit& out) const {
  out = {0, std::numeric_limits<float>::infinity()};
  const auto consider = [&](float t) {
    const float a = c0 + t * (2 * c1 + t * c2);
    if (a < 0) return;
    const float z = t * d[2] - std::sqrt(a);
    if (z < out.z) out = {t, z};
  };
  consider(0);
  consider(1);
  const float square = c1 * c1 - c2 * c0;
  if (k > 0 && square > 0) {
    // u = c1 + c2 t, in the form that does not cancel.
    const float u = d[2] * std::sqrt(square / k);
    const float t = u * c1 > 0 ? (c1 * c1 - d[2] * d[2] * c0) / (k * (u + c1)) : (u - c1) / c2;
    if (t > 0 && t < 1) consider(t);
  }
  return std::isfinite(out.z);
}

inline ScreenLimb screen_limb(const Limb& limb, const PinholeCamera& camera, double root_depth) {
  // Positions and radii grow with 1 / depth; between the ends that is taken as linear.
  const auto fx = static_cast<float>(camera.fx), fy = static_cast<float>(camera.fy);
  const auto root = static_cast<float>(root_depth);
  const auto point = [&](const Eigen::Vector3f& p) {
    return Eigen::Vector3f(fx * p[0] / p[2] + static_cast<float>(camera.cx),
                           fy * p[1] / p[2] + static_cast<float>(camera.cy),
                           fx * (p[2] - root) / root);
  };
  ScreenLimb s;
  const Eigen::Vector3f a = point(limb.from), b = point(limb.to);
  const float ra = limb.from_radius * fx / limb.from[2], rb = limb.to_radius * fx / limb.to[2];
  s.from = a;
  s.r0 = ra;
  s.dr = rb - ra;
  s.texture = limb.texture;
  s.left = std::min(a[0] - ra, b[0] - rb);
  s.right = std::max(a[0] + ra, b[0] + rb);
  s.top = std::min(a[1] - ra, b[1] - rb);
  s.bottom = std::max(a[1] + ra, b[1] + rb);

  s.shape.setIdentity();
  if (limb.flatness < 1) {
    const Eigen::Vector3f n = limb.flat_axis;
    s.shape += (1 / limb.flatness - 1) * n * n.transpose();
    const Eigen::Vector3f ray = s.shape.col(2);
    s.shape = rotation_between<float>(ray, Eigen::Vector3f::UnitZ()) * s.shape;
  }
  s.step = s.shape(2, 2);
  s.d = s.shape * (b - a);
  s.c2 = s.dr * s.dr - s.d[0] * s.d[0] - s.d[1] * s.d[1];
  s.k = s.d[2] * s.d[2] - s.c2;
  s.slanted = s.c2 < -1e-4f * (ra * ra + rb * rb);
  s.slope = s.slanted ? s.d[2] / (s.k * s.c2) : 0.0f;

  const float scale = (limb.from[2] + limb.to[2]) / (2 * fx);  // mm per pixel
  Eigen::Vector3f along = b - a;
  along = along.squaredNorm() > 1e-6f ? Eigen::Vector3f(along.normalized())
                                      : Eigen::Vector3f(Eigen::Vector3f::UnitY());
  Eigen::Vector3f through = limb.flat_axis - limb.flat_axis.dot(along) * along;
  if (through.squaredNorm() < 1e-3f) through = along.unitOrthogonal();
  through.normalize();
  s.frame.row(0) = scale * along;
  s.frame.row(1) = scale * along.cross(through);
  s.frame.row(2) = scale * through;
  return s;
}

}  // namespace internal

POSEKIT_INLINE LimbRenderer::LimbRenderer(std::size_t width, std::size_t height)
    : width_(width), height_(height) {
  if (width == 0 || height == 0 || width > 8192 || height > 8192) {
    throw ValueError(error_text("LimbRenderer: a picture of ", width, " x ", height,
                                " pixels, expected 1 to 8192 each"));
  }
  depths_.resize(samples * samples * width * height);
  limbs_of_.resize(depths_.size());
}

POSEKIT_INLINE void LimbRenderer::draw(std::span<const Limb> limbs, const PinholeCamera& camera,
                                       double root_depth) {
  if (limbs.size() > 255) {
    throw ValueError(error_text("LimbRenderer: ", limbs.size(), " limbs, expected up to 255"));
  }
  if (!(root_depth > 0)) {
    throw ValueError(
        error_text("LimbRenderer: the root's depth is ", root_depth, ", expected more than 0"));
  }
  std::fill(depths_.begin(), depths_.end(), std::numeric_limits<float>::infinity());
  std::fill(limbs_of_.begin(), limbs_of_.end(), std::uint8_t{0});
  screen_.clear();
  for (const Limb& limb : limbs) {
    if (!(limb.from[2] > limb.from_radius) || !(limb.to[2] > limb.to_radius) ||
        !(limb.flatness > 0 && limb.flatness <= 1)) {
      throw ValueError(error_text("LimbRenderer: limb ", screen_.size(), " is at depths ",
                                  limb.from[2], " and ", limb.to[2], " with flatness ",
                                  limb.flatness, ", expected it before the camera and 0 to 1"));
    }
    screen_.push_back(internal::screen_limb(limb, camera, root_depth));
    rasterize(static_cast<std::uint8_t>(screen_.size()));
  }
}

POSEKIT_INLINE float LimbRenderer::depth(double x, double y) const {
  const double column = std::floor((x + 0.5) * samples), row = std::floor((y + 0.5) * samples);
  if (!(column >= 0 && row >= 0 && column < static_cast<double>(samples * width_) &&
        row < static_cast<double>(samples * height_))) {
    return std::numeric_limits<float>::infinity();
  }
  return depths_[static_cast<std::size_t>(row) * samples * width_ +
                 static_cast<std::size_t>(column)];
}

POSEKIT_INLINE void LimbRenderer::shade(std::span<const Texture> textures, const Light& light,
                                        Tensor<float>& image, std::span<float> coverage) const {
  require_shape(image, {3, height_, width_}, "LimbRenderer::shade", "image");
  if (coverage.size() != width_ * height_) {
    throw ShapeError(error_text("LimbRenderer::shade: coverage has ", coverage.size(),
                                " elements, expected ", width_ * height_));
  }
  for (const internal::ScreenLimb& limb : screen_) {
    if (limb.texture < textures.size()) continue;
    throw ValueError(error_text("LimbRenderer::shade: a limb has texture ",
                                static_cast<int>(limb.texture), " of ", textures.size()));
  }
  constexpr float share = 1.0f / static_cast<float>(samples * samples);
  const std::size_t stride = samples * width_, plane = width_ * height_;
  for (std::size_t y = 0; y < height_; ++y) {
    for (std::size_t x = 0; x < width_; ++x) {
      const std::size_t corner = y * samples * stride + x * samples;
      const std::uint8_t first = limbs_of_[corner];
      const bool inside = first != 0 && limbs_of_[corner + 1] == first &&
                          limbs_of_[corner + stride] == first &&
                          limbs_of_[corner + stride + 1] == first;
      Rgb sum{};
      float covered = 0;
      for (std::size_t i = 0; i < samples; ++i) {
        for (std::size_t j = 0; j < samples; ++j) {
          // Where a pixel shows one limb alone, two samples do for its texture.
          if (inside && i != j) continue;
          const std::uint8_t limb = limbs_of_[corner + i * stride + j];
          if (limb == 0) continue;
          const Rgb colour =
              sample_colour(screen_[limb - 1u], textures, light, sample_position(x * samples + j),
                            sample_position(y * samples + i));
          const float weight = inside ? 2 * share : share;
          for (std::size_t c = 0; c < 3; ++c) sum[c] += weight * colour[c];
          covered += weight;
        }
      }
      coverage[y * width_ + x] = covered;
      if (!(covered > 0)) continue;
      float* pixel = image.data() + y * width_ + x;
      for (std::size_t c = 0; c < 3; ++c) {
        pixel[c * plane] = pixel[c * plane] * (1 - covered) + sum[c];
      }
    }
  }
}

POSEKIT_INLINE std::array<std::size_t, 2> LimbRenderer::sample_range(float low, float high,
                                                                     std::size_t count) {
  constexpr auto n = static_cast<float>(samples);
  const auto limit = static_cast<float>(count);
  const float begin = std::ceil((low + 0.5f) * n - 0.5f);
  const float end = std::floor((high + 0.5f) * n - 0.5f) + 1;
  // A NaN becomes 0.
  const auto clamped = [limit](float value) {
    return static_cast<std::size_t>(value > 0 ? std::min(value, limit) : 0.0f);
  };
  return {clamped(begin), clamped(end)};
}

POSEKIT_INLINE void LimbRenderer::rasterize(std::uint8_t number) {
  const internal::ScreenLimb& limb = screen_[number - 1u];
  const auto [left, right] = sample_range(limb.left, limb.right, samples * width_);
  const auto [top, bottom] = sample_range(limb.top, limb.bottom, samples * height_);
  const float per_step = 1 / limb.step;
  for (std::size_t row = top; row < bottom; ++row) {
    const float dy = sample_position(row) - limb.from[1];
    float* depths = depths_.data() + row * samples * width_;
    std::uint8_t* numbers = limbs_of_.data() + row * samples * width_;
    for (std::size_t column = left; column < right; ++column) {
      const float dx = sample_position(column) - limb.from[0];
      internal::ScreenLimb::Hit hit;
      if (!limb.hit(limb.shape(0, 0) * dx + limb.shape(0, 1) * dy,
                    limb.shape(1, 0) * dx + limb.shape(1, 1) * dy, hit)) {
        continue;
      }
      const float plane = limb.shape(2, 0) * dx + limb.shape(2, 1) * dy;
      const float z = limb.from[2] + (hit.z - plane) * per_step;
      if (z < depths[column]) {
        depths[column] = z;
        numbers[column] = number;
      }
    }
  }
}

POSEKIT_INLINE Rgb LimbRenderer::sample_colour(const internal::ScreenLimb& limb,
                                               std::span<const Texture> textures,
                                               const Light& light, float x, float y) {
  const float dx = x - limb.from[0], dy = y - limb.from[1];
  const Eigen::Vector3f flat = limb.shape.col(0) * dx + limb.shape.col(1) * dy;
  internal::ScreenLimb::Hit hit{0, 0};
  limb.hit(flat[0], flat[1], hit);
  const Eigen::Vector3f round(flat[0], flat[1], hit.z);
  // The surface is the envelope of the balls: its normal points away from the ball's centre.
  const Eigen::Vector3f normal = (limb.shape.transpose() * (round - hit.t * limb.d)).normalized();
  const Eigen::Vector3f at(dx, dy, (hit.z - flat[2]) / limb.step);
  const Eigen::Vector3f place = limb.frame * at;
  Rgb colour = texture_colour(textures[limb.texture], place[0], place[1] + 0.7f * place[2]);
  const float lambert = std::max(0.0f, normal.dot(light.direction));
  for (std::size_t c = 0; c < 3; ++c) {
    colour[c] *= light.ambient[c] + light.diffuse[c] * lambert;
  }
  return colour;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_SYNTHETIC
