#pragma once

#include <string>
#include <vector>

/// Why test cases of this program did not run. One that puts something here has the tag [shared] or
/// [networks], so that CTest shows it as skipped and the others as what they are.
std::vector<std::string>& skipped_reasons();
