// SPDX-License-Identifier: Apache-2.0
// What a document of a kind may hold: of built-in kinds from a table of facts, of custom ones from
// their definition. One form for both, so that pruning, defaults, field validation, server-side
// apply, strategic merge and OpenAPI are each written once.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace sluice::standalone::apiserver {

enum class SchemaType {
    Any,     // whatever it is, it stays
    Object,  // fields with names of their own
    Map,     // text to `items`
    List,
    Text,
    Integer,
    Number,
    Boolean,
    IntOrText,
    Bytes,  // base64
    Time,
    Quantity,
};

// https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
enum class ListForm { Atomic, Set, Map };

struct Schema;
using SchemaPtr = std::shared_ptr<const Schema>;

// The checks of a custom kind's schema; a built-in kind has its own code.
struct SchemaChecks {
    std::optional<double> minimum, maximum, multiple_of;
    bool exclusive_minimum = false, exclusive_maximum = false;
    std::optional<long> min_length, max_length, min_items, max_items, min_properties,
        max_properties;
    bool unique_items = false;
    std::string pattern;
    std::string format;
    std::vector<std::string> allowed;  // enum, each value as JSON text
    std::vector<SchemaPtr> all_of, any_of, one_of;
    SchemaPtr none_of;  // not
    // x-kubernetes-validations whose rule is `self == oldSelf`: their messages.
    std::vector<std::string> immutable;
};

struct Schema {
    SchemaType type = SchemaType::Any;
    std::string name;  // of a built-in type: "core.v1.Container"
    std::map<std::string, SchemaPtr, std::less<>> fields;  // Object
    SchemaPtr items;                                       // List and Map; null: Any
    std::set<std::string, std::less<>> required;
    std::string default_text;  // JSON; empty: none
    std::string description;
    bool nullable = false;
    bool keeps_unknown = false;  // x-kubernetes-preserve-unknown-fields
    bool embedded = false;       // a whole Kubernetes object
    bool atomic = false;         // Object and Map: owned as one
    ListForm form = ListForm::Atomic;
    std::vector<std::string> keys;         // of ListForm::Map
    std::optional<std::string> merge_key;  // strategic merge; "" for a list of plain values
    bool retains_keys = false;             // strategic merge: what the patch leaves out goes
    bool wide = false;                     // Integer: 64 bits
    bool presence = false;                 // protobuf: an empty value is not an absent one
    std::string tag;                       // protobuf: "3", or "2.5" through an inlined message
    std::shared_ptr<const SchemaChecks> checks;  // null: none

    [[nodiscard]] const Schema* field(std::string_view field_name) const;
};

// Of a built-in kind, null for any other. Built once, from builtin_schemas.inc.
SchemaPtr builtin_schema(std::string_view group, std::string_view version, std::string_view kind);
// By its name in the table: "meta.v1.ObjectMeta".
SchemaPtr builtin_type(std::string_view name);

// From an openAPIV3Schema; apiVersion, kind and metadata are added as every object has them.
SchemaPtr custom_schema(const Json& open_api);

}  // namespace sluice::standalone::apiserver
