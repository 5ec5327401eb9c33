// SPDX-License-Identifier: Apache-2.0
// What the verbs of the judge read, and how they say what is wrong with it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/field.hpp"
#include "base/json.hpp"
#include "base/yaml.hpp"

namespace sluice::cli {

// Writes "sluice: <what>" on standard error; BadInput.
int complain(const std::string& what);

// The whole file; "-" is no file here.
Result<std::string> read_file(const std::string& path);

// A YAML file of one document.
struct JudgeFile {
    std::string path;
    Json document;
    Places places;
    // Complains of every problem with its line; true where there was none.
    [[nodiscard]] bool holds(const std::vector<Problem>& problems) const;
};
// Nothing where it cannot be read, after complaining.
std::optional<JudgeFile> read_judge_file(const std::string& path);

}  // namespace sluice::cli
