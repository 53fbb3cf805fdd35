#include "program.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <new>
#include <stdexcept>
#include <string>

#include <posekit/core/error.hpp>
#include <posekit/core/printable.hpp>

namespace pk = posekit;

namespace {

std::atomic<bool> stop{false};
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void note_signal(int) { stop.store(true); }

/// Takes the first signal as a request; the second one does what it does to any program. Signals
/// that are ignored (nohup) stay so.
class StopSignals {
 public:
  StopSignals() {
    stop.store(false);
    struct sigaction action = {};
    action.sa_handler = note_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    for (Entry& entry : entries_) {
      sigaction(entry.number, nullptr, &entry.before);
      if (entry.before.sa_handler != SIG_IGN) sigaction(entry.number, &action, nullptr);
    }
  }
  ~StopSignals() {
    for (const Entry& entry : entries_) sigaction(entry.number, &entry.before, nullptr);
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  struct Entry {
    int number;
    struct sigaction before = {};
  };
  Entry entries_[3] = {{SIGINT}, {SIGTERM}, {SIGHUP}};
};

void complain(const char* program, const std::string& what) {
  std::cout.flush();
  std::fflush(stdout);
  std::fprintf(stderr, "%s: %s\n", program, pk::printable(what).c_str());
}

}  // namespace

const std::atomic<bool>& stop_requested() { return stop; }

void stop_if_requested() {
  if (stop.load()) throw pk::Cancelled("stopped");
}

bool finish_printing(const char* program) {
  errno = 0;
  std::cout.flush();
  const bool flushed = std::fflush(stdout) == 0;
  const int reason = errno;
  if (flushed && std::ferror(stdout) == 0 && std::cout.good()) return true;
  std::fprintf(stderr, "%s: the standard output cannot be written%s%s\n", program,
               reason != 0 ? ": " : "",
               reason != 0 ? std::generic_category().message(reason).c_str() : "");
  return false;
}

int run_program(const char* program, const std::function<void()>& work) {
  const StopSignals signals;
  try {
    work();
    return finish_printing(program) ? 0 : 1;
  } catch (const pk::Cancelled&) {
    complain(program, "stopped; nothing was written");
    return 130;
  } catch (const std::bad_alloc&) {
    complain(program, "there is not enough memory");
  } catch (const std::length_error&) {  // of a container that would be larger than any memory
    complain(program, "there is not enough memory");
  } catch (const std::filesystem::filesystem_error& error) {
    complain(program, error.path1().string() + ": " + error.code().message());
  } catch (const std::exception& error) {
    complain(program, error.what());
  }
  return 1;
}
