#include <catch2/catch.hpp>

#include <utility>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/parameter.hpp>
#include <posekit/autodiff/reductions.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("A parameter is on a tape once, and shared with it", "[autodiff]") {
  const pk::Parameter<double> p(random_tensor<double>({2, 3}, 5));
  pk::Tape<double> tape;
  const auto x = p.on(tape);
  CHECK(x.requires_grad());
  CHECK(x.value().data() == p.value().data());
  CHECK(p.on(tape).value().data() == p.value().data());
  CHECK(tape.size() == 1);
  CHECK(p.gradient(tape) == nullptr);
  // What two layers do with it is added up.
  tape.backward(pk::sum(x * p.on(tape)));
  REQUIRE(p.gradient(tape) != nullptr);
  CHECK(relative_difference(*p.gradient(tape), pk::Tensor<double>(2.0 * p.value())) < 1e-15);
  // Clipping changes it in place.
  *p.gradient(tape) *= 0.5;
  CHECK(relative_difference(x.grad(), p.value()) < 1e-15);
  tape.clear();
  CHECK(p.gradient(tape) == nullptr);
}

TEST_CASE("The gradient is that of the last backward", "[autodiff]") {
  const pk::Parameter<double> p(pk::Tensor<double>{1.0, 2.0}), q(pk::Tensor<double>{3.0, 4.0});
  pk::Tape<double> tape, other;
  const auto y = pk::sum(p.on(tape) * 3.0), z = pk::sum(q.on(tape) * p.on(tape));
  tape.backward(y);
  CHECK(identical(*p.gradient(tape), pk::Tensor<double>{3.0, 3.0}));
  CHECK(q.gradient(tape) == nullptr);  // y does not depend on it
  CHECK(p.gradient(other) == nullptr);
  tape.backward(z);
  CHECK(identical(*p.gradient(tape), q.value()));
  CHECK(identical(*q.gradient(tape), p.value()));
  tape.backward(y);
  CHECK(q.gradient(tape) == nullptr);
}

TEST_CASE("Frozen parameters are constants", "[autodiff]") {
  pk::Parameter<double> p(pk::Tensor<double>{1.0, 2.0}), q(pk::Tensor<double>{3.0, 4.0});
  p.trainable = false;
  pk::Tape<double> tape;
  const auto x = p.on(tape);
  CHECK_FALSE(x.requires_grad());
  CHECK(x.value().data() == p.value().data());
  CHECK_FALSE(q.on(tape, false).requires_grad());
  tape.backward(pk::sum(x * q.on(tape)));
  CHECK(p.gradient(tape) == nullptr);
  CHECK(identical(*q.gradient(tape), pk::Tensor<double>{1.0, 2.0}));
  p.trainable = true;
  CHECK(p.on(tape).requires_grad());
}

TEST_CASE("Copies of a parameter own their tensors", "[autodiff]") {
  pk::Parameter<double> p(pk::Tensor<double>{1.0, 2.0});
  p.trainable = false;
  pk::Parameter<double> copy = p, assigned;
  CHECK(pk::shape_of(assigned.value()) == pk::Shape{0});
  assigned = p;
  p.mutable_value()(0) = 7.0;
  for (const auto* c : {&std::as_const(copy), &std::as_const(assigned)}) {
    CHECK(c->value()(0) == 1.0);
    CHECK_FALSE(c->trainable);
  }
  // A tape of one knows nothing of the other.
  pk::Tape<double> tape;
  copy.trainable = true;
  tape.backward(pk::sum(copy.on(tape)));
  CHECK(copy.gradient(tape) != nullptr);
  CHECK(assigned.gradient(tape) == nullptr);
  // Moved, it is the same tensor.
  const double* data = copy.value().data();
  pk::Parameter<double> moved = std::move(copy);
  CHECK(moved.value().data() == data);
  CHECK(moved.gradient(tape) != nullptr);
  assigned = std::move(moved);
  CHECK(assigned.value().data() == data);
  CHECK(assigned.trainable);
}

TEST_CASE("Every change counts, and looking does not", "[autodiff]") {
  pk::Parameter<float> p(pk::Tensor<float>{1.0f}), other(pk::Tensor<float>{2.0f});
  auto version = p.version();
  const auto changed = [&] { return p.version() != std::exchange(version, p.version()); };
  (void)p.value();
  pk::Tape<float> tape;
  (void)p.on(tape);
  CHECK_FALSE(changed());
  p.mutable_value()(0) = 3.0f;
  CHECK(changed());
  p.mutable_value() = pk::Tensor<float>{4.0f};
  CHECK(changed());
  p = other;
  CHECK(changed());
  p = std::move(other);
  CHECK(changed());
  CHECK(p.value()(0) == 2.0f);
}

TEST_CASE("A step of an optimiser: clear, record, differentiate, change", "[autodiff]") {
  pk::Parameter<double> p(pk::Tensor<double>{4.0});
  pk::Tape<double> tape;
  for (int step = 0; step < 50; ++step) {
    tape.clear();
    const auto x = p.on(tape);
    tape.backward(pk::sum(x * x));
    p.mutable_value() -= 0.2 * *p.gradient(tape);
  }
  CHECK(p.value()(0) == Approx(0).margin(1e-9));
  CHECK(tape.size() == 3);
}

TEST_CASE("A change through a reference that was kept is noticed", "[autodiff]") {
  pk::Parameter<double> p(pk::Tensor<double>{1.0, 2.0, 3.0});
  std::uint64_t fingerprint = p.fingerprint();
  const auto changed = [&] {
    return p.fingerprint() != std::exchange(fingerprint, p.fingerprint());
  };
  CHECK_FALSE(changed());
  p.value_to_change()(0) = 5.0;
  CHECK(changed());
  auto& kept = p.mutable_value();
  (void)changed();
  CHECK_FALSE(changed());
  kept(2) = 4.0;
  CHECK(changed());
  kept(2) = 4.0;
  CHECK_FALSE(changed());
  pk::Parameter<double> moved = std::move(p);
  fingerprint = moved.fingerprint();
  kept(1) = 7.0;
  CHECK(moved.fingerprint() != fingerprint);
  // Nobody has a reference to a copy's.
  const pk::Parameter<double> copy = moved;
  fingerprint = copy.fingerprint();
  kept(1) = 8.0;
  CHECK(copy.fingerprint() == fingerprint);
  CHECK(copy.value()(1) == 7.0);
}
