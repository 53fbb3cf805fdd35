#pragma once

// Tables as text: values separated by commas, a header in the first line.

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// A table whose columns have names. Rows are as long as the header.
struct CsvTable {
  std::string source;
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;

  /// Throws FileError, which lists the columns, where there is none of this name.
  std::size_t column(std::string_view name) const;

  /// A cell as a number; NaN where it is empty. Throws FileError naming line and column.
  double number(std::size_t row, std::size_t column) const;
};

/// Reads a table: fields may be quoted, with doubled quotes inside. Throws FileError naming the
/// line where rows are not as long as the header.
CsvTable parse_csv(std::string_view text, const std::string& name);

CsvTable load_csv(const std::filesystem::path& path);

/// A text as a field: quoted where it has to be.
std::string csv_field(std::string_view text);
/// A number as a field: the shortest digits that read back as the same; empty for NaN.
std::string csv_field(double value);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_IO

#include <posekit/core/decimal.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/listed.hpp>
#include <posekit/io/file.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE std::size_t CsvTable::column(std::string_view name) const {
  std::string names;
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (header[i] == name) return i;
    append_listed(names, header[i]);
  }
  throw FileError(error_text(source, ": has no column '", name, "'; it has ", names));
}

POSEKIT_INLINE double CsvTable::number(std::size_t row, std::size_t column) const {
  const std::string& cell = rows[row][column];
  if (cell.empty()) return std::numeric_limits<double>::quiet_NaN();
  if (const auto value = parse_decimal(cell)) return *value;
  throw FileError(error_text(source, ": row ", row + 1, ", column '", header[column], "' holds '",
                             cell, "', expected a number"));
}

POSEKIT_INLINE CsvTable parse_csv(std::string_view text, const std::string& name) {
  CsvTable table;
  table.source = name;
  std::vector<std::string> row;
  std::string field;
  bool quoted = false, was_quoted = false;
  std::size_t line = 1;
  const auto end_field = [&] {
    row.push_back(std::move(field));
    field.clear();
    was_quoted = false;
  };
  const auto end_row = [&] {
    if (row.empty() && field.empty() && !was_quoted) return;  // an empty line
    end_field();
    if (table.header.empty()) {
      table.header = std::move(row);
    } else {
      if (row.size() != table.header.size()) {
        throw FileError(error_text(name, ": line ", line, " has ", row.size(), " fields, expected ",
                                   table.header.size(), " as in the header"));
      }
      table.rows.push_back(std::move(row));
    }
    row.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '"') {
        field += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        field += '"';
        ++i;
      } else {
        quoted = false;
      }
    } else if (c == '"' && field.empty()) {
      quoted = was_quoted = true;
    } else if (c == ',') {
      end_field();
    } else if (c == '\n') {
      end_row();
      ++line;
    } else if (c != '\r') {
      field += c;
    }
  }
  if (quoted) throw FileError(error_text(name, ": a quoted field is not closed"));
  end_row();
  if (table.header.empty()) throw FileError(error_text(name, ": is empty, expected a header"));
  return table;
}

POSEKIT_INLINE CsvTable load_csv(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  return parse_csv({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string());
}

POSEKIT_INLINE std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

POSEKIT_INLINE std::string csv_field(double value) {
  if (std::isnan(value)) return {};
  return shortest_decimal(value);
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_IO
