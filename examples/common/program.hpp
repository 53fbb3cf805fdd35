#pragma once

#include <atomic>
#include <functional>

/// Set by the first Ctrl-C, SIGTERM or SIGHUP while `run_program` works; a second one ends the
/// program as usual.
const std::atomic<bool>& stop_requested();

/// Throws posekit::Cancelled once it is set.
void stop_if_requested();

/// Brings out what was printed. False, after a message, where the standard output cannot take it.
bool finish_printing(const char* program);

/// Calls `work` and returns the program's exit status: 0 where it ends well and all that it printed
/// came out, 130 where it was stopped, otherwise 1. What went wrong is said on the error output in
/// the words of whatever is thrown, with control characters that came out of files made visible.
int run_program(const char* program, const std::function<void()>& work);
