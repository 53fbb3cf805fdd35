#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <posekit/core/aligned.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/shape.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Rectifier bits and other raw memory.
using ByteBuffer = std::vector<std::uint8_t, AlignedAllocator<std::uint8_t>>;

/// Keeps the buffers of one recording for the next: in a loop of equal recordings nothing is
/// allocated after the first, and in one of different sizes what waits is never more than twice
/// what one of the last recordings had in use at once. Tensors that were made elsewhere are freed.
///
/// It belongs to one tape and its thread; what it shared may be let go of by any thread.
template <class T>
class BufferPool : public std::enable_shared_from_this<BufferPool<T>> {
 public:
  /// A tensor of this shape whose elements are not initialised. Throws ValueError where a limit is
  /// set (see ElementLimit) and reached.
  Tensor<T> take(const Shape& shape);
  /// Counts a result of this shape that is made elsewhere. Throws as `take`.
  void count(const Shape& shape);
  void give(Tensor<T>&& given);

  /// At least `size` elements of uninitialised memory: the smallest buffer that is large enough, so
  /// that passes over different numbers of cotangents share theirs.
  AlignedBuffer<T> take_memory(std::size_t size);
  void give_memory(AlignedBuffer<T>&& buffer);

  /// A tensor that comes back to the pool when its last owner lets go of it.
  std::shared_ptr<const Tensor<T>> share(Tensor<T>&& tensor);

  /// Zeroed bytes that come back to the pool when their last owner lets go of them.
  std::shared_ptr<ByteBuffer> bytes(std::size_t size);

  /// Says that a recording has ended and given back its buffers. Of those that wait, the ones that
  /// were not used for longest are freed until the rest is no more than twice what one of the last
  /// recordings used: two that take turns keep theirs.
  void end_recording();

  /// Frees everything that is not in use.
  void trim();

  /// The elements of all tensors that wait to be taken again.
  std::size_t held() const;

 private:
  template <class U>
  friend class ElementLimit;

  /// Buffers of one size.
  template <class Buffer>
  struct Shelf {
    std::vector<Buffer> buffers;
    std::size_t taken = 0;                 // and not given back
    std::size_t out = 0, out_at_once = 0;  // in this recording
    std::uint64_t last_use = 0;
  };
  template <class Buffer>
  using Shelves = std::unordered_map<std::size_t, Shelf<Buffer>>;
  struct Age {
    std::uint64_t last_use;
    std::size_t size;
    bool is_bytes;
  };

  template <class Buffer>
  static std::size_t bytes_of(std::size_t size) {
    return size * sizeof(typename Buffer::value_type);
  }
  template <class Buffer>
  bool take_from(Shelf<Buffer>& shelf, Buffer& buffer) {
    shelf.last_use = ++uses_;
    shelf.out_at_once = std::max(shelf.out_at_once, ++shelf.out);
    if (shelf.buffers.empty()) return false;
    buffer = std::move(shelf.buffers.back());
    shelf.buffers.pop_back();
    waiting_ -= bytes_of<Buffer>(buffer.size());
    return true;
  }
  template <class Buffer>
  void put_back(Shelf<Buffer>& shelf, Buffer&& buffer) {
    if (shelf.out > 0) --shelf.out;
    waiting_ += bytes_of<Buffer>(buffer.size());
    shelf.buffers.push_back(std::move(buffer));
  }
  /// The bytes that the recording used.
  template <class Buffer>
  std::size_t end_recording_of(Shelves<Buffer>& shelves, std::vector<Age>& ages) {
    std::size_t used = 0;
    for (auto& [size, shelf] : shelves) {
      used += shelf.out_at_once * bytes_of<Buffer>(size);
      shelf.out = shelf.out_at_once = 0;
      ages.push_back({shelf.last_use, size, std::is_same_v<Buffer, ByteBuffer>});
    }
    return used;
  }
  template <class Buffer>
  void drop(Shelves<Buffer>& shelves, std::size_t size, std::size_t most) {
    const auto found = shelves.find(size);
    auto& buffers = found->second.buffers;
    while (waiting_ > most && !buffers.empty()) {
      waiting_ -= bytes_of<Buffer>(size);
      buffers.pop_back();
    }
    if (buffers.empty()) shelves.erase(found);
  }
  void count_size(const Shape& shape, std::size_t size);

  static constexpr std::size_t no_limit = static_cast<std::size_t>(-1);

  mutable std::mutex mutex_;  // of the shelves
  Shelves<Tensor<T>> tensors_;
  Shelves<ByteBuffer> bytes_;
  std::multimap<std::size_t, AlignedBuffer<T>> memory_;
  std::uint64_t uses_ = 0;
  std::array<std::size_t, 8> recent_{};  // bytes that the last recordings used
  std::size_t recordings_ = 0;
  std::size_t waiting_ = 0;  // bytes
  std::size_t limit_left_ = no_limit;
  const char* limit_name_ = "";
};

/// While it lives, tensors of at most `elements` elements together are taken from a pool. `name`
/// stands for the limit in errors.
template <class T>
class ElementLimit {
 public:
  ElementLimit(BufferPool<T>& pool, std::size_t elements, const char* name);
  ~ElementLimit();
  ElementLimit(const ElementLimit&) = delete;
  ElementLimit& operator=(const ElementLimit&) = delete;

 private:
  BufferPool<T>& pool_;
  std::size_t before_, from_ = 0;
  const char* name_before_;
};

