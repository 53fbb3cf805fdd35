#pragma once

// everything.cpp as it is compiled for two instruction sets. With `load`, throws a
// posekit::FileError.
double use_baseline(bool load);
double use_avx2(bool load);
