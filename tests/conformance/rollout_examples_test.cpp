// SPDX-License-Identifier: Apache-2.0
// Upstream's own example Rollouts are read without a problem, and its validation's verdict on them
// is ours.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/text.hpp"
#include "base/yaml.hpp"
#include "crds/rollout.hpp"
#include "tests/support/conformance.hpp"

namespace sluice::crds {
namespace rollout_examples {

const char* const folders[] = {"argo-rollouts/examples", "argo-rollouts/test/e2e"};

std::string read_text(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

// Every Rollout in a file; templates that are no YAML (Helm) are left out.
std::vector<Json> rollouts_in(const std::filesystem::path& path) {
    std::vector<Json> found;
    const auto documents = parse_yaml(read_text(path), path.string());
    if (!documents.ok()) return found;
    for (const auto& document : *documents) {
        Json object = Json::parse(document.text);
        if (object.is_object() && object.value("kind", Json()) == "Rollout" &&
            text_at(object, {"apiVersion"}).starts_with("argoproj.io/"))
            found.push_back(std::move(object));
    }
    return found;
}

TEST(RolloutExamples, AreReadWithoutAProblem) {
    int seen = 0;
    for (const char* name : folders) {
        const auto folder = test::conformance_folder() / name;
        if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is absent";
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
            if (entry.path().extension() != ".yaml") continue;
            // Manifests that are wrong on purpose.
            if (entry.path().string().find("expectedfailures") != std::string::npos) continue;
            for (const auto& document : rollouts_in(entry.path())) {
                const Rollout rollout = decode_rollout(document);
                for (const auto& problem : rollout.problems)
                    ADD_FAILURE() << entry.path() << ": " << to_text(problem);
                // Some of the suite's manifests are patches of others: without selector or
                // template.
                if (rollout.spec.selector && rollout.spec.has_template)
                    for (const auto& refusal : refusals(rollout))
                        ADD_FAILURE() << entry.path() << ": " << refusal;
                ++seen;
            }
        }
    }
    EXPECT_GT(seen, 40);
}

}  // namespace rollout_examples
}  // namespace sluice::crds
