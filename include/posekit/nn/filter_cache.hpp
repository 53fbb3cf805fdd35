#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <posekit/autodiff/conv2d_filter.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

/// Keeps the packed form of a layer's weights from call to call where they do not change, for any
/// number of threads. A copy starts empty.
template <class T>
class FilterCache {
 public:
  using Filter = std::shared_ptr<const Conv2dFilter<T>>;

  FilterCache() = default;
  FilterCache(const FilterCache&) {}
  FilterCache& operator=(const FilterCache&) {
    forget();
    return *this;
  }
  FilterCache(FilterCache&&) noexcept {}
  FilterCache& operator=(FilterCache&&) noexcept {
    forget();
    return *this;
  }
  ~FilterCache() = default;

  /// The filter of the last call where `fingerprint` (of the weights, see Parameter) and `key`
  /// (whatever else it is made from) are those of that call; otherwise what `make()` returns.
  template <class Make>
  Filter get(std::uint64_t fingerprint, std::vector<T> key, const Make& make) const {
    const std::lock_guard lock(mutex_);
    if (filter_ == nullptr || fingerprint != fingerprint_ || key != key_) {
      filter_ = make();
      fingerprint_ = fingerprint;
      key_ = std::move(key);
    }
    return filter_;
  }

 private:
  void forget() {
    const std::lock_guard lock(mutex_);
    filter_.reset();
  }

  mutable std::mutex mutex_;
  mutable std::uint64_t fingerprint_ = 0;
  mutable std::vector<T> key_;
  mutable Filter filter_;
};

}  // namespace posekit::inline POSEKIT_ISA::nn
