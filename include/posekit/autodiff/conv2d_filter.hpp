#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/kernels/conv2d_geometry.hpp>

namespace posekit::inline POSEKIT_ISA {

/// A constant filter [kernel_height, kernel_width, in_channels, out_channels] with what follows it,
/// and the packed forms that the kernels read. These are made when they are first needed and then
/// shared by all threads.
template <class T>
class Conv2dFilter {
 public:
  struct Vjp;

  /// Throws ShapeError unless `filter` has rank 4, and `bias` and `slope`, where given, one element
  /// for each output channel (of a depthwise filter: for each in_channels * multiplier).
  explicit Conv2dFilter(Tensor<T> filter, std::optional<Tensor<T>> bias = {},
                        std::optional<Tensor<T>> slope = {});
  /// The same with a filter that is shared, not copied.
  explicit Conv2dFilter(std::shared_ptr<const Tensor<T>> shared, std::optional<Tensor<T>> bias = {},
                        std::optional<Tensor<T>> slope = {});

  const Tensor<T>& filter() const { return *filter_; }
  const T* bias() const { return bias_ ? bias_->data() : nullptr; }
  const T* slope() const { return slope_ ? slope_->data() : nullptr; }
  std::size_t bias_size() const { return bias_ ? bias_->size() : 0; }
  std::size_t slope_size() const { return slope_ ? slope_->size() : 0; }
  std::size_t kernel_height() const { return filter().shape()[0]; }
  std::size_t kernel_width() const { return filter().shape()[1]; }
  std::size_t in_channels() const { return filter().shape()[2]; }
  std::size_t out_channels() const { return filter().shape()[3]; }

  /// The filter for `kernels::conv2d`.
  const T* packed() const;

  /// The filter for `kernels::conv2d_vjp` with this stride, dilation and padding.
  std::shared_ptr<const Vjp> vjp(const Conv2dGeometry& g) const;

  /// Frees the packed forms, which are made again when they are needed. Not while another thread
  /// uses what `packed` returned.
  void drop_packed() const;

 private:
  using Key = std::array<std::size_t, 8>;

  std::shared_ptr<const Tensor<T>> filter_;
  std::optional<Tensor<T>> bias_;
  std::optional<Tensor<T>> slope_;
  mutable std::mutex mutex_;
  mutable std::optional<Tensor<T>> packed_;
  mutable std::map<Key, std::shared_ptr<const Vjp>> vjps_;
};

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

#include <posekit/core/error.hpp>
#include <posekit/kernels/conv2d.hpp>
#include <posekit/kernels/conv2d_vjp.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
struct Conv2dFilter<T>::Vjp {
  kernels::Conv2dVjpPlan plan;
  Tensor<T> packed;
};

template <class T>
Conv2dFilter<T>::Conv2dFilter(Tensor<T> filter, std::optional<Tensor<T>> bias,
                              std::optional<Tensor<T>> slope)
    : Conv2dFilter(std::make_shared<const Tensor<T>>(std::move(filter)), std::move(bias),
                   std::move(slope)) {}

template <class T>
Conv2dFilter<T>::Conv2dFilter(std::shared_ptr<const Tensor<T>> shared,
                              std::optional<Tensor<T>> bias, std::optional<Tensor<T>> slope)
    : filter_(std::move(shared)), bias_(std::move(bias)), slope_(std::move(slope)) {
  require_rank(filter(), 4, "Conv2dFilter", "filter",
               "[kernel_height, kernel_width, in_channels, out_channels]");
  if (filter().size() == 0) {
    throw ShapeError(error_text("Conv2dFilter: filter has shape ", to_string(filter().shape()),
                                ", expected no empty axis"));
  }
}

template <class T>
const T* Conv2dFilter<T>::packed() const {
  const std::lock_guard lock(mutex_);
  if (!packed_) {
    const kernels::PanelLayout layout(out_channels());
    const std::size_t depth = kernel_height() * kernel_width() * in_channels();
    packed_ = make_tensor<T>({layout.packed_size(depth)});
    const T* data = filter().data();
    kernels::pack_panels(
        layout, depth, [&](std::size_t k, std::size_t n) { return data[k * out_channels() + n]; },
        packed_->data());
  }
  return packed_->data();
}

template <class T>
std::shared_ptr<const typename Conv2dFilter<T>::Vjp> Conv2dFilter<T>::vjp(
    const Conv2dGeometry& g) const {
  const Key key{g.stride_height,
                g.stride_width,
                g.dilation_height,
                g.dilation_width,
                g.pad_top,
                g.pad_left,
                std::min(g.stride_height, g.in_height),
                std::min(g.stride_width, g.in_width)};
  const std::lock_guard lock(mutex_);
  auto& entry = vjps_[key];
  if (entry == nullptr) {
    kernels::Conv2dVjpPlan plan = kernels::conv2d_vjp_plan(g);
    Tensor<T> packed = make_tensor<T>({plan.packed_size});
    kernels::conv2d_vjp_pack(g, plan, filter().data(), packed.data());
    entry = std::make_shared<const Vjp>(Vjp{std::move(plan), std::move(packed)});
  }
  return entry;
}

template <class T>
void Conv2dFilter<T>::drop_packed() const {
  const std::lock_guard lock(mutex_);
  packed_.reset();
  vjps_.clear();
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_AUTODIFF
