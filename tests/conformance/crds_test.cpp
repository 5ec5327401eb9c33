// SPDX-License-Identifier: Apache-2.0
// People change controllers on clusters that hold their Rollouts: our definitions must take
// whatever upstream's take, or a server would drop or refuse what is stored there.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/yaml.hpp"
#include "crds/definitions.hpp"
#include "tests/support/conformance.hpp"

namespace sluice::crds {
namespace upstream_crds {

const Json& schema_in(const Json& definition) {
    return definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
}

Json read_definition(const std::filesystem::path& path) {
    std::ifstream in(path);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    return Json::parse(parse_yaml(text, path.string()).value().at(0).text);
}

bool holds(const Json& schema, const char* mark) {
    return schema.contains(mark);
}

// Everything that `theirs` takes, `ours` must take. Counts the fields it looked at.
int expect_taken(const Json& theirs, const Json& ours, const std::string& path) {
    if (holds(ours, "x-kubernetes-preserve-unknown-fields")) return 1;
    if (holds(theirs, "x-kubernetes-int-or-string")) {
        EXPECT_TRUE(holds(ours, "x-kubernetes-int-or-string")) << path;
    } else if (!holds(ours, "x-kubernetes-int-or-string")) {
        EXPECT_EQ(theirs.value("type", ""), ours.value("type", "")) << path;
    }
    EXPECT_FALSE(holds(ours, "enum")) << path;
    int seen = 1;
    if (const Json* items = find(theirs, {"items"}))
        seen += expect_taken(*items, ours.value("items", Json::object()), path + "[]");
    const Json* fields = find(theirs, {"properties"});
    if (!fields || path.ends_with(".metadata")) return seen;
    for (const auto& [key, field] : fields->items()) {
        const Json* known = find(ours, {"properties", key});
        if (!known) known = find(ours, {"additionalProperties"});
        EXPECT_TRUE(known) << path << "." << key;
        if (known) seen += expect_taken(field, *known, concat(path, ".", key));
    }
    return seen;
}

TEST(UpstreamDefinitions, TakeNothingThatOursRefuse) {
    const auto folder = test::conformance_folder() / "argo-rollouts/crds";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is absent";
    int kinds = 0;
    int fields = 0;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
        const Json theirs = read_definition(file.path());
        for (const auto& ours : custom_resource_definitions()) {
            if (ours["metadata"]["name"] != theirs["metadata"]["name"]) continue;
            ++kinds;
            fields += expect_taken(schema_in(theirs), schema_in(ours),
                                   text_at(ours, {"spec", "names", "kind"}));
            EXPECT_EQ(ours["spec"]["scope"], theirs["spec"]["scope"]);
            EXPECT_EQ(ours["spec"]["names"], theirs["spec"]["names"]);
            EXPECT_EQ(ours["spec"]["versions"][0].value("subresources", Json::object()),
                      theirs["spec"]["versions"][0].value("subresources", Json::object()));
        }
    }
    EXPECT_EQ(kinds, 5);
    EXPECT_GT(fields, 300);
}

}  // namespace upstream_crds
}  // namespace sluice::crds
