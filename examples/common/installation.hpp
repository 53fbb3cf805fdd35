#pragma once

// Where a command finds what belongs to it.

#include <filesystem>
#include <string>
#include <string_view>

/// The folder that a command's data were installed in (its own in "share/posekit" beside the "bin"
/// or "libexec" that it runs from), or else `checkout`: what it has where it was built.
std::filesystem::path data_folder(std::string_view command, const std::filesystem::path& checkout);

/// The folder where networks of the user's are: $XDG_DATA_HOME/posekit/models, by default
/// ~/.local/share/posekit/models. Empty where there is neither.
std::filesystem::path user_model_folder();

/// The folder of a network's file: `given` where it is not empty, else $POSEKIT_MODELS where that
/// is set; else the first of ./models and `user_model_folder()` that has the file. Throws
/// FileError, which names the folders that were looked in, where the last two do not have it.
std::filesystem::path model_folder(const std::filesystem::path& given, std::string_view file);
