#pragma once

#include <cstddef>
#include <new>
#include <utility>

#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Allocates on cache-line boundaries, which is also the widest SIMD register: a vector load then
/// never touches two lines.
template <class T>
class AlignedAllocator {
 public:
  using value_type = T;
  static constexpr std::size_t alignment = 64;

  template <class U>
  struct rebind {
    using other = AlignedAllocator<U>;
  };

  AlignedAllocator() = default;
  template <class U>
  AlignedAllocator(const AlignedAllocator<U>&) noexcept {}  // NOLINT: converts like std::allocator

  T* allocate(std::size_t count) {
    if (count > static_cast<std::size_t>(-1) / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{alignment}));
  }
  void deallocate(T* pointer, std::size_t) noexcept {
    ::operator delete (pointer, std::align_val_t{alignment});
  }

  friend bool operator==(const AlignedAllocator&, const AlignedAllocator&) { return true; }
  friend bool operator!=(const AlignedAllocator&, const AlignedAllocator&) { return false; }
};

/// Uninitialised memory on a cache-line boundary, for trivial types; or memory that somebody else
/// owns.
template <class T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t capacity)
      : data_(AlignedAllocator<T>().allocate(capacity)), capacity_(capacity) {}
  ~AlignedBuffer() {
    if (capacity_ != 0) AlignedAllocator<T>().deallocate(data_, capacity_);
  }
  /// Memory that stays its owner's, and has to outlive the buffer.
  static AlignedBuffer borrowed(T* data) {
    AlignedBuffer buffer;
    buffer.data_ = data;
    return buffer;
  }
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), capacity_(std::exchange(other.capacity_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }

  T* data() const { return data_; }
  std::size_t capacity() const { return capacity_; }
  bool owns() const { return capacity_ != 0; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  T* data_ = nullptr;
  std::size_t capacity_ = 0;
};

}  // namespace posekit::inline POSEKIT_ISA
