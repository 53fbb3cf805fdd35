#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <posekit/batches/batch_loader.hpp>

namespace pk = posekit;

namespace {

// An example that tells where it comes from; a batch that is easily compared.
struct Example {
  std::size_t index;
  std::uint64_t epoch;
};
struct Batch {
  std::vector<std::size_t> indices;
  std::vector<std::uint64_t> epochs;
  bool operator==(const Batch&) const = default;
};

Example load(std::size_t index, std::uint64_t epoch) {
  // Later examples are ready earlier, so that the order is the loader's doing.
  std::this_thread::sleep_for(std::chrono::microseconds(37 * (29 - index)));
  return {index, epoch};
}

Batch collate(std::span<const Example> examples, std::span<const std::size_t> indices) {
  Batch batch;
  for (const Example& example : examples) {
    batch.indices.push_back(example.index);
    batch.epochs.push_back(example.epoch);
  }
  if (!std::equal(indices.begin(), indices.end(), batch.indices.begin(), batch.indices.end())) {
    throw std::logic_error("indices and examples differ");
  }
  return batch;
}

constexpr std::size_t data_size = 29;
const pk::BatchOptions sampling{.batch_size = 4, .seed = 17};

template <class Loader>
std::vector<Batch> rest(Loader& loader) {
  std::vector<Batch> batches;
  while (auto batch = loader.next()) batches.push_back(std::move(*batch));
  return batches;
}

/// Of the example 11 a FileError, of 20 something that is no posekit::Error.
Example load_or_fail(std::size_t index, std::uint64_t epoch) {
  if (index == 11) throw pk::FileError("11.jpg: is truncated");
  if (index == 20) throw std::out_of_range("nothing at 20");
  return load(index, epoch);
}

std::size_t batch_of(std::size_t index) {
  const auto batches = pk::epoch_batches(data_size, 0, sampling);
  for (std::size_t b = 0; b < batches.size(); ++b) {
    if (std::count(batches[b].begin(), batches[b].end(), index) > 0) return b;
  }
  return batches.size();
}

}  // namespace

TEST_CASE("Batches are the same for any number of workers", "[batches]") {
  std::vector<std::vector<Batch>> runs;
  for (const int workers : {0, 1, 3, 9}) {
    for (const std::size_t prefetch :
         {std::size_t{1}, std::size_t{4}, std::size_t{1} << 63, std::size_t{100000000}}) {
      pk::BatchLoader loader(data_size, load, collate, sampling,
                             {.workers = workers, .prefetch = prefetch});
      static_assert(std::is_same_v<decltype(loader), pk::BatchLoader<Batch>>);
      std::vector<Batch> batches;
      for (const std::uint64_t epoch : {0u, 1u}) {
        loader.start(epoch);
        for (Batch& batch : rest(loader)) batches.push_back(std::move(batch));
        CHECK_FALSE(loader.next());  // the end stays the end
        CHECK(loader.position() == 8);
      }
      runs.push_back(std::move(batches));
    }
  }
  REQUIRE(runs[0].size() == 16);
  CHECK(runs[0][7].indices.size() == 1);
  CHECK(runs[0][0].epochs == std::vector<std::uint64_t>{0, 0, 0, 0});
  CHECK(runs[0][8].epochs == std::vector<std::uint64_t>{1, 1, 1, 1});
  std::multiset<std::size_t> seen;
  for (std::size_t b = 0; b < 8; ++b) {
    seen.insert(runs[0][b].indices.begin(), runs[0][b].indices.end());
    CHECK(runs[0][b].indices == pk::epoch_batches(data_size, 0, sampling)[b]);
  }
  CHECK(seen.size() == data_size);
  for (const auto& run : runs) CHECK(run == runs[0]);
}

