#pragma once

#include <cstddef>
#include <new>


namespace posekit {

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
    return static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t{alignment}));
  }
  void deallocate(T* pointer, std::size_t) noexcept {
    ::operator delete(pointer, std::align_val_t{alignment});
  }

  friend bool operator==(const AlignedAllocator&, const AlignedAllocator&) { return true; }
  friend bool operator!=(const AlignedAllocator&, const AlignedAllocator&) { return false; }
};

}  // namespace posekit
