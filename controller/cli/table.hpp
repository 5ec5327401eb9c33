// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace sluice::cli {

// Columns as wide as they need be, three blanks apart; the first line is the heads.
void print_cells(const std::vector<std::vector<std::string>>& lines);

}  // namespace sluice::cli
