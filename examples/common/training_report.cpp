#include "training_report.hpp"

#include <unistd.h>

#include <cstdio>
#include <string>
#include <utility>

#include "program.hpp"

TrainingReport::TrainingReport(bool quiet, const std::string& metric, const std::string& unit)
    : TrainingReport(quiet, [metric, unit](double value) {
        char number[40];
        std::snprintf(number, sizeof number, " %6.1f ", value);
        return metric + number + unit;
      }) {}

TrainingReport::TrainingReport(bool quiet, std::function<std::string(double)> measured)
    : quiet_(quiet), live_(isatty(STDERR_FILENO) != 0), measured_(std::move(measured)) {}

bool TrainingReport::operator()(const posekit::TrainingStatus& s) {
  mean_ = s.step == s.resumed_from + 1 ? s.loss : 0.98 * mean_ + 0.02 * s.loss;
  if (quiet_) return !stop_requested().load();
  const double per_step = s.seconds / static_cast<double>(s.step - s.resumed_from);
  const double left = per_step * static_cast<double>(s.total_steps - s.step);
  if (live_) {
    std::fprintf(stderr, "\r\033[Kstep %llu/%llu   loss %.4f   %.1f steps/s   %.0f s left",
                 static_cast<unsigned long long>(s.step),
                 static_cast<unsigned long long>(s.total_steps), mean_, 1 / per_step, left);
    std::fflush(stderr);
  }
  if (s.metric) {
    if (live_) std::fprintf(stderr, "\r\033[K");
    std::printf("epoch %3llu/%llu   step %6llu   loss %.4f   %s%s   %.0f s left\n",
                static_cast<unsigned long long>(s.epoch + 1),
                static_cast<unsigned long long>(s.epochs), static_cast<unsigned long long>(s.step),
                mean_, measured_(*s.metric).c_str(), s.is_best ? " *" : "  ", left);
    std::fflush(stdout);
  }
  return !stop_requested().load();
}
