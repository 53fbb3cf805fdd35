#pragma once

// Batches made by worker threads while the network trains on those before.

#include <algorithm>
#include <atomic>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include <posekit/batches/batch_sampling.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/threads.hpp>

namespace posekit::inline POSEKIT_ISA {

/// What becomes of an epoch when an example cannot be loaded.
enum class OnError {
  stop,  ///< it ends with the exception
  skip,  ///< its batch goes without it, and it is listed
};

struct LoadingOptions {
  int workers = 2;           ///< threads that make batches; 0: the caller's own, when it asks
  std::size_t prefetch = 2;  ///< batches for each worker that are made ahead
  OnError on_error = OnError::stop;
};

/// An example, or a whole batch, that could not be made.
struct BatchFailure {
  std::size_t batch = 0;               ///< within the epoch
  std::optional<std::size_t> index{};  ///< of the example; nothing where joining them failed
  std::string message;
};

namespace internal {

inline std::string exception_message(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

/// The same exception with `prefix` before its text, where it is exactly an E; otherwise nothing.
template <class E>
std::exception_ptr prefixed_as(const std::exception_ptr& error, const std::string& prefix) {
  try {
    std::rethrow_exception(error);
  } catch (const E& e) {
    if (typeid(e) == typeid(E)) return std::make_exception_ptr(E(prefix + e.what()));
  } catch (...) {
  }
  return nullptr;
}

/// posekit's exceptions say where they come from; others stay what they are.
inline std::exception_ptr prefixed(const std::exception_ptr& error, const std::string& prefix) {
  std::exception_ptr result;
  (void)((result = prefixed_as<ShapeError>(error, prefix)) ||
         (result = prefixed_as<ValueError>(error, prefix)) ||
         (result = prefixed_as<FileError>(error, prefix)) ||
         (result = prefixed_as<GraphError>(error, prefix)) ||
         (result = prefixed_as<Cancelled>(error, prefix)) ||
         (result = prefixed_as<Error>(error, prefix)));
  return result ? result : error;
}

template <class Load>
decltype(auto) call_load(const Load& load, std::size_t index, std::uint64_t epoch) {
  if constexpr (std::invocable<const Load&, std::size_t, std::uint64_t>) {
    return load(index, epoch);
  } else {
    return load(index);
  }
}

template <class Load>
using LoadedExample = std::remove_cvref_t<decltype(call_load(std::declval<const Load&>(),
                                                             std::size_t{}, std::uint64_t{}))>;

template <class Example, class Collate>
decltype(auto) collate_examples(const Collate& collate, std::span<const Example> examples,
                                std::span<const std::size_t> indices) {
  if constexpr (std::invocable<const Collate&, std::span<const Example>,
                               std::span<const std::size_t>>) {
    return collate(examples, indices);
  } else {
    return collate(examples);
  }
}

template <class Load, class Collate>
using CollatedBatch = std::remove_cvref_t<decltype(collate_examples<LoadedExample<Load>>(
    std::declval<const Collate&>(), {}, {}))>;

}  // namespace internal

/// Goes through a data set in batches, as PyTorch's DataLoader does, made from
///   `load(index, epoch)` or `load(index)`, which returns an example, augmented or not, and
///   `collate(examples, indices)` or `collate(examples)`, which joins examples to a batch
///     (std::span<const Example>, std::span<const std::size_t>).
/// Both are called by several threads at once. Where they are pure functions, batches come in the
/// same order and with the same content for any number of workers.
///
///   BatchLoader loader(people.size(), load, collate, {.batch_size = 16, .seed = 1});
///   for (std::uint64_t epoch = 0; epoch < 10; ++epoch) {
///     loader.start(epoch);
///     while (auto batch = loader.next()) train(*batch);
///   }
///
/// Within a worker, calls that leave the number of threads open run on one. One thread may use the
/// loader. It can be destroyed at any time, and waits then for the examples being loaded.
template <class Batch>
class BatchLoader {
 public:
  /// Over `size` examples. Throws ValueError for options that make no sense, here or in `start`.
  template <class Load, class Collate>
  BatchLoader(std::size_t size, Load load, Collate collate, BatchOptions batches = {},
              LoadingOptions options = {})
      : BatchLoader(
            [size, batches](std::uint64_t epoch) { return epoch_batches(size, epoch, batches); },
            std::move(load), std::move(collate), options) {}

