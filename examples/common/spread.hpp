#pragma once

#include <cmath>
#include <functional>

/// Of a measure over trainings with several seeds.
struct Spread {
  double mean = 0;
  double deviation = 0;  ///< the standard one, of n - 1; 0 for a single value
};

/// Of what `of` says of each of `items`, a function or a field.
template <class Items, class Of>
Spread spread(const Items& items, const Of& of) {
  Spread s;
  const auto count = static_cast<double>(items.size());
  for (const auto& item : items) s.mean += std::invoke(of, item) / count;
  for (const auto& item : items) s.deviation += std::pow(std::invoke(of, item) - s.mean, 2);
  s.deviation = items.size() > 1 ? std::sqrt(s.deviation / (count - 1)) : 0;
  return s;
}
