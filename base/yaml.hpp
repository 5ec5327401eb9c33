// SPDX-License-Identifier: Apache-2.0
// YAML as Kubernetes reads it: each document becomes JSON, and every path in it keeps its place in
// the file, so that a problem can be told as file:line:column.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace sluice {

struct Place {
    int line = 0;    // from 1; 0 where unknown
    int column = 0;  // from 1
    bool operator==(const Place&) const = default;
};

// Path ("spec.steps[1].pause") to place. The root is "".
using Places = std::map<std::string, Place, std::less<>>;

struct YamlDocument {
    std::string text;  // the document as JSON text; parse_json() it
    Places places;
};

// Invalid: "file:line:column: what". Scalars follow YAML 1.2 core as sigs.k8s.io/yaml does; aliases
// are expanded up to a bound (100,000 nodes), duplicate keys are an error. Empty documents are left
// out.
Result<std::vector<YamlDocument>> parse_yaml(std::string_view text, std::string_view file);

// Block-style YAML of a JSON value, keys in the order the value holds them.
std::string to_yaml(const Json& value);

}  // namespace sluice
