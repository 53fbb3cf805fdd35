#pragma once

#include <cstddef>
#include <vector>

#include <nlohmann/json.hpp>

/// A document with each of its values, itself among them, replaced in turn by each replacement.
/// Calls check(document) for each.
template <class Json, class Check>
void for_each_json_mutation(const Json& document, const std::vector<Json>& replacements,
                            const Check& check) {
  using Pointer = typename Json::json_pointer;
  std::vector<Pointer> places;
  const auto collect = [&](const auto& self, const Json& value, const Pointer& at) -> void {
    places.push_back(at);
    if (value.is_object()) {
      for (const auto& [key, item] : value.items()) self(self, item, at / key);
    } else if (value.is_array()) {
      for (std::size_t i = 0; i < value.size(); ++i) self(self, value[i], at / i);
    }
  };
  collect(collect, document, Pointer());
  for (const auto& place : places) {
    for (const Json& replacement : replacements) {
      Json changed = document;
      if (place.empty()) {
        changed = replacement;
      } else {
        changed[place] = replacement;
      }
      check(changed);
    }
  }
}
