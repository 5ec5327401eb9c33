// SPDX-License-Identifier: Apache-2.0
#include "crds/definitions.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "base/field.hpp"
#include "base/text.hpp"
#include "base/yaml.hpp"

namespace sluice::crds {
namespace {

Json schema_of(const std::string& kind) {
    for (const auto& definition : custom_resource_definitions())
        if (text_at(definition, {"spec", "names", "kind"}) == kind)
            return definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    return {};
}

Json property(const Json& schema, std::initializer_list<const char*> path) {
    const Json* at = &schema;
    for (const char* key : path) {
        const bool items = std::string_view(key) == "[]";
        at = items ? find(*at, {"items"}) : find(*at, {"properties", key});
        if (!at) return {};
    }
    return *at;
}

// The rules of a structural schema that ours could break: every node says what it is.
void expect_structural(const Json& schema, const std::string& path) {
    const bool free = schema.contains("x-kubernetes-preserve-unknown-fields") ||
                      schema.contains("x-kubernetes-int-or-string");
    EXPECT_TRUE(free || schema.contains("type")) << path;
    if (schema.value("type", "") == "array") EXPECT_TRUE(schema.contains("items")) << path;
    if (const Json* items = find(schema, {"items"})) expect_structural(*items, path + "[]");
    if (const Json* free_keys = find(schema, {"additionalProperties"}))
        expect_structural(*free_keys, path + ".*");
    if (const Json* properties = find(schema, {"properties"}))
        for (const auto& [key, inner] : properties->items())
            expect_structural(inner, concat(path, ".", key));
}

TEST(Definitions, EverySchemaIsStructural) {
    const auto all = custom_resource_definitions();
    EXPECT_EQ(all.size(), 7u);
    for (const auto& definition : all)
        expect_structural(definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"],
                          text_at(definition, {"metadata", "name"}));
}

TEST(Definitions, SchemasSayWhatTheDecodersRead) {
    const Json rollout = schema_of("Rollout");
    EXPECT_EQ(property(rollout, {"spec", "replicas"}),
              Json({{"type", "integer"}, {"format", "int64"}}));
    EXPECT_EQ(property(rollout, {"spec", "template"}),
              Json({{"x-kubernetes-preserve-unknown-fields", true}}));
    const Json step = property(rollout, {"spec", "strategy", "canary", "steps", "[]"});
    EXPECT_EQ(property(step, {"setWeight"})["type"], "integer");
    EXPECT_EQ(property(step, {"pause", "duration"})["x-kubernetes-int-or-string"], true);
    EXPECT_EQ(property(step, {"analysis", "templates", "[]", "templateName"})["type"], "string");
    EXPECT_EQ(property(schema_of("GitSource"), {"spec", "mode"})["enum"],
              Json({"Apply", "Observe"}));
}

// A server drops what the schema does not know: then what we write would be lost.
void expect_known(const Json& schema, const Json& value, const std::string& path) {
    if (schema.contains("x-kubernetes-preserve-unknown-fields")) return;
    if (value.is_array())
        for (const auto& item : value) expect_known(schema["items"], item, path + "[]");
    if (!value.is_object() || schema == Json({{"type", "object"}})) return;
    for (const auto& [key, inner] : value.items()) {
        const Json* known = find(schema, {"properties", key});
        if (!known) known = find(schema, {"additionalProperties"});
        EXPECT_TRUE(known) << path << "." << key;
        if (known) expect_known(*known, inner, concat(path, ".", key));
    }
}

TEST(Definitions, KnowEveryFieldThatSluiceWrites) {
    int seen = 0;
    for (const auto& file :
         std::filesystem::directory_iterator(SLUICE_SOURCE_DIR "/tests/bench/documents")) {
        std::ifstream in(file.path());
        const Json document = Json::parse(in);
        const Json schema = schema_of(document.value("kind", ""));
        if (schema.is_null()) continue;
        ++seen;
        expect_known(schema, document, file.path().filename().string());
    }
    EXPECT_GE(seen, 5);
}

TEST(Definitions, StandInDeployAsTheyAre) {
    for (const auto& definition : custom_resource_definitions()) {
        const std::string file = text_at(definition, {"spec", "names", "plural"}) + ".yaml";
        std::ifstream in(std::string(SLUICE_SOURCE_DIR "/deploy/crds/") + file);
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        const auto documents = parse_yaml(text, file);
        ASSERT_TRUE(documents.ok() && documents->size() == 1) << file;
        EXPECT_EQ(parse_json((*documents)[0].text).value(), definition)
            << file << ": run deploy_generate, see deploy/generate.cpp";
    }
}

std::vector<Json> documents_in(const std::string& file) {
    std::ifstream in(SLUICE_SOURCE_DIR "/deploy/" + file);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    std::vector<Json> documents;
    const auto parsed = parse_yaml(text, file);
    for (const auto& each : parsed.value())
        documents.push_back(parse_json(each.text).value());
    return documents;
}

TEST(Install, IsTheDefinitionsAndTheBaseInTheirOrder) {
    auto expected = custom_resource_definitions();
    for (const char* name : {"cluster/namespace", "base/service-account", "base/roles",
                             "base/role-bindings", "base/deployment", "base/service"})
        for (auto& document : documents_in(concat(name, ".yaml")))
            expected.push_back(std::move(document));
    EXPECT_EQ(documents_in("install.yaml"), expected)
        << "run deploy_generate, see deploy/generate.cpp";
}

// A pod of ours needs nothing that a hardened cluster refuses.
TEST(Install, RunsUnderTheRestrictedPodSecurityStandard) {
    const Json deployment = documents_in("base/deployment.yaml").at(0);
    const Json pod = deployment["spec"]["template"]["spec"];
    EXPECT_EQ(pod["securityContext"]["runAsNonRoot"], true);
    EXPECT_EQ(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    const Json own = pod["containers"][0]["securityContext"];
    EXPECT_EQ(own["allowPrivilegeEscalation"], false);
    EXPECT_EQ(own["readOnlyRootFilesystem"], true);
    EXPECT_EQ(own["capabilities"]["drop"], Json({"ALL"}));
}

}  // namespace
}  // namespace sluice::crds