/// Memory from a pool that returns to it at the end of the scope.
template <class T>
class PooledScratch {
 public:
  PooledScratch(BufferPool<T>& pool, std::size_t size)
      : pool_(pool), buffer_(pool.take_memory(size)) {}
  ~PooledScratch() { pool_.give_memory(std::move(buffer_)); }
  PooledScratch(const PooledScratch&) = delete;
  PooledScratch& operator=(const PooledScratch&) = delete;
  T* data() const { return buffer_.data(); }

 private:
  BufferPool<T>& pool_;
  AlignedBuffer<T> buffer_;
};

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
Tensor<T> BufferPool<T>::take(const Shape& shape) {
  const std::size_t size = element_count(shape);
  const std::lock_guard lock(mutex_);
  count_size(shape, size);
  Tensor<T> tensor;
  auto& shelf = tensors_[size];
  if (take_from(shelf, tensor)) {
    tensor.reshape(shape);
  } else {
    tensor = make_tensor<T>(shape);
  }
  ++shelf.taken;
  return tensor;
}

template <class T>
void BufferPool<T>::count(const Shape& shape) {
  const std::lock_guard lock(mutex_);
  count_size(shape, element_count(shape));
}

template <class T>
void BufferPool<T>::give(Tensor<T>&& given) {
  const std::size_t size = given.size();
  const std::lock_guard lock(mutex_);
  const auto found = tensors_.find(size);
  if (found == tensors_.end() || found->second.taken == 0) {
    const Tensor<T> freed = std::move(given);
    return;
  }
  --found->second.taken;
  put_back(found->second, std::move(given));
}

template <class T>
AlignedBuffer<T> BufferPool<T>::take_memory(std::size_t size) {
  const auto found = memory_.lower_bound(size);
  if (found == memory_.end()) {
    // In exchange for the largest, so that a pool never holds more buffers than were in use at
    // once.
    if (!memory_.empty()) memory_.erase(std::prev(memory_.end()));
    return AlignedBuffer<T>(std::max<std::size_t>(size, 1));
  }
  AlignedBuffer<T> buffer = std::move(found->second);
  memory_.erase(found);
  return buffer;
}

template <class T>
void BufferPool<T>::give_memory(AlignedBuffer<T>&& buffer) {
  if (!buffer.owns()) return;
  const std::size_t capacity = buffer.capacity();
  memory_.emplace(capacity, std::move(buffer));
}

template <class T>
std::shared_ptr<const Tensor<T>> BufferPool<T>::share(Tensor<T>&& tensor) {
  auto returning = [pool = this->shared_from_this()](const Tensor<T>* owned) {
    std::unique_ptr<Tensor<T>> holder(const_cast<Tensor<T>*>(owned));
    pool->give(std::move(*holder));
  };
  return std::shared_ptr<const Tensor<T>>(new Tensor<T>(std::move(tensor)), std::move(returning));
}

template <class T>
std::shared_ptr<ByteBuffer> BufferPool<T>::bytes(std::size_t size) {
  ByteBuffer buffer;
  {
    const std::lock_guard lock(mutex_);
    take_from(bytes_[size], buffer);
  }
  buffer.assign(size, 0);
  auto returning = [pool = this->shared_from_this()](ByteBuffer* owned) {
    std::unique_ptr<ByteBuffer> holder(owned);
    const std::lock_guard lock(pool->mutex_);
    pool->put_back(pool->bytes_[holder->size()], std::move(*holder));
  };
  return std::shared_ptr<ByteBuffer>(new ByteBuffer(std::move(buffer)), std::move(returning));
}

template <class T>
void BufferPool<T>::end_recording() {
  const std::lock_guard lock(mutex_);
  std::vector<Age> ages;
  const std::size_t used = end_recording_of(tensors_, ages) + end_recording_of(bytes_, ages);
  if (used == 0) return;
  recent_[recordings_++ % recent_.size()] = used;
  const std::size_t most = 2 * *std::max_element(recent_.begin(), recent_.end());
  if (waiting_ <= most) return;
  std::sort(ages.begin(), ages.end(),
            [](const Age& a, const Age& b) { return a.last_use < b.last_use; });
  for (const Age& oldest : ages) {
    if (oldest.is_bytes) {
      drop(bytes_, oldest.size, most);
    } else {
      drop(tensors_, oldest.size, most);
    }
    if (waiting_ <= most) return;
  }
}

template <class T>
void BufferPool<T>::trim() {
  const std::lock_guard lock(mutex_);
  for (auto& [size, shelf] : tensors_) shelf.buffers.clear();
  for (auto& [size, shelf] : bytes_) shelf.buffers.clear();
  memory_.clear();
  waiting_ = 0;
}

template <class T>
std::size_t BufferPool<T>::held() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [size, shelf] : tensors_) count += size * shelf.buffers.size();
  return count;
}

template <class T>
void BufferPool<T>::count_size(const Shape& shape, std::size_t size) {
  if (size > limit_left_) {
    throw ValueError(error_text("a result of shape ", to_string(shape), " has ", size,
                                " elements, and ", limit_left_, " are left of ", limit_name_));
  }
  if (limit_left_ != no_limit) limit_left_ -= size;
}

template <class T>
ElementLimit<T>::ElementLimit(BufferPool<T>& pool, std::size_t elements, const char* name)
    : pool_(pool), before_(pool.limit_left_), name_before_(pool.limit_name_) {
  if (elements < before_) {
    pool.limit_left_ = elements;
    pool.limit_name_ = name;
  }
  from_ = pool.limit_left_;
}

template <class T>
ElementLimit<T>::~ElementLimit() {
  if (before_ != BufferPool<T>::no_limit) before_ -= from_ - pool_.limit_left_;
  pool_.limit_left_ = before_;
  pool_.limit_name_ = name_before_;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_AUTODIFF
