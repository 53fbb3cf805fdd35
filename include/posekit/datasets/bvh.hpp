#pragma once

// Motion capture in the Biovision hierarchy format.

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <numbers>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

/// What a number of a frame does to a joint. Rotations are in degrees.
enum class BvhChannel : std::uint8_t {
  x_position,
  y_position,
  z_position,
  x_rotation,
  y_rotation,
  z_rotation
};

struct BvhJoint {
  std::string name;            ///< of an end site: its parent's, followed by "_end"
  std::ptrdiff_t parent = -1;  ///< comes before its children; -1: none
  std::array<double, 3> offset{};
  std::vector<BvhChannel> channels{};  ///< in the file's order
};

/// A file's skeleton and how it moves.
struct BvhMotion {
  std::string source;
  std::vector<BvhJoint> joints;
  Tensor<double> frames;  ///< [F, C]: the channels of all joints, one joint after the other
  double frame_time = 0;  ///< seconds
};

/// Reads a motion from the text of a BVH file; `name` stands for the file in errors. Throws
/// FileError naming the line, what is there and what was expected.
BvhMotion parse_bvh(std::string_view text, const std::string& name);

/// Reads a BVH file. Throws FileError.
BvhMotion load_bvh(const std::filesystem::path& path);

/// The joints' positions [F, J, 3], in the file's unit and axes, by forward kinematics: a joint's
/// rotations apply in the order of its channels, the last one first, and its positions, where it
/// has such channels, stand for its offset. Throws ValueError where frames and channels do not
/// match, and ShapeError.
Tensor<double> bvh_positions(const BvhMotion& motion);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_DATASETS

#include <posekit/core/error.hpp>
#include <posekit/core/linear_algebra.hpp>
#include <posekit/io/file.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// Reads one file. Every error names the file and the line.
class BvhParser {
 public:
  BvhParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  BvhMotion parse() {
    BvhMotion motion;
    motion.source = name_;
    expect("HIERARCHY");
    hierarchy(motion);
    std::size_t channels = 0;
    for (const BvhJoint& joint : motion.joints) channels += joint.channels.size();
    if (channels == 0) fail("no joint has a channel", "at least one");
    expect("MOTION");
    expect("Frames:");
    const std::size_t frames = count("the number of frames");
    expect("Frame");
    expect("Time:");
    motion.frame_time = number("the frame time");
    if (!(motion.frame_time > 0)) {
      fail(error_text("the frame time is ", motion.frame_time), "more than 0 seconds");
    }
    read_frames(motion, frames, channels);
    return motion;
  }

 private:
  static constexpr std::size_t max_joints = 4096, max_depth = 512, max_name = 1024,
                               max_positions = std::size_t{1} << 25;

  [[noreturn]] void fail(const std::string& found, const std::string& expected) const {
    throw FileError(error_text(name_, ": line ", line_, ": ", found, ", expected ", expected));
  }