  /// Over whatever batches `batches(epoch)` returns, as EpochBatches: see `mixed_batches`.
  template <std::invocable<std::uint64_t> Batches, class Load, class Collate>
  BatchLoader(Batches batches, Load load, Collate collate, LoadingOptions options = {})
      : batches_of_(std::move(batches)), options_(options) {
    if (options.workers < 0) {
      throw ValueError(
          error_text("BatchLoader: workers is ", options.workers, ", expected 0 or more"));
    }
    if (options.prefetch == 0) {
      throw ValueError("BatchLoader: prefetch is 0, expected at least 1");
    }
    make_ = [this, load = std::move(load), collate = std::move(collate)](std::size_t batch) {
      return make_batch(load, collate, batch);
    };
  }

  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;
  ~BatchLoader() { stop_workers(); }

  /// Begins an epoch, at a batch within it: a training that resumes at (epoch(), position()) goes
  /// on as if it had not been interrupted. What was left of the epoch before is dropped. Throws
  /// ValueError where the epoch has fewer batches.
  void start(std::uint64_t epoch, std::size_t first_batch = 0) {
    stop_workers();
    EpochBatches batches = batches_of_(epoch);
    if (first_batch > batches.size()) {
      throw ValueError(error_text("BatchLoader::start: first_batch is ", first_batch,
                                  ", but the epoch has ", batches.size(), " batches"));
    }
    batches_ = std::move(batches);
    epoch_ = epoch;
    position_ = made_ = first_batch;
    limit_ = batches_.size();
    whole_ = first_batch == 0;
    started_ = true;
    stop_ = false;
    failures_.clear();
    error_ = first_error_ = nullptr;
    start_workers();
  }

  /// The epoch's next batch; nothing at its end, until `start` is called. Without a call of
  /// `start` it begins with epoch 0.
  ///
  /// OnError::stop: throws what `load` or `collate` threw, in the place of the batch, and again
  /// until `start` is called. posekit's own exceptions keep their type and get a text that begins
  /// with the example's index; others stay what they are. OnError::skip: batches are smaller by
  /// what failed, and left out where nothing is left. When nothing is left of a whole epoch, the
  /// first exception is thrown.
  std::optional<Batch> next() {
    if (!started_) start(0);
    if (error_) std::rethrow_exception(error_);
    while (position_ < batches_.size()) {
      Made made = workers_.empty() ? make_safely(position_) : take();
      failures_.insert(failures_.end(), made.failures.begin(), made.failures.end());
      if (made.error && made.failures.empty()) {
        failures_.push_back({position_, std::nullopt, internal::exception_message(made.error)});
      }
      if (made.error && options_.on_error == OnError::stop) {
        stop_workers();
        error_ = made.error;
        std::rethrow_exception(error_);
      }
      if (made.error && !first_error_) first_error_ = made.error;
      advance();
      if (made.batch) {
        whole_ = false;
        return std::move(made.batch);
      }
    }
    stop_workers();
    if (whole_ && first_error_) {
      error_ = first_error_;
      std::rethrow_exception(error_);
    }
    return std::nullopt;
  }

  std::uint64_t epoch() const { return epoch_; }
  /// Which batch of the epoch `next` will return.
  std::size_t position() const { return position_; }
  /// How many batches an epoch has.
  std::size_t batch_count(std::uint64_t epoch = 0) const { return batches_of_(epoch).size(); }
  /// What failed in this epoch so far, in the order of the batches.
  const std::vector<BatchFailure>& failures() const { return failures_; }

 private:
  struct Made {
    std::optional<Batch> batch;
    std::vector<BatchFailure> failures;
    std::exception_ptr error;  // the first
    bool ready = false;
  };

  void fail(Made& made, std::size_t batch, std::optional<std::size_t> index) const {
    std::exception_ptr error = std::current_exception();
    made.failures.push_back({batch, index, internal::exception_message(error)});
    if (made.error) return;
    const std::string where = error_text("batch ", batch, " of epoch ", epoch_);
    made.error = internal::prefixed(
        error, index ? error_text("example ", *index, " (", where, "): ") : where + ": ");
  }

