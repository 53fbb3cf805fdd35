#pragma once

// Sums over the axes along which an operand was broadcast.

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include <posekit/core/isa.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/kernels/strided.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

namespace internal {

/// Terms that are added in T, one after the other, before they are added in double: few enough that
/// a float's rounding does not add up.
inline constexpr std::size_t reduce_run = 16;
/// Columns of a row that are summed together.
inline constexpr std::size_t reduce_columns = 4096;
/// Elements that one thread sums at least, where a sum is cut into parts.
inline constexpr std::size_t reduce_part = 65536;
/// Parts that a sum is cut into at most.
inline constexpr std::size_t reduce_parts = 16;

/// Some of the axes of a strided loop, as a loop of its own.
template <std::size_t Operands>
class AxisLoop {
 public:
  using Offsets = std::array<std::size_t, Operands>;

  void add(std::size_t extent, const Offsets& step) {
    extents_.push_back(extent);
    steps_.push_back(step);
    count_ *= extent;
  }
  std::size_t count() const { return count_; }

  /// Where iteration `index` is in every operand.
  Offsets offsets(std::size_t index) const {
    Offsets offsets{};
    for (std::size_t axis = extents_.size(); axis-- > 0;) {
      for (std::size_t o = 0; o < Operands; ++o)
        offsets[o] += index % extents_[axis] * steps_[axis][o];
      index /= extents_[axis];
    }
    return offsets;
  }

  /// Calls `body(offsets)` for the iterations [begin, end).
  template <class Body>
  void run(std::size_t begin, std::size_t end, const Body& body) const {
    if (extents_.empty()) {
      if (begin < end) body(Offsets{});
      return;
    }
    if (extents_.size() > 1) {
      for (std::size_t i = begin; i < end; ++i) body(offsets(i));
      return;
    }
    Offsets at = offsets(begin);
    for (std::size_t i = begin; i < end; ++i) {
      body(at);
      for (std::size_t o = 0; o < Operands; ++o) at[o] += steps_[0][o];
    }
  }

 private:
  std::vector<std::size_t> extents_;
  std::vector<Offsets> steps_;
  std::size_t count_ = 1;
};

/// op(in...) of where every input is, `read` with its step.
template <std::size_t Inputs, class T, class Op, class Read>
[[gnu::always_inline]] inline auto apply_to(const Op& op, const std::array<const T*, Inputs>& in,
                                            const std::array<std::size_t, Inputs>& steps,
                                            const Read& read) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) { return op(read(in[I], steps[I])...); }
  (std::make_index_sequence<Inputs>{});
}

/// The sum of op(in...) along a row. `simple` where all steps are 0 or 1.
template <class T, class Arch, std::size_t Inputs, class Op>
double sum_row(std::size_t length, const std::array<const T*, Inputs>& in,
               const std::array<std::size_t, Inputs>& steps, bool simple, const Op& op) {
  constexpr std::size_t L = simd::lanes<T, Arch>;
  double total = 0;
  std::size_t i = 0;
  while (simple && i + L <= length) {
    // Four sums, so that no addition waits for the one before.
    std::array<simd::Batch<T, Arch>, 4> sums;
    sums.fill(simd::Batch<T, Arch>(T(0)));
    const auto add = [&](auto k) {
      sums[k] += apply_to(op, in, steps, [&](const T* p, std::size_t step) {
        return load_step<T, Arch>(p + (i + k * L) * step, step);
      });
    };
    const std::size_t end = std::min(length, i + 4 * reduce_run * L);
    for (; i + 4 * L <= end; i += 4 * L) simd::unroll<4>(add);
    for (; i + L <= end; i += L) add(std::integral_constant<std::size_t, 0>{});
    total +=
        static_cast<double>(simd::sum_lanes<T, Arch>((sums[0] + sums[1]) + (sums[2] + sums[3])));
  }
  while (i < length) {
    T sum(0);
    for (const std::size_t end = std::min(length, i + reduce_run); i < end; ++i)
      sum += apply_to(op, in, steps, [&](const T* p, std::size_t step) { return p[i * step]; });
    total += static_cast<double>(sum);
  }
  return total;
}

