// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/judge_files.hpp"

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/text.hpp"
#include "controller/cli/judge_verbs.hpp"

namespace sluice::cli {

int complain(const std::string& what) {
    std::cerr << "sluice: " << what << "\n";
    return BadInput;
}

Result<std::string> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return not_found(concat("read ", path, ": cannot be opened"));
    std::ostringstream text;
    text << file.rdbuf();
    if (file.bad()) return unavailable(concat("read ", path, ": reading failed"));
    return text.str();
}

bool JudgeFile::holds(const std::vector<Problem>& problems) const {
    for (const auto& problem : problems) complain(to_text(problem, path, places));
    return problems.empty();
}

std::optional<JudgeFile> read_judge_file(const std::string& path) {
    const auto text = read_file(path);
    if (!text.ok()) return complain(text.error().message), std::nullopt;
    auto documents = parse_yaml(*text, path);
    if (!documents.ok()) return complain(documents.error().message), std::nullopt;
    if (documents->size() != 1)
        return complain(concat(path, ": expected one document, found ", documents->size())),
               std::nullopt;
    auto document = parse_json(documents->front().text);
    if (!document.ok()) return complain(concat(path, ": ", document.error().message)), std::nullopt;
    return JudgeFile{path, std::move(*document), std::move(documents->front().places)};
}

}  // namespace sluice::cli