  static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
  }
  /// The next word, for an error: short, and printable.
  static std::string quoted(std::string_view word) {
    std::string text;
    for (const char c : word.substr(0, 40)) text += c >= ' ' && c <= '~' ? c : '?';
    return word.empty() ? "the end of the file" : error_text("'", text, "'");
  }

  /// Empty at the end of the file.
  std::string_view word() {
    while (at_ < text_.size() && is_space(text_[at_])) {
      if (text_[at_] == '\n') ++line_;
      ++at_;
    }
    const std::size_t begin = at_;
    while (at_ < text_.size() && !is_space(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  void expect(std::string_view expected) {
    const std::string_view found = word();
    if (found != expected) fail("found " + quoted(found), error_text("'", expected, "'"));
  }
  std::size_t count(const char* what) {
    const std::string_view found = word();
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(found.data(), found.data() + found.size(), value);
    if (error != std::errc() || end != found.data() + found.size()) {
      fail(error_text("found ", quoted(found), " for ", what), "a whole number");
    }
    return value;
  }
  double to_number(std::string_view found, const char* what) const {
    std::string_view digits = found;
    if (digits.starts_with('+')) digits.remove_prefix(1);
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(value)) {
      fail(error_text("found ", quoted(found), " for ", what), "a finite number");
    }
    return value;
  }
  double number(const char* what) { return to_number(word(), what); }

  /// Names may hold blanks: what is left of the line, without a brace that opens the joint.
  std::string joint_name() {
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    std::string_view rest = text_.substr(at_, end - at_);
    if (const std::size_t brace = rest.find('{'); brace != std::string_view::npos) {
      rest = rest.substr(0, brace);
    }
    at_ += rest.size();
    while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
    while (!rest.empty() && is_space(rest.back())) rest.remove_suffix(1);
    if (rest.empty()) fail("a joint without a name", "a name");
    // Every end site repeats its parent's.
    if (rest.size() > max_name) {
      fail(error_text("a joint's name of ", rest.size(), " bytes, ", quoted(rest)),
           error_text("at most ", max_name));
    }
    return std::string(rest);
  }

  void hierarchy(BvhMotion& motion) {
    std::vector<std::size_t> open;  // joints whose braces are not closed
    const auto add = [&](std::string joint) {
      if (motion.joints.size() == max_joints) {
        fail(error_text("more than ", max_joints, " joints"), "fewer");
      }
      if (open.size() == max_depth) {
        fail(error_text("joints nested more than ", max_depth, " deep"), "fewer");
      }
      BvhJoint added;
      added.name = std::move(joint);
      added.parent = open.empty() ? -1 : static_cast<std::ptrdiff_t>(open.back());
      open.push_back(motion.joints.size());
      motion.joints.push_back(std::move(added));
      expect("{");
      expect("OFFSET");
      for (double& axis : motion.joints.back().offset) axis = number("an offset");
    };
    expect("ROOT");
    add(joint_name());
    while (!open.empty()) {
      const std::string_view found = word();
      BvhJoint& joint = motion.joints[open.back()];
      if (found == "CHANNELS") {
        if (!joint.channels.empty()) fail("channels of " + quoted(joint.name) + " again", "once");
        read_channels(joint);
      } else if (found == "JOINT") {
        add(joint_name());
      } else if (found == "End") {
        expect("Site");
        add(joint.name + "_end");
        expect("}");
        open.pop_back();
      } else if (found == "}") {
        open.pop_back();
      } else {
        fail("found " + quoted(found), "'CHANNELS', 'JOINT', 'End Site' or '}'");
      }
    }
  }

  void read_channels(BvhJoint& joint) {
    constexpr std::array<std::string_view, 6> names{"Xposition", "Yposition", "Zposition",
                                                    "Xrotation", "Yrotation", "Zrotation"};
    const std::size_t channels = count("the number of channels");
    if (channels > names.size()) fail(error_text(channels, " channels"), "up to 6");
    for (std::size_t i = 0; i < channels; ++i) {
      const std::string_view found = word();
      const auto known = std::find(names.begin(), names.end(), found);
      if (known == names.end()) {
        fail(error_text("found ", quoted(found), " for channel ", i + 1, " of ", channels, " of ",
                        quoted(joint.name)),
             "Xposition, Yposition, Zposition, Xrotation, Yrotation or Zrotation");
      }
      const auto channel = static_cast<BvhChannel>(known - names.begin());
      if (std::find(joint.channels.begin(), joint.channels.end(), channel) !=
          joint.channels.end()) {
        fail(error_text("channel ", quoted(found), " of ", quoted(joint.name), " again"), "once");
      }
      joint.channels.push_back(channel);
    }
  }

  /// A frame is a line.
  void read_frames(BvhMotion& motion, std::size_t frames, std::size_t channels) {
    // Every number takes two characters at least.
    const std::size_t most = (text_.size() - at_) / 2 + 1;
    if (frames > most / channels + 1) {
      fail(error_text("is truncated: ", frames, " frames of ", channels, " channels are announced"),
           error_text("at most ", most, " numbers, as there are characters for"));
    }
    // Joints without channels cost a file nothing.
    if (frames != 0 && motion.joints.size() > max_positions / frames) {
      fail(error_text(frames, " frames of ", motion.joints.size(), " joints"),
           error_text("at most ", max_positions, " positions"));
    }
    motion.frames = make_tensor<double>({frames, channels});
    double* out = motion.frames.data();
    for (std::size_t frame = 0; frame < frames; ++frame) {
      std::size_t line = 0;
      for (std::size_t channel = 0; channel < channels; ++channel) {
        const std::string_view found = word();
        if (found.empty()) {
          fail(error_text("is truncated in frame ", frame, " after ", channel, " numbers"),
               error_text(channels, " numbers in each of ", frames, " frames"));
        }
        if (channel == 0) line = line_;
        if (line_ != line) {
          line_ = line;
          fail(error_text("frame ", frame, " has ", channel, " numbers"),
               error_text(channels, ", one for each channel"));
        }
        *out++ = to_number(found, "a channel");
      }
      const std::size_t rest = std::min(text_.find('\n', at_), text_.size());
      if (!std::all_of(text_.begin() + static_cast<std::ptrdiff_t>(at_),
                       text_.begin() + static_cast<std::ptrdiff_t>(rest), is_space)) {
        fail(error_text("frame ", frame, " has more than ", channels, " numbers"),
             error_text(channels, ", one for each channel"));
      }
    }
    const std::string_view found = word();
    if (!found.empty()) {
      fail("found " + quoted(found), error_text("the end of the file after ", frames, " frames"));
    }
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0, line_ = 1;
};

}  // namespace internal

POSEKIT_INLINE BvhMotion parse_bvh(std::string_view text, const std::string& name) {
  return internal::BvhParser(text, name).parse();
}

POSEKIT_INLINE BvhMotion load_bvh(const std::filesystem::path& path) {
  const auto bytes = read_file(path, std::uintmax_t{1} << 31);
  return parse_bvh({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string());
}

POSEKIT_INLINE Tensor<double> bvh_positions(const BvhMotion& motion) {
  require_rank(motion.frames, 2, "bvh_positions", "frames", "[F, C]");
  std::size_t channels = 0;
  for (std::size_t j = 0; j < motion.joints.size(); ++j) {
    channels += motion.joints[j].channels.size();
    if (motion.joints[j].parent >= static_cast<std::ptrdiff_t>(j)) {
      throw ValueError(error_text("bvh_positions: joint ", j, " has parent ",
                                  motion.joints[j].parent, ", expected one before it"));
    }
  }
  if (motion.frames.shape()[1] != channels) {
    throw ValueError(error_text("bvh_positions: frames have ", motion.frames.shape()[1],
                                " channels, expected ", channels, " as the joints have"));
  }
  const std::size_t frames = motion.frames.shape()[0], joints = motion.joints.size();
  Tensor<double> positions = make_tensor<double>({frames, joints, 3});
  std::vector<Eigen::Matrix3d> rotations(joints);
  std::vector<Eigen::Vector3d> places(joints);
  const double* value = motion.frames.data();
  for (std::size_t frame = 0; frame < frames; ++frame) {
    for (std::size_t j = 0; j < joints; ++j) {
      const BvhJoint& joint = motion.joints[j];
      Eigen::Vector3d offset(joint.offset[0], joint.offset[1], joint.offset[2]);
      Eigen::Matrix3d rotation = Eigen::Matrix3d::Identity();
      for (const BvhChannel channel : joint.channels) {
        const auto number = static_cast<Eigen::Index>(channel);
        const double amount = *value++;
        if (number < 3) {
          offset[number] = amount;
        } else {
          rotation *= Eigen::AngleAxisd(amount * (std::numbers::pi / 180),
                                        Eigen::Vector3d::Unit(number - 3))
                          .toRotationMatrix();
        }
      }
      if (joint.parent < 0) {
        rotations[j] = rotation;
        places[j] = offset;
      } else {
        const auto parent = static_cast<std::size_t>(joint.parent);
        rotations[j] = rotations[parent] * rotation;
        places[j] = places[parent] + rotations[parent] * offset;
      }
      for (std::size_t axis = 0; axis < 3; ++axis) {
        positions(frame, j, axis) = places[j][static_cast<Eigen::Index>(axis)];
      }
    }
  }
  return positions;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_DATASETS
