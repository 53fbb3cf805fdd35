#include <catch2/catch.hpp>

#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

#include <posekit/batches/batch_sampling.hpp>
#include <posekit/core/error.hpp>

namespace pk = posekit;

namespace {

std::vector<std::size_t> joined(const pk::EpochBatches& batches) {
  std::vector<std::size_t> all;
  for (const auto& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
  return all;
}

std::vector<std::size_t> sorted(std::vector<std::size_t> values) {
  std::sort(values.begin(), values.end());
  return values;
}

std::vector<std::size_t> counted(std::size_t count) {
  std::vector<std::size_t> values(count);
  std::iota(values.begin(), values.end(), std::size_t{0});
  return values;
}

}  // namespace

TEST_CASE("An epoch's batches cover the data set", "[batches]") {
  const auto batches = pk::epoch_batches(23, 2, {.batch_size = 5, .seed = 9});
  REQUIRE(batches.size() == 5);
  CHECK(batches[4].size() == 3);
  CHECK(sorted(joined(batches)) == counted(23));
  CHECK(joined(batches) != joined(pk::epoch_batches(23, 3, {.batch_size = 5, .seed = 9})));
  const auto full = pk::epoch_batches(23, 2, {.batch_size = 5, .drop_last = true, .seed = 9});
  REQUIRE(full.size() == 4);
  CHECK(std::equal(full.begin(), full.end(), batches.begin()));
  CHECK(joined(pk::epoch_batches(23, 2, {.batch_size = 5, .shuffle = false})) == counted(23));
  CHECK(pk::epoch_batches(20, 0, {.batch_size = 5, .drop_last = true}).size() == 4);

  CHECK_THROWS_AS(pk::epoch_batches(23, 0, {.batch_size = 0}), pk::ValueError);
  CHECK_THROWS_AS(pk::epoch_batches(0, 0), pk::ValueError);
  CHECK_THROWS_WITH(pk::epoch_batches(4, 0, {.batch_size = 7, .drop_last = true}),
                    Catch::Contains("4 examples") && Catch::Contains("batches of 7"));
}

TEST_CASE("Mixed batches take their share from both data sets", "[batches]") {
  constexpr std::size_t first = 13, second = 7;
  std::vector<std::size_t> drawn;
  for (std::uint64_t epoch = 0; epoch < 7; ++epoch) {
    const auto batches = pk::mixed_batches(first, second, epoch, {.batch_size = 6, .seed = 11});
    CHECK(batches == pk::mixed_batches(first, second, epoch, {.batch_size = 6, .seed = 11}));
    REQUIRE(batches.size() == 5);
    std::vector<std::size_t> of_first;
    for (std::size_t b = 0; b < batches.size(); ++b) {
      const std::size_t half = b == 4 ? 1 : 3;  // 13 = 4 * 3 + 1
      REQUIRE(batches[b].size() == 2 * half);
      for (std::size_t i = 0; i < batches[b].size(); ++i) {
        const auto [is_second, index] = pk::mixed_index(batches[b][i], first);
        CHECK(is_second == (i >= half));
        (is_second ? drawn : of_first).push_back(index);
      }
    }
    CHECK(sorted(of_first) == counted(first));
  }
  // 7 epochs of 13: the second data set 13 times, each time whole and in another order.
  REQUIRE(drawn.size() == 91);
  std::set<std::vector<std::size_t>> orders;
  for (std::size_t pass = 0; pass < 13; ++pass) {
    const auto begin = drawn.begin() + static_cast<std::ptrdiff_t>(pass * second);
    const std::vector<std::size_t> order(begin, begin + second);
    CHECK(sorted(order) == counted(second));
    orders.insert(order);
  }
  CHECK(orders.size() == 13);
}

TEST_CASE("Mixed batches of other shares", "[batches]") {
  // An odd batch gives the first data set one more.
  const auto odd = pk::mixed_batches(9, 20, 1, {.batch_size = 5, .shuffle = false});
  REQUIRE(odd.size() == 3);
  CHECK(odd[0] == std::vector<std::size_t>{0, 1, 2, 9 + 6, 9 + 7});
  CHECK(odd[2] == std::vector<std::size_t>{6, 7, 8, 9 + 10, 9 + 11});
  const auto quarter =
      pk::mixed_batches(5, 3, 0, {.batch_size = 8, .from_first = 2, .shuffle = false});
  REQUIRE(quarter.size() == 3);
  CHECK(quarter[0] == std::vector<std::size_t>{0, 1, 5, 6, 7, 5, 6, 7});
  CHECK(quarter[2] == std::vector<std::size_t>{4, 5, 6, 7});
  CHECK(pk::mixed_batches(5, 0, 0, {.batch_size = 2, .from_first = 2}).size() == 3);
  CHECK(pk::mixed_batches(5, 3, 0, {.batch_size = 4, .drop_last = true}).size() == 2);

  CHECK_THROWS_WITH(pk::mixed_batches(5, 0, 0), Catch::Contains("second data set"));
  CHECK_THROWS_AS(pk::mixed_batches(0, 5, 0), pk::ValueError);
  CHECK_THROWS_WITH(pk::mixed_batches(5, 5, 0, {.batch_size = 4, .from_first = 9}),
                    Catch::Contains("batch of 4") && Catch::Contains("9 come"));
}
