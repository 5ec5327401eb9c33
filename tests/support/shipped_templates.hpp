// SPDX-License-Identifier: Apache-2.0
// The ClusterAnalysisTemplates of deploy/analysis, as they lie there.
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "base/check.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "base/yaml.hpp"

namespace sluice::test {

inline std::vector<Json> shipped_template_documents() {
    std::vector<Json> documents;
    const std::filesystem::path folder = std::string(SLUICE_SOURCE_DIR) + "/deploy/analysis";
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".yaml") continue;
        std::ifstream file(entry.path());
        std::stringstream text;
        text << file.rdbuf();
        const auto parsed = parse_yaml(text.str(), entry.path().string());
        check(parsed.ok(), "a file of deploy/analysis is no YAML");
        for (const auto& document : *parsed) {
            auto json = *parse_json(document.text);
            if (text_at(json, {"kind"}) == "ClusterAnalysisTemplate")
                documents.push_back(std::move(json));
        }
    }
    return documents;
}

}  // namespace sluice::test
