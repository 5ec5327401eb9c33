// SPDX-License-Identifier: Apache-2.0
// Which kinds the server knows: a fixed table, and what CustomResourceDefinitions add while it
// runs.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/resource.hpp"
#include "standalone/apiserver/schema/schema.hpp"

namespace sluice::standalone::apiserver {

// Where the scale subresource finds its numbers, as dotted paths without the leading dot.
struct ScalePaths {
    std::string spec_replicas;
    std::string status_replicas;
    std::string label_selector;  // a text in the selector syntax, or a LabelSelector object
    bool operator==(const ScalePaths&) const = default;
};

struct PrinterColumn {
    std::string name;
    std::string type;  // "string", "integer", "date", "boolean", "number"
    std::string path;  // ".status.phase"
    long priority = 0;
    std::string description;
    bool operator==(const PrinterColumn&) const = default;
};

struct Resource {
    ResourceType type;                  // the version that is stored
    std::vector<std::string> versions;  // all that are served, preferred first; one store for all
    std::string singular;
    std::vector<std::string> short_names;
    std::vector<std::string> categories;
    bool status = false;      // has the status subresource
    bool generation = false;  // metadata.generation is kept
    bool collected = false;   // the garbage collector watches it: foreground deletion waits for it
    bool unrun = false;       // can be asked for, and is never there: nothing here would run it
    bool custom = false;  // behaves as a CRD's: no strategic merge, resourceVersion needed for PUT
    std::optional<ScalePaths> scale;
    std::vector<std::string>
        field_labels;                    // for fieldSelector, beside metadata.name and .namespace
    std::vector<PrinterColumn> columns;  // of a CustomResourceDefinition
    std::map<std::string, SchemaPtr, std::less<>> schemas;  // by version
    // Null where any document will do.
    [[nodiscard]] SchemaPtr schema_at(std::string_view version) const;
    // The store's name for the type: "rollouts.argoproj.io".
    [[nodiscard]] std::string store_type() const;
    // The type as a request for `version` sees it.
    [[nodiscard]] ResourceType type_at(std::string_view version) const;
    bool operator==(const Resource&) const = default;
};
using ResourcePtr = std::shared_ptr<const Resource>;

// Any thread.
class Registry {
public:
    Registry();

    // Null where nothing of that name is served.
    [[nodiscard]] ResourcePtr find(std::string_view group, std::string_view version,
                                   std::string_view plural) const;
    [[nodiscard]] ResourcePtr find_store_type(std::string_view store_type) const;
    // Core first, then by group; within a group as declared.
    [[nodiscard]] std::vector<ResourcePtr> all() const;

    // From a CustomResourceDefinition; a kind of the fixed table stays as it is.
    void add_custom(const Json& definition);
    void remove_custom(const Json& definition);
    // True for a kind of the fixed table.
    [[nodiscard]] bool is_builtin(std::string_view store_type) const;

private:
    mutable std::mutex mutex_;
    std::vector<ResourcePtr> resources_;  // guarded by mutex_; the fixed table first
    size_t builtin_count_ = 0;
};

// The fixed table.
std::vector<Resource> builtin_resources();

// What a CustomResourceDefinition describes; Invalid with the reason.
Result<Resource> read_definition(const Json& definition);

}  // namespace sluice::standalone::apiserver
