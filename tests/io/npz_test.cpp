#include <catch2/catch.hpp>

#include <fstream>

#include <posekit/io/npz.hpp>

#include "support/close.hpp"
#include "support/mutations.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;

TEST_CASE("Archives of NumPy's are read, stored and deflated", "[io]") {
  for (const char* file : {"io/stored.npz", "io/deflated.npz"}) {
    const pk::NpzArchive archive(golden_file(file));
    CHECK(archive.names() == std::vector<std::string>{"counts", "ramp"});
    const auto ramp = archive.array<double>("ramp");
    REQUIRE(pk::shape_of(ramp) == pk::Shape{40, 25});
    for (std::size_t i = 0; i < 1000; ++i)
      REQUIRE(ramp.data()[i] == 0.5 * static_cast<double>(i % 50));
    CHECK(pk::load_npz<std::int64_t>(golden_file(file), "counts")(2) == -3);
    CHECK_THROWS_WITH(archive.array<double>("ram"),
                      Catch::Contains("has no array 'ram'; it has counts, ramp"));
  }
}

TEST_CASE("Damaged archives end in an error or in the same numbers", "[io]") {
  for (const char* file : {"io/stored.npz", "io/deflated.npz"}) {
    const auto bytes = pk::read_file(golden_file(file));
    std::size_t errors = 0, read = 0;
    for_each_mutation(bytes, 3000, 4, [&](const std::vector<std::uint8_t>& damaged) {
      try {
        const pk::NpzArchive archive(damaged, "a.npz");
        for (const auto& name : archive.names()) (void)archive.array<float>(name);
        ++read;
      } catch (const pk::Error&) {
        ++errors;
      }
    });
    CHECK(errors > 1000);
    CHECK(read > 10);
  }
  CHECK_THROWS_WITH(pk::NpzArchive({1, 2, 3}, "a.npz"),
                    "a.npz: is no npz file (a ZIP archive of arrays)");
  CHECK_THROWS_AS(pk::NpzArchive("/nowhere.npz"), pk::FileError);
}

TEST_CASE("What is written is read again", "[io]") {
  const auto path = scratch_folder("npz") / "a.npz";
  const pk::Tensor<float> a{{1.5f, -2.0f, 3.0f}, {4.0f, 5.0f, 6.0f}};
  pk::save_npz<float>(path, {{"first", a}, {"second", pk::zeros<float>({3, 1, 2})}});
  const pk::NpzArchive archive(path);
  CHECK(archive.names() == std::vector<std::string>{"first", "second"});
  CHECK(identical(archive.array<float>("first"), a));
  CHECK(pk::shape_of(archive.array<double>("second")) == pk::Shape{3, 1, 2});
}

TEST_CASE("Motion capture is read", "[io]") {
  const auto folder = shared_folder("data/cmu_mocap");
  if (!folder) return;
  const pk::NpzArchive archive(*folder / "test.npz");
  const auto poses = archive.array<float>("poses");
  CHECK(pk::shape_of(poses) == pk::Shape{3510, 17, 3});
  CHECK(archive.array<std::int64_t>("sequence").size() == 3510);
  CHECK_THROWS_AS(archive.array<float>("joint_names"), pk::FileError);  // texts
}
