#include <catch2/catch.hpp>

#include <posekit/core/error.hpp>
#include <posekit/pose/derived_joints.hpp>

namespace pk = posekit;

namespace {

std::vector<std::pair<std::size_t, double>> derive(const std::string& joint,
                                                   const std::vector<pk::DerivedJoint>& derived,
                                                   const std::vector<std::string>& known) {
  return pk::derive_joint(joint, derived,
                          [&](const std::string& name) -> std::optional<std::size_t> {
                            for (std::size_t i = 0; i < known.size(); ++i)
                              if (known[i] == name) return i;
                            return std::nullopt;
                          });
}

}  // namespace

TEST_CASE("Joints are derived from others by the first rule that can be followed", "[pose]") {
  using Sum = std::vector<std::pair<std::size_t, double>>;
  const std::vector<std::string> known{"head", "left_hip", "right_hip", "chest"};
  const std::vector<pk::DerivedJoint> rules{{"pelvis", {"tail"}},
                                            {"pelvis", {"left_hip", "right_hip"}},
                                            {"spine", {{"pelvis", 0.75}, {"chest", 0.25}}},
                                            {"a", {"b"}},
                                            {"b", {"a"}}};
  CHECK(derive("head", rules, known) == Sum{{0, 1.0}});
  CHECK(derive("pelvis", rules, known) == Sum{{1, 0.5}, {2, 0.5}});
  CHECK(derive("spine", rules, known) == Sum{{1, 0.375}, {2, 0.375}, {3, 0.25}});
  CHECK(derive("a", rules, known).empty());
  CHECK(derive("knee", rules, known).empty());
}

TEST_CASE("Weights of derived joints sum to 1, or there are none", "[pose]") {
  CHECK_NOTHROW(pk::require_derived_joints("f", pk::usual_derived_joints()));
  CHECK_THROWS_WITH(pk::require_derived_joints("f", {{"a", {{"b", 0.5}, {"c", 0.4}}}}),
                    "f: the weights of derived joint a sum to 0.9, expected 1");
  CHECK_THROWS_WITH(pk::require_derived_joints("f", {{"a", {}}}), Catch::Contains("sum to 0"));
  CHECK_THROWS_WITH(pk::require_derived_joints("f", {{"a", {{"b", 1.0}, "c"}}}),
                    "f: 1 of 2 parts of derived joint a have a weight, expected all or none");
}
