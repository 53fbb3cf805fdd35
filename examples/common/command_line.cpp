#include "command_line.hpp"

#include <cstdio>
#include <cstdlib>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>

#include <posekit/core/decimal.hpp>
#include <posekit/core/printable.hpp>

#include "program.hpp"

namespace {

/// Breaks the lines of a help text that are too long for a terminal; what follows is indented like
/// the descriptions.
std::string wrapped(const std::string& help, std::size_t indent) {
  constexpr std::size_t width = 98;
  std::istringstream lines(help);
  std::string result, line;
  while (std::getline(lines, line)) {
    while (line.size() > width) {
      const std::size_t space = line.rfind(' ', width);
      if (space == std::string::npos || space <= indent) break;
      result += line.substr(0, space) + '\n';
      line = std::string(indent, ' ') + line.substr(space + 1);
    }
    result += line + '\n';
  }
  return result;
}

}  // namespace

CLI::Validator number_between(double low, double high, const std::string& expected) {
  return {[=](std::string& text) {
            const auto value = posekit::parse_decimal(
                std::string_view(text).substr(text.starts_with('+') ? 1 : 0));
            if (value && *value >= low && *value <= high) return std::string();
            return "is " + text + ", expected " + expected;
          },
          ""};
}

CLI::Validator positive_number(bool or_zero) {
  constexpr double least = std::numeric_limits<double>::denorm_min();
  return number_between(or_zero ? 0 : least, std::numeric_limits<double>::max(),
                        or_zero ? "0 or a positive number" : "a positive number");
}

void parse_or_exit(CLI::App& app, int argc, char** argv, const std::function<void()>& check) {
  try {
    app.parse(argc, argv);
    if (check) check();
  } catch (const CLI::CallForHelp&) {
    std::fputs(wrapped(app.help(), app.get_formatter()->get_column_width()).c_str(), stdout);
    std::exit(finish_printing(app.get_name().c_str()) ? 0 : 1);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "%s: %s (see --help)\n", app.get_name().c_str(),
                 posekit::printable(error.what()).c_str());
    std::exit(1);
  }
}
