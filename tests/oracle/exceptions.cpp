// SPDX-License-Identifier: Apache-2.0
#include "tests/oracle/exceptions.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "base/text.hpp"
#include "base/yaml.hpp"

namespace sluice::oracle {

std::vector<Exception> load_exceptions(const std::string& file) {
    std::ifstream stream(file);
    std::ostringstream text;
    text << stream.rdbuf();
    const auto documents = parse_yaml(text.str(), file);
    if (!documents.ok()) throw std::runtime_error(documents.error().message);
    std::vector<Exception> exceptions;
    if (documents->empty()) return exceptions;
    const Json list = parse_json(documents->front().text).value();
    for (const auto& item : list)
        exceptions.push_back({text_at(item, {"id"}),
                              item.at("rows").get<std::vector<std::string>>(),
                              item.at("paths").get<std::vector<std::string>>()});
    return exceptions;
}

bool matches(const std::string& pattern, const std::string& text) {
    const auto pieces = split(pattern, '*');
    if (pieces.size() == 1) return pattern == text;
    if (!text.starts_with(pieces.front())) return false;
    size_t at = pieces.front().size();
    for (size_t i = 1; i + 1 < pieces.size(); ++i) {
        const auto found = text.find(pieces[i], at);
        if (found == std::string::npos) return false;
        at = found + pieces[i].size();
    }
    return text.size() >= at + pieces.back().size() && text.ends_with(pieces.back());
}

Excuses::Excuses(std::vector<Exception> exceptions) : exceptions_(std::move(exceptions)) {
    for (const auto& exception : exceptions_) {
        for (const auto& row : exception.rows) uses_.push_back({&exception, row, true});
        for (const auto& path : exception.paths) uses_.push_back({&exception, path, false});
    }
}

std::vector<Difference> Excuses::unexcused(const std::string& row, std::vector<Difference> found) {
    std::vector<Difference> left;
    for (auto& difference : found) {
        bool excused = false;
        for (const auto& exception : exceptions_) {
            const auto of_row = [&](const std::string& pattern) { return matches(pattern, row); };
            const auto of_path = [&](const std::string& pattern) {
                return matches(pattern, difference.path);
            };
            if (std::ranges::none_of(exception.rows, of_row) ||
                std::ranges::none_of(exception.paths, of_path))
                continue;
            excused = true;
            for (auto& use : uses_)
                if (use.exception == &exception &&
                    (use.of_rows ? of_row(use.pattern) : of_path(use.pattern)))
                    use.used = true;
        }
        if (!excused) left.push_back(std::move(difference));
    }
    return left;
}

std::vector<std::string> Excuses::outlived(const std::string& script) const {
    const auto concerns = [&](const Exception& exception) {
        return std::ranges::all_of(
            exception.rows, [&](const std::string& row) { return row.starts_with(script + "/"); });
    };
    std::vector<std::string> texts;
    for (const auto& use : uses_)
        if (!use.used &&
            (use.of_rows ? use.pattern.starts_with(script + "/") : concerns(*use.exception)))
            texts.push_back(concat(use.exception->id, ": ", use.pattern));
    return texts;
}

}  // namespace sluice::oracle