TEST_CASE("A loader begins anywhere, so that training resumes", "[batches]") {
  for (const int workers : {0, 2}) {
    pk::BatchLoader loader(data_size, load, collate, sampling, {.workers = workers});
    loader.start(5);
    const auto whole = rest(loader);
    loader.start(5, 3);
    CHECK(loader.epoch() == 5);
    CHECK(loader.position() == 3);
    CHECK(rest(loader) == std::vector<Batch>(whole.begin() + 3, whole.end()));
    // Another epoch in the middle of one.
    loader.start(4);
    (void)loader.next();
    loader.start(5);
    CHECK(*loader.next() == whole[0]);
    CHECK(loader.position() == 1);
    loader.start(5, 8);
    CHECK_FALSE(loader.next());
    CHECK_THROWS_WITH(loader.start(5, 9),
                      Catch::Contains("first_batch is 9") && Catch::Contains("8 batches"));
    CHECK(loader.batch_count() == 8);
  }
  // Without start it is epoch 0.
  pk::BatchLoader loader(data_size, load, collate, sampling);
  CHECK(loader.next()->epochs[0] == 0);
}

TEST_CASE("What a worker throws is thrown in the place of its batch", "[batches]") {
  const std::size_t first = std::min(batch_of(11), batch_of(20));
  REQUIRE(batch_of(11) != batch_of(20));
  for (const int workers : {0, 1, 3}) {
    pk::BatchLoader loader(data_size, load_or_fail, collate, sampling, {.workers = workers});
    loader.start(0);
    for (std::size_t b = 0; b < first; ++b) CHECK(loader.next());
    const auto expect_error = [&](std::size_t batch) {
      if (batch == batch_of(11)) {
        CHECK_THROWS_AS(loader.next(), pk::FileError);
        CHECK_THROWS_WITH(loader.next(), pk::error_text("example 11 (batch ", batch,
                                                        " of epoch 0): 11.jpg: is truncated"));
      } else {
        CHECK_THROWS_AS(loader.next(), std::out_of_range);
        CHECK_THROWS_WITH(loader.next(), "nothing at 20");
      }
      REQUIRE(loader.failures().size() == 1);
      CHECK(loader.failures()[0].index == (batch == batch_of(11) ? 11u : 20u));
      CHECK(loader.failures()[0].batch == batch);
    };
    expect_error(first);
    CHECK(loader.position() == first);
    // Past it, to the other one.
    loader.start(0, first + 1);
    CHECK(loader.failures().empty());
    const std::size_t second = std::max(batch_of(11), batch_of(20));
    for (std::size_t b = first + 1; b < second; ++b) CHECK(loader.next());
    expect_error(second);
  }
}

TEST_CASE("Examples that fail can be skipped and are listed", "[batches]") {
  const auto batches = pk::epoch_batches(data_size, 0, sampling);
  for (const int workers : {0, 1, 3}) {
    pk::BatchLoader loader(data_size, load_or_fail, collate, sampling,
                           {.workers = workers, .on_error = pk::OnError::skip});
    loader.start(0);
    const auto made = rest(loader);
    REQUIRE(made.size() == batches.size());
    for (std::size_t b = 0; b < batches.size(); ++b) {
      std::vector<std::size_t> expected = batches[b];
      std::erase(expected, std::size_t{11});
      std::erase(expected, std::size_t{20});
      CHECK(made[b].indices == expected);
    }
    REQUIRE(loader.failures().size() == 2);
    CHECK(loader.failures()[0].batch < loader.failures()[1].batch);
    const auto& of_11 = loader.failures()[batch_of(11) < batch_of(20) ? 0 : 1];
    CHECK(of_11.index == 11u);
    CHECK(of_11.message == "11.jpg: is truncated");

    // Batches of one: those that are left empty are left out.
    pk::BatchLoader single(data_size, load_or_fail, collate, {.batch_size = 1},
                           {.workers = workers, .on_error = pk::OnError::skip});
    CHECK(rest(single).size() == data_size - 2);
    CHECK(single.position() == data_size);
  }
}

TEST_CASE("Batches that cannot be joined are failures too", "[batches]") {
  const auto fussy = [](std::span<const Example> examples) {
    for (const Example& example : examples) {
      if (example.index == 3) throw pk::ShapeError("example 3 is too tall");
    }
    return examples.size();
  };
  const auto plain = [](std::size_t index) { return Example{index, 0}; };
  pk::BatchLoader skipping(data_size, plain, fussy, {.batch_size = 4, .shuffle = false},
                           {.on_error = pk::OnError::skip});
  std::size_t examples = 0;
  while (const auto count = skipping.next()) examples += *count;
  CHECK(examples == data_size - 4);
  REQUIRE(skipping.failures().size() == 1);
  CHECK_FALSE(skipping.failures()[0].index);
  pk::BatchLoader stopping(data_size, plain, fussy, {.batch_size = 4, .shuffle = false});
  CHECK_THROWS_AS(stopping.next(), pk::ShapeError);
  CHECK_THROWS_WITH(stopping.next(), "batch 0 of epoch 0: example 3 is too tall");
}

