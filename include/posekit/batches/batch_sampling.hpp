#pragma once

// Which examples make up which batch: pure functions of seed and epoch.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/permutation.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The batches of an epoch in order: of each, the indices of its examples.
using EpochBatches = std::vector<std::vector<std::size_t>>;

struct BatchOptions {
  std::size_t batch_size = 32;
  bool shuffle = true;     ///< another order in each epoch; else 0, 1, 2, ...
  bool drop_last = false;  ///< leave out a last batch that is not full
  std::uint64_t seed = 0;
};

struct MixedBatchOptions {
  std::size_t batch_size = 32;
  /// Of each batch, how many examples come from the first data set; by default half, rounded up.
  std::optional<std::size_t> from_first{};
  bool shuffle = true;
  bool drop_last = false;
  std::uint64_t seed = 0;
};

/// An example of one of two data sets that are counted through.
struct MixedIndex {
  bool second = false;    ///< which of the two
  std::size_t index = 0;  ///< in that data set
};

/// Example `index` of two data sets one behind the other, the first of which has `first_size`.
constexpr MixedIndex mixed_index(std::size_t index, std::size_t first_size) {
  return index < first_size ? MixedIndex{false, index} : MixedIndex{true, index - first_size};
}

/// The batches of an epoch over `size` examples, each of which comes once. Throws ValueError where
/// there are no examples, or none are left of them.
EpochBatches epoch_batches(std::size_t size, std::uint64_t epoch, const BatchOptions& options = {});

/// The batches of an epoch that take a share from each of two data sets, as MargiPose's take half
/// from pictures with three-dimensional and half from pictures with two-dimensional labels (paper
/// 003, section 6.3). An epoch goes through the first data set once; the second goes on where the
/// epoch before left off, and is shuffled anew each time it is through. In each batch the first
/// data set's examples come first. A last batch that is not full keeps the share, rounded up.
///
/// The indices count through both data sets, the first one's first: see `mixed_index`. Throws
/// ValueError where a data set that is drawn from has no examples, or none are left.
EpochBatches mixed_batches(std::size_t first_size, std::size_t second_size, std::uint64_t epoch,
                           const MixedBatchOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_BATCHES

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE EpochBatches epoch_batches(std::size_t size, std::uint64_t epoch,
                                          const BatchOptions& options) {
  const std::size_t n = options.batch_size;
  if (n == 0) throw ValueError("epoch_batches: batch_size is 0, expected at least 1");
  if (size == 0) throw ValueError("epoch_batches: the data set has no examples");
  if (options.drop_last && size < n) {
    throw ValueError(error_text("epoch_batches: the data set has ", size,
                                " examples, of which drop_last leaves none in batches of ", n));
  }
  std::vector<std::size_t> order(size);
  if (options.shuffle) {
    order = random_permutation(size, options.seed, epoch);
  } else {
    std::iota(order.begin(), order.end(), std::size_t{0});
  }
  EpochBatches batches;
  for (std::size_t begin = 0; begin < size; begin += n) {
    const std::size_t end = std::min(size, begin + n);
    if (options.drop_last && end - begin < n) break;
    batches.emplace_back(order.begin() + static_cast<std::ptrdiff_t>(begin),
                         order.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return batches;
}

POSEKIT_INLINE EpochBatches mixed_batches(std::size_t first_size, std::size_t second_size,
                                          std::uint64_t epoch, const MixedBatchOptions& options) {
  const std::size_t n = options.batch_size;
  const std::size_t from_first = options.from_first.value_or(n - n / 2);
  if (from_first == 0 || from_first > n) {
    throw ValueError(error_text("mixed_batches: of a batch of ", n, " examples ", from_first,
                                " come from the first data set, expected at least 1 and at most ",
                                n));
  }
  const std::size_t from_second = n - from_first;
  if (from_second > 0 && second_size == 0) {
    throw ValueError("mixed_batches: the second data set has no examples");
  }
  EpochBatches batches = epoch_batches(
      first_size, epoch, {from_first, options.shuffle, options.drop_last, options.seed});
  const auto share = [&](std::size_t count) {
    return (count * from_second + from_first - 1) / from_first;
  };
  std::uint64_t per_epoch = 0;
  for (const auto& batch : batches) per_epoch += share(batch.size());
  std::vector<std::size_t> order;
  std::uint64_t at = epoch * per_epoch;
  bool ordered = false;
  for (auto& batch : batches) {
    for (std::size_t left = share(batch.size()); left > 0; --left, ++at) {
      const auto within = static_cast<std::size_t>(at % second_size);
      if (options.shuffle && (!ordered || within == 0)) {
        // Of another seed, so that two data sets of one size do not run in step.
        order = random_permutation(second_size, ~options.seed, at / second_size);
        ordered = true;
      }
      batch.push_back(first_size + (options.shuffle ? order[within] : within));
    }
  }
  return batches;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_BATCHES
