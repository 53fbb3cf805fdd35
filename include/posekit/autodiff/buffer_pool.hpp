#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include <posekit/core/aligned.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/shape.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Rectifier bits and other raw memory.
using ByteBuffer = std::vector<std::uint8_t, AlignedAllocator<std::uint8_t>>;

/// Keeps the buffers of one pass for the next: in a loop of equal passes nothing is allocated after
/// the first. It never holds more than were taken from it at once; tensors that were made elsewhere
/// are freed. Not thread-safe; it belongs to one tape.
template <class T>
class BufferPool : public std::enable_shared_from_this<BufferPool<T>> {
 public:
  /// A tensor of this shape whose elements are not initialised.
  Tensor<T> take(const Shape& shape) {
    Shelf& shelf = tensors_[element_count(shape)];
    ++shelf.taken;
    if (shelf.tensors.empty()) return make_tensor<T>(shape);
    Tensor<T> tensor = std::move(shelf.tensors.back());
    shelf.tensors.pop_back();
    tensor.reshape(shape);
    return tensor;
  }
  void give(Tensor<T>&& given) {
    Tensor<T> tensor = std::move(given);
    Shelf& shelf = tensors_[tensor.size()];
    if (shelf.taken == 0) return;
    --shelf.taken;
    shelf.tensors.push_back(std::move(tensor));
  }

  /// At least `size` elements of uninitialised memory: the smallest buffer that is large enough, so
  /// that passes over different numbers of cotangents share theirs.
  AlignedBuffer<T> take_memory(std::size_t size) {
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
  void give_memory(AlignedBuffer<T>&& buffer) {
    if (!buffer.owns()) return;
    const std::size_t capacity = buffer.capacity();
    memory_.emplace(capacity, std::move(buffer));
  }

  /// A tensor that comes back to the pool when its last owner lets go of it.
  std::shared_ptr<const Tensor<T>> share(Tensor<T>&& tensor) {
    auto returning = [pool = this->shared_from_this()](const Tensor<T>* owned) {
      std::unique_ptr<Tensor<T>> holder(const_cast<Tensor<T>*>(owned));
      pool->give(std::move(*holder));
    };
    return std::shared_ptr<const Tensor<T>>(new Tensor<T>(std::move(tensor)), std::move(returning));
  }

  /// Zeroed bytes that come back to the pool when their last owner lets go of them.
  std::shared_ptr<ByteBuffer> bytes(std::size_t size) {
    ByteBuffer buffer;
    const auto found = bytes_.find(size);
    if (found != bytes_.end() && !found->second.empty()) {
      buffer = std::move(found->second.back());
      found->second.pop_back();
    }
    buffer.assign(size, 0);
    auto returning = [pool = this->shared_from_this()](ByteBuffer* owned) {
      std::unique_ptr<ByteBuffer> holder(owned);
      pool->bytes_[holder->size()].push_back(std::move(*holder));
    };
    return std::shared_ptr<ByteBuffer>(new ByteBuffer(std::move(buffer)), std::move(returning));
  }

  /// Frees everything that is not in use.
  void trim() {
    for (auto& [size, shelf] : tensors_) shelf.tensors.clear();
    memory_.clear();
    bytes_.clear();
  }

  /// The elements of all tensors that wait to be taken again.
  std::size_t held() const {
    std::size_t count = 0;
    for (const auto& [size, shelf] : tensors_) count += size * shelf.tensors.size();
    return count;
  }

 private:
  struct Shelf {
    std::vector<Tensor<T>> tensors;
    std::size_t taken = 0;  // and not given back
  };
  std::unordered_map<std::size_t, Shelf> tensors_;
  std::multimap<std::size_t, AlignedBuffer<T>> memory_;
  std::unordered_map<std::size_t, std::vector<ByteBuffer>> bytes_;
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
