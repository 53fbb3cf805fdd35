#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include <iostream>

#include "support/skipped.hpp"

std::vector<std::string>& skipped_reasons() {
  static std::vector<std::string> reasons;
  return reasons;
}

// Ends with 1 where something failed, and with 77 where all that ran is well, but something could
// not run: what that was is printed last.
int main(int argc, char* argv[]) {
  const int status = Catch::Session().run(argc, argv);
  for (const std::string& reason : skipped_reasons()) std::cout << "skipped: " << reason << '\n';
  if (status != 0) return 1;
  return skipped_reasons().empty() ? 0 : 77;
}
