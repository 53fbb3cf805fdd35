#pragma once

// The only place that includes OpenMP. Without it everything runs on the calling thread.

#if defined(_OPENMP)
#include <omp.h>
#endif

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>

#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The number of threads a call uses when it is asked for `requested` (0: as many as OpenMP would
/// use; inside a parallel region: one, so that nothing is oversubscribed).
inline int resolve_threads([[maybe_unused]] int requested) {
#if defined(_OPENMP)
  if (omp_in_parallel() != 0) return 1;
  return requested > 0 ? requested : omp_get_max_threads();
#else
  return 1;
#endif
}

/// `threads` for so many elements, and one where they are too few to be worth another.
inline int threads_for(std::size_t elements, int threads) { return elements > 16384 ? threads : 1; }

/// From now on, calls of this thread that leave the number of threads open (0) use at most
/// `threads`: for a thread that is itself one of several that work side by side.
inline void limit_threads_of_this_thread([[maybe_unused]] int threads) {
#if defined(_OPENMP)
  omp_set_num_threads(std::max(threads, 1));
#endif
}

namespace internal {

/// `body` is a plain function, so that what a caller's loop does is compiled once, not once for
/// each way to reach it.
inline void run_parts(std::size_t count, int parts,
                      void (*body)(void* context, std::size_t begin, std::size_t end, int part),
                      void* context) {
  if (parts <= 1) {
    if (count > 0) body(context, 0, count, 0);
    return;
  }
#if !defined(_OPENMP)
  // Who asks for parts may be a file that has OpenMP.
  body(context, 0, count, 0);
#else
  std::exception_ptr error;
#pragma omp parallel for num_threads(parts) schedule(static, 1)
  for (int part = 0; part < parts; ++part) {
    const std::size_t begin =
        count * static_cast<std::size_t>(part) / static_cast<std::size_t>(parts);
    const std::size_t end =
        count * static_cast<std::size_t>(part + 1) / static_cast<std::size_t>(parts);
    try {
      body(context, begin, end, part);
    } catch (...) {
#pragma omp critical(posekit_parallel_error)
      if (!error) error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
#endif
}

}  // namespace internal

/// Calls `body(begin, end, thread)` on contiguous parts that cover [0, count). The parts depend on
/// the number of threads; what is computed for an index must not. The first exception is rethrown.
template <class Body>
void parallel_ranges(std::size_t count, int threads, const Body& body) {
  const auto parts = static_cast<int>(
      std::min<std::size_t>(static_cast<std::size_t>(std::max(threads, 1)), count));
  internal::run_parts(
      count, parts,
      [](void* context, std::size_t begin, std::size_t end, int part) {
        (*static_cast<const Body*>(context))(begin, end, part);
      },
      const_cast<void*>(static_cast<const void*>(&body)));
}

/// Calls `body(index)` for every index in [0, count); the order is unspecified.
template <class Body>
void parallel_for(std::size_t count, int threads, const Body& body) {
  parallel_ranges(count, threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) body(i);
  });
}

/// Computes `count` items on up to `threads` threads and hands them over in ascending order, so
/// that what is summed up is summed in the same order whatever the number of threads.
///
/// `make_worker()` is called once on each thread; `compute(worker, index)` runs concurrently,
/// `commit(worker, index)` in order and never twice at once. The first exception stops everything
/// and is rethrown.
template <class MakeWorker, class Compute, class Commit>
void parallel_ordered(std::size_t count, int threads, MakeWorker&& make_worker, Compute&& compute,
                      Commit&& commit) {
  [[maybe_unused]] const auto team = static_cast<int>(
      std::min<std::size_t>(static_cast<std::size_t>(std::max(threads, 1)), count));
#if defined(_OPENMP)
  const bool alone = team <= 1;
#else
  const bool alone = true;  // whatever files with OpenMP made of `threads`
#endif
  if (alone) {
    if (count == 0) return;
    auto worker = make_worker();
    for (std::size_t i = 0; i < count; ++i) {
      compute(worker, i);
      commit(worker, i);
    }
    return;
  }
#if defined(_OPENMP)
  std::mutex mutex;
  std::condition_variable turn_changed;
  std::size_t next = 0;  // to compute
  std::size_t turn = 0;  // to commit
  bool failed = false;
  std::exception_ptr error;
#pragma omp parallel num_threads(team)
  {
    try {
      auto worker = make_worker();
      for (;;) {
        std::unique_lock lock(mutex);
        if (failed || next == count) break;
        const std::size_t index = next++;
        lock.unlock();
        compute(worker, index);
        lock.lock();
        turn_changed.wait(lock, [&] { return failed || turn == index; });
        if (failed) break;
        lock.unlock();
        commit(worker, index);
        lock.lock();
        ++turn;
        turn_changed.notify_all();
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!error) error = std::current_exception();
      failed = true;
      turn_changed.notify_all();
    }
  }
  if (error) std::rethrow_exception(error);
#endif
}

}  // namespace posekit::inline POSEKIT_ISA
