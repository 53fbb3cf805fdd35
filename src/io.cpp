// What io/ defines, compiled once.

#define POSEKIT_SOURCE
#define POSEKIT_DEFINES_IO 1
#define POSEKIT_INLINE

#include <posekit/io.hpp>
#include <posekit/io/json_file.hpp>
#include <posekit/io/json_string.hpp>
#include <posekit/io/parse_json.hpp>

#define T float
#include "io_picture_templates.inc"
#include "io_templates.inc"
#undef T
#define T double
#include "io_picture_templates.inc"
#include "io_templates.inc"
#undef T
#define T std::int8_t
#include "io_templates.inc"
#undef T
#define T std::uint8_t
#include "io_templates.inc"
#undef T
#define T std::int16_t
#include "io_templates.inc"
#undef T
#define T std::uint16_t
#include "io_templates.inc"
#undef T
#define T std::int32_t
#include "io_templates.inc"
#undef T
#define T std::uint32_t
#include "io_templates.inc"
#undef T
#define T std::int64_t
#include "io_templates.inc"
#undef T
#define T std::uint64_t
#include "io_templates.inc"
#undef T
#define T long long
#include "io_templates.inc"
#undef T
#define T unsigned long long
#include "io_templates.inc"
#undef T

namespace posekit::inline POSEKIT_ISA {
template class BasicJsonFile<nlohmann::json>;
template class BasicJsonFile<nlohmann::ordered_json>;
}  // namespace posekit::inline POSEKIT_ISA

// Truth values are written; what is read of them are numbers.
namespace posekit::inline POSEKIT_ISA {
template std::string npy_bytes<bool>(const Tensor<bool>& tensor);
template void save_npy<bool>(const std::filesystem::path& path, const Tensor<bool>& tensor);
template SafetensorsEntry safetensors_entry<bool>(std::string name, Tensor<bool>&& tensor);
template SafetensorsEntry safetensors_entry<bool>(std::string name, const Tensor<bool>& tensor);
}  // namespace posekit::inline POSEKIT_ISA
