// SPDX-License-Identifier: Apache-2.0
// A set of fields, as metadata.managedFields writes them (FieldsV1): a tree whose edges are path
// elements ("f:spec", "k:{\"name\":\"a\"}", "v:\"x\""), and which knows of each node whether it is
// in the set itself.
// https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace sluice::standalone::apiserver {

struct FieldTree {
    bool member = false;
    std::map<std::string, FieldTree> children;
    bool operator==(const FieldTree&) const = default;

    [[nodiscard]] bool empty() const { return !member && children.empty(); }
    [[nodiscard]] const FieldTree* child(const std::string& element) const;
};

// Text that is no FieldsV1 gives an empty tree.
FieldTree read_field_tree(const Json& fields_v1);
Json write_field_tree(const FieldTree& tree);

FieldTree fields_in_both(const FieldTree& a, const FieldTree& b);
FieldTree fields_without(const FieldTree& tree, const FieldTree& others);
FieldTree fields_of_either(const FieldTree& a, const FieldTree& b);

// Members as upstream writes them in conflicts: ".spec.containers[name=\"c\"].image".
std::vector<std::string> member_paths(const FieldTree& tree);

}  // namespace sluice::standalone::apiserver