  template <class Load, class Collate>
  Made make_batch(const Load& load, const Collate& collate, std::size_t batch) const {
    using Example = internal::LoadedExample<Load>;
    Made made;
    std::vector<Example> examples;
    std::vector<std::size_t> indices;
    for (const std::size_t index : batches_[batch]) {
      if (stop_) return made;
      try {
        examples.push_back(internal::call_load(load, index, epoch_));
        indices.push_back(index);
      } catch (...) {
        fail(made, batch, index);
        if (options_.on_error == OnError::stop) return made;
      }
    }
    if (examples.empty()) return made;
    try {
      made.batch.emplace(internal::collate_examples<Example>(collate, examples, indices));
    } catch (...) {
      fail(made, batch, std::nullopt);
    }
    return made;
  }

  Made make_safely(std::size_t batch) const {
    try {
      return make_(batch);
    } catch (...) {  // no memory left to say more
      Made made;
      made.error = std::current_exception();
      return made;
    }
  }

  void work() {
    limit_threads_of_this_thread(1);
    std::unique_lock lock(mutex_);
    for (;;) {
      room_.wait(lock,
                 [&] { return stop_ || made_ >= limit_ || made_ < position_ + slots_.size(); });
      if (stop_ || made_ >= limit_) return;
      const std::size_t batch = made_++;
      lock.unlock();
      Made made = make_safely(batch);
      lock.lock();
      if (made.error && options_.on_error == OnError::stop && batch < limit_) {
        limit_ = batch + 1;
        room_.notify_all();
      }
      made.ready = true;
      slots_[batch % slots_.size()] = std::move(made);
      ready_.notify_one();
    }
  }

  Made take() {
    std::unique_lock lock(mutex_);
    Made& slot = slots_[position_ % slots_.size()];
    ready_.wait(lock, [&] { return slot.ready; });
    return std::exchange(slot, Made{});
  }

  void advance() {
    const std::lock_guard lock(mutex_);
    ++position_;
    room_.notify_one();
  }

  void start_workers() {
    const std::size_t count =
        std::min(static_cast<std::size_t>(options_.workers), limit_ - position_);
    // No more than there are batches.
    const std::size_t left = limit_ - position_;
    slots_ = std::vector<Made>(
        count == 0 || options_.prefetch > left / count ? left : count * options_.prefetch);
    try {
      for (std::size_t i = 0; i < count; ++i) workers_.emplace_back([this] { work(); });
    } catch (...) {
      started_ = false;
      stop_workers();
      throw;
    }
  }

  void stop_workers() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
      room_.notify_all();
    }
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
    slots_.clear();
  }

  std::function<EpochBatches(std::uint64_t epoch)> batches_of_;
  LoadingOptions options_;
  std::function<Made(std::size_t batch)> make_;

  // Constant while workers run.
  EpochBatches batches_;
  std::uint64_t epoch_ = 0;

  // The caller's alone.
  std::vector<std::thread> workers_;
  std::vector<BatchFailure> failures_;
  std::exception_ptr error_, first_error_;
  bool started_ = false;
  bool whole_ = true;  // begun with the first batch, and none came of it yet

  std::mutex mutex_;
  std::condition_variable room_, ready_;
  std::atomic<bool> stop_ = false;
  std::size_t position_ = 0;  // to be returned
  std::size_t made_ = 0;      // to be made
  std::size_t limit_ = 0;     // those from here on are not needed
  std::vector<Made> slots_;   // of batch b: b % size
};

template <class Load, class Collate>
BatchLoader(std::size_t, Load, Collate, BatchOptions = {}, LoadingOptions = {})
    -> BatchLoader<internal::CollatedBatch<Load, Collate>>;
template <std::invocable<std::uint64_t> Batches, class Load, class Collate>
BatchLoader(Batches, Load, Collate, LoadingOptions = {})
    -> BatchLoader<internal::CollatedBatch<Load, Collate>>;

}  // namespace posekit::inline POSEKIT_ISA
