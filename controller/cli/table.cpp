// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/table.hpp"

#include <algorithm>
#include <iostream>

namespace sluice::cli {

void print_cells(const std::vector<std::vector<std::string>>& lines) {
    for (const auto& line : lines) {
        std::string text;
        for (size_t column = 0; column < line.size(); ++column) {
            size_t width = 0;
            for (const auto& other : lines) width = std::max(width, other[column].size());
            text += line[column];
            if (column + 1 < line.size()) text.append(width + 3 - line[column].size(), ' ');
        }
        text.erase(text.find_last_not_of(' ') + 1);
        std::cout << text << "\n";
    }
}

}  // namespace sluice::cli