TEST_CASE("An epoch of which nothing is left is an error", "[batches]") {
  const auto broken = [](std::size_t index) -> Example {
    throw pk::FileError(pk::error_text(index, ": no such file"));
  };
  pk::BatchLoader loader(5, broken, collate, {.batch_size = 2, .shuffle = false},
                         {.on_error = pk::OnError::skip});
  CHECK_THROWS_WITH(loader.next(), "example 0 (batch 0 of epoch 0): 0: no such file");
  CHECK_THROWS_AS(loader.next(), pk::FileError);
  CHECK(loader.failures().size() == 5);
}

TEST_CASE("A loader can be destroyed in the middle of an epoch", "[batches]") {
  std::atomic<int> loads = 0;
  const auto counting = [&](std::size_t index) {
    ++loads;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return Example{index, 0};
  };
  const auto identity = [](std::span<const Example> examples) { return examples.size(); };
  for (int taken = 0; taken < 3; ++taken) {
    pk::BatchLoader loader(200, counting, identity, {.batch_size = 10}, {.workers = 3});
    loader.start(0);
    for (int i = 0; i < taken; ++i) CHECK(*loader.next() == 10);
  }
  const int before = loads;
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  CHECK(loads == before);  // nobody loads any more
  loads = 0;
  {
    // Batches that take seconds are not waited for.
    pk::BatchLoader loader(6000, counting, identity, {.batch_size = 3000}, {.workers = 2});
    loader.start(0);
    while (loads < 2) std::this_thread::yield();
  }
  CHECK(loads < 6000);
}

TEST_CASE("Workers make no more than is asked for ahead, and use one thread each", "[batches]") {
  std::atomic<std::size_t> loads = 0;
  std::atomic<int> widest = 0;
  const auto counting = [&](std::size_t index) {
    ++loads;
    int seen = widest;
    const int threads = pk::resolve_threads(0);
    while (threads > seen && !widest.compare_exchange_weak(seen, threads)) {
    }
    return std::make_unique<std::size_t>(index);  // examples need not be copyable
  };
  const auto sum = [](std::span<const std::unique_ptr<std::size_t>> examples) {
    std::size_t total = 0;
    for (const auto& example : examples) total += *example;
    return std::make_unique<std::size_t>(total);
  };
  pk::BatchLoader loader(100, counting, sum, {.batch_size = 1}, {.workers = 2, .prefetch = 3});
  loader.start(0);
  for (int wait = 0; wait < 2000 && loads < 6; ++wait) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(3));
  CHECK(loads == 6);
  (void)loader.next();
  for (int wait = 0; wait < 2000 && loads < 7; ++wait) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(3));
  CHECK(loads == 7);
  CHECK(widest == 1);
}

TEST_CASE("A loader takes batches from anywhere", "[batches]") {
  const auto batches = [](std::uint64_t epoch) {
    return pk::mixed_batches(6, 5, epoch, {.batch_size = 4, .shuffle = false});
  };
  pk::BatchLoader loader(batches, load, collate, {.workers = 3});
  loader.start(1);
  CHECK(loader.next()->indices == std::vector<std::size_t>{0, 1, 6 + 1, 6 + 2});
  CHECK(loader.batch_count() == 3);
}

TEST_CASE("Options that make no sense are refused", "[batches]") {
  CHECK_THROWS_WITH(pk::BatchLoader(data_size, load, collate, {}, {.workers = -2}),
                    Catch::Contains("workers is -2"));
  CHECK_THROWS_WITH(pk::BatchLoader(data_size, load, collate, {}, {.prefetch = 0}),
                    Catch::Contains("prefetch is 0"));
  pk::BatchLoader empty(0, load, collate);
  CHECK_THROWS_AS(empty.next(), pk::ValueError);
  pk::BatchLoader zero(data_size, load, collate, {.batch_size = 0});
  CHECK_THROWS_AS(zero.start(0), pk::ValueError);
}
