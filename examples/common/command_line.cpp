#include "command_line.hpp"

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>

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

void parse_or_exit(CLI::App& app, int argc, char** argv, const std::function<void()>& check) {
  try {
    app.parse(argc, argv);
    if (check) check();
  } catch (const CLI::CallForHelp&) {
    std::fputs(wrapped(app.help(), app.get_formatter()->get_column_width()).c_str(), stdout);
    std::exit(0);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "%s: %s (see --help)\n", app.get_name().c_str(), error.what());
    std::exit(1);
  }
}
