// SPDX-License-Identifier: Apache-2.0
#include "crds/definitions.hpp"

#include <functional>
#include <nlohmann/json.hpp>

#include "base/resource.hpp"
#include "crds/analysis.hpp"
#include "crds/delivery.hpp"
#include "crds/git_source.hpp"
#include "crds/rollout.hpp"

namespace sluice::crds {
namespace definitions {

struct Column {
    const char* name;
    const char* type;
    const char* path;
    int priority = 0;  // above 0: only with -o wide
};

struct Kind {
    const ResourceType& type;
    const char* singular;
    std::vector<std::string> short_names;
    std::function<void(const Field& root)> decode;
    std::vector<Column> columns;
    Json subresources = Json::object();
};

// What a decoder left behind, as a structural schema: a document is opaque whatever else was asked
// of it, and required fields are named by what holds them.
Json structural(const Json& noted) {
    constexpr const char* opaque = "x-kubernetes-preserve-unknown-fields";
    if (noted.contains(opaque)) return {{opaque, true}};
    Json schema = noted;
    if (schema.contains("x-kubernetes-int-or-string"))
        schema["anyOf"] = {{{"type", "integer"}}, {{"type", "string"}}};
    for (const char* inner : {"items", "additionalProperties"})
        if (schema.contains(inner)) schema[inner] = structural(schema[inner]);
    if (schema.contains("properties"))
        for (auto& [name, property] : schema["properties"].items()) property = structural(property);
    if (schema.empty()) schema[opaque] = true;
    return schema;
}

Json schema_of(const Kind& kind) {
    Json noted = Json::object();
    kind.decode(Field::describing(noted));
    Json schema = structural(noted);
    // The server's own, of every object.
    auto& properties = schema["properties"];
    properties["apiVersion"] = {{"type", "string"}};
    properties["kind"] = {{"type", "string"}};
    properties["metadata"] = {{"type", "object"}};
    // Only the whole object and its two halves must be objects, even where they are opaque.
    for (const char* half : {"spec", "status"})
        if (properties.contains(half)) properties[half]["type"] = "object";
    schema["required"] = {"spec"};
    return schema;
}

Json column_document(const Column& column) {
    Json document{{"name", column.name}, {"type", column.type}, {"jsonPath", column.path}};
    if (column.priority) document["priority"] = column.priority;
    return document;
}

Json definition(const Kind& kind) {
    Json columns = Json::array();
    for (const auto& column : kind.columns) columns.push_back(column_document(column));
    columns.push_back(column_document({"Age", "date", ".metadata.creationTimestamp"}));
    Json version{{"name", kind.type.version},
                 {"served", true},
                 {"storage", true},
                 {"additionalPrinterColumns", columns},
                 {"schema", {{"openAPIV3Schema", schema_of(kind)}}}};
    if (!kind.subresources.empty()) version["subresources"] = kind.subresources;
    return {{"apiVersion", "apiextensions.k8s.io/v1"},
            {"kind", "CustomResourceDefinition"},
            {"metadata", {{"name", kind.type.plural + "." + kind.type.group}}},
            {"spec",
             {{"group", kind.type.group},
              {"scope", kind.type.namespaced ? "Namespaced" : "Cluster"},
              {"names",
               {{"kind", kind.type.kind},
                {"listKind", kind.type.kind + "List"},
                {"plural", kind.type.plural},
                {"singular", kind.singular},
                {"shortNames", kind.short_names}}},
              {"versions", Json::array({version})}}}};
}

// A decoder that takes the document, not the field.
void describe_experiment(const Field& root) {
    static_cast<void>(root.at("spec").document());
    static_cast<void>(root.at("status").document());
}

std::vector<Kind> native_kinds() {
    return {
        {resources::rollouts,
         "rollout",
         {"ro"},
         describe_rollout,
         {{"Desired", "integer", ".spec.replicas"},
          {"Current", "integer", ".status.replicas"},
          {"Up-to-date", "integer", ".status.updatedReplicas"},
          {"Available", "integer", ".status.availableReplicas"}},
         {{"status", Json::object()},
          {"scale",
           {{"specReplicasPath", ".spec.replicas"},
            {"statusReplicasPath", ".status.HPAReplicas"},
            {"labelSelectorPath", ".status.selector"}}}}},
        {resources::analysis_templates,
         "analysistemplate",
         {"at"},
         [](const Field& root) { decode_analysis_template(root); },
         {}},
        {resources::cluster_analysis_templates,
         "clusteranalysistemplate",
         {"cat"},
         [](const Field& root) { decode_analysis_template(root); },
         {}},
        {resources::analysis_runs,
         "analysisrun",
         {"ar"},
         [](const Field& root) { decode_analysis_run(root); },
         {{"Status", "string", ".status.phase"}}},
        {resources::experiments,
         "experiment",
         {"exp"},
         describe_experiment,
         {{"Status", "string", ".status.phase"}}},
    };
}

std::vector<Kind> own_kinds() {
    return {
        {resources::git_sources,
         "gitsource",
         {"gs"},
         describe_git_source,
         {{"URL", "string", ".spec.url"},
          {"Branch", "string", ".spec.ref.branch"},
          {"Applied", "string", ".status.lastApplied.commit"},
          {"Ready", "string", R"(.status.conditions[?(@.type=="Ready")].status)"},
          {"Message", "string", R"(.status.conditions[?(@.type=="Ready")].message)", 1}},
         {{"status", Json::object()}}},
        {resources::deliveries,
         "delivery",
         {"dlv"},
         describe_delivery,
         {{"Rollout", "string", ".spec.rollout.name"},
          {"Revision", "string", ".spec.revision"},
          {"Image", "string", ".spec.image.new"},
          {"Commit", "string", ".spec.source.commit"},
          {"Phase", "string", ".status.phase"},
          {"Message", "string", ".status.message", 1}},
         {{"status", Json::object()}}},
    };
}

}  // namespace definitions

std::vector<Json> custom_resource_definitions() {
    std::vector<Json> all;
    for (const auto& kind : definitions::native_kinds())
        all.push_back(definitions::definition(kind));
    for (const auto& kind : definitions::own_kinds()) all.push_back(definitions::definition(kind));
    return all;
}

}  // namespace sluice::crds