/// Sums op(in...) of up to reduce_run rows, column by column, into `sums`.
template <class T, class Arch, std::size_t Inputs, class Op>
void sum_columns(std::size_t rows, const std::array<const T*, Inputs>* in, std::size_t columns,
                 const std::array<std::size_t, Inputs>& steps, bool simple, const Op& op, T* sums) {
  constexpr std::size_t L = simd::lanes<T, Arch>;
  const std::size_t vectors = simple ? columns / L * L : 0;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t c = 0; c < vectors; c += L) {
      simd::Batch<T, Arch> value = apply_to(op, in[row], steps, [&](const T* p, std::size_t step) {
        return load_step<T, Arch>(p + c * step, step);
      });
      if (row > 0) value += simd::load<T, Arch>(sums + c);
      simd::store<T, Arch>(sums + c, value);
    }
  }
  for (std::size_t c = vectors; c < columns; ++c) {
    T sum(0);
    for (std::size_t row = 0; row < rows; ++row) {
      sum +=
          apply_to(op, in[row], steps, [&](const T* p, std::size_t step) { return p[c * step]; });
    }
    sums[c] = sum;
  }
}

}  // namespace internal

/// out[j] += scale * sum over the i that broadcast to j of op(in0[i], in1[i], ...). Operand 0 of
/// `loop` is `out`, row-major, of stride 0 along the axes that are summed; `op` is called with
/// batches and with scalars. Sums are of short runs in T and of these in double; their order, and
/// so their bits, depend on the shape alone.
template <class T, class Arch, std::size_t Inputs, class Op>
void strided_reduce(const StridedRows<Inputs + 1>& loop, T* out,
                    const std::array<const T*, Inputs>& in, double scale, const Op& op,
                    int threads) {
  using Offsets = std::array<std::size_t, Inputs + 1>;
  const std::size_t row_axis = loop.extents().size() - 1;
  const std::size_t length = loop.row_length();
  const Offsets& row_steps = loop.row_steps();
  std::array<std::size_t, Inputs> steps;
  std::copy(row_steps.begin() + 1, row_steps.end(), steps.begin());
  const bool simple = std::all_of(steps.begin(), steps.end(), [](std::size_t s) { return s <= 1; });
  // Rows that stay apart, and rows that are added up.
  internal::AxisLoop<Inputs + 1> kept, summed;
  for (std::size_t axis = 0; axis < row_axis; ++axis) {
    (loop.steps()[axis][0] == 0 ? summed : kept).add(loop.extents()[axis], loop.steps()[axis]);
  }
  if (kept.count() * summed.count() * length == 0) return;

  // A unit is what ends in one number, where a row does, or in neighbouring columns of a row. Its
  // pieces are what is added up for it: rows, or segments of long ones.
  const bool across = row_steps[0] == 0;
  const std::size_t width = across ? 1 : std::min(length, internal::reduce_columns);
  const std::size_t blocks = across ? 1 : (length + width - 1) / width;
  const std::size_t units = kept.count() * blocks;
  const std::size_t segment = across ? std::min(length, internal::reduce_part) : width;
  const std::size_t segments = across ? (length + segment - 1) / segment : 1;
  const std::size_t pieces = summed.count() * segments;
  // Few units are cut into parts, so that threads can share them.
  const std::size_t parts =
      units >= 64 ? 1
                  : std::clamp<std::size_t>(pieces * segment / internal::reduce_part, 1,
                                            std::min(pieces, internal::reduce_parts));
  const auto place = [&](const Offsets& unit, const Offsets& row, std::size_t first) {
    std::array<const T*, Inputs> at;
    for (std::size_t k = 0; k < Inputs; ++k)
      at[k] = in[k] + unit[k + 1] + row[k + 1] + first * row_steps[k + 1];
    return at;
  };
  /// Adds pieces [begin, end) of the unit at `unit`, from column `first` on, to `totals`.
  const auto sum_pieces = [&](const Offsets& unit, std::size_t first, std::size_t begin,
                              std::size_t end, double* totals) {
    if (!across) {
      const std::size_t columns = std::min(width, length - first);
      std::array<std::array<const T*, Inputs>, internal::reduce_run> rows;
      alignas(64) std::array<T, internal::reduce_columns> sums;
      for (std::size_t row = begin; row < end; row += internal::reduce_run) {
        std::size_t count = 0;
        summed.run(row, std::min(end, row + internal::reduce_run),
                   [&](const Offsets& at) { rows[count++] = place(unit, at, first); });
        internal::sum_columns<T, Arch>(count, rows.data(), columns, steps, simple, op, sums.data());
        for (std::size_t c = 0; c < columns; ++c) totals[c] += static_cast<double>(sums[c]);
      }
    } else if (segments == 1) {
      summed.run(begin, end, [&](const Offsets& row) {
        *totals += internal::sum_row<T, Arch>(length, place(unit, row, 0), steps, simple, op);
      });
    } else {
      for (std::size_t p = begin; p < end; ++p) {
        const std::size_t start = p % segments * segment;
        *totals += internal::sum_row<T, Arch>(std::min(segment, length - start),
                                              place(unit, summed.offsets(p / segments), start),
                                              steps, simple, op);
      }
    }
  };
  const auto finish = [&](const Offsets& unit, std::size_t first, const double* totals) {
    T* to = out + unit[0] + first;
    const std::size_t columns = across ? 1 : std::min(width, length - first);
    for (std::size_t c = 0; c < columns; ++c) to[c] += static_cast<T>(scale * totals[c]);
  };
  const int workers = threads_for(units * pieces * segment, threads);
  if (parts == 1) {
    parallel_ranges(units, workers, [&](std::size_t begin, std::size_t end, int) {
      std::array<double, internal::reduce_columns> totals;
      const auto whole = [&](const Offsets& unit, std::size_t first) {
        if (across && pieces == 1) {
          out[unit[0]] += static_cast<T>(
              scale * internal::sum_row<T, Arch>(length, place(unit, {}, 0), steps, simple, op));
          return;
        }
        std::fill_n(totals.data(), width, 0.0);
        sum_pieces(unit, first, 0, pieces, totals.data());
        finish(unit, first, totals.data());
      };
      if (blocks == 1) {
        kept.run(begin, end, [&](const Offsets& unit) { whole(unit, 0); });
      } else {
        for (std::size_t u = begin; u < end; ++u)
          whole(kept.offsets(u / blocks), u % blocks * width);
      }
    });
    return;
  }
  std::vector<double> totals(units * parts * width, 0.0);
  parallel_for(units * parts, workers, [&](std::size_t i) {
    const std::size_t unit = i / parts, part = i % parts;
    sum_pieces(kept.offsets(unit / blocks), unit % blocks * width, pieces * part / parts,
               pieces * (part + 1) / parts, totals.data() + i * width);
  });
  for (std::size_t unit = 0; unit < units; ++unit) {
    double* sum = totals.data() + unit * parts * width;
    for (std::size_t part = 1; part < parts; ++part) {
      for (std::size_t c = 0; c < width; ++c) sum[c] += sum[part * width + c];
    }
    finish(kept.offsets(unit / blocks), unit % blocks * width, sum);
  }
}

/// result [columns] += the sum of the rows of `matrix` [rows, columns].
template <class T, class Arch = simd::DefaultArch>
void sum_rows(std::size_t rows, std::size_t columns, const T* matrix, T* result, int threads) {
  const Shape shape{rows, columns};
  strided_reduce<T, Arch, 1>(
      StridedRows<2>(shape, {broadcast_strides({columns}, 2), broadcast_strides(shape, 2)}), result,
      {matrix}, 1.0, [](const auto& v) { return v; }, threads);
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
