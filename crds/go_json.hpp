// SPDX-License-Identifier: Apache-2.0
// Writes JSON as Go's encoding/json would write a struct that was read from it: fields in the order
// of their declaration, empty ones left out, unknown ones dropped, quantities canonical. Upstream's
// hashes are over such texts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace sluice::crds {

struct GoField {
    enum class Shape { Value, Pointer, List, Map };
    enum class Kind { Text, Boolean, Integer, Quantity, IntOrString, Time, Raw, Struct };

    std::string_view owner;  // the struct it belongs to
    std::string_view name;   // as in JSON
    Shape shape;
    Kind kind;              // of the value, or of the elements
    std::string_view type;  // the struct's name where kind is Struct
    bool omit_empty;
};

// Rows of one struct must stand together. The texts must outlive the table.
class GoTypes {
public:
    explicit GoTypes(std::vector<GoField> fields);

    // Fields of a struct, in order: [first, last).
    [[nodiscard]] std::pair<const GoField*, const GoField*> fields_of(std::string_view type) const;

    // The text of one value of that struct; null and what is no object count as the zero value.
    [[nodiscard]] std::string write(std::string_view type, const Json& value) const;
    // The text of a list of them; "null" for null.
    [[nodiscard]] std::string write_list(std::string_view type, const Json& values) const;

private:
    std::vector<GoField> fields_;
};

// PodTemplateSpec of k8s.io/api v0.34.
const GoTypes& pod_template_types();
// CanaryStep of Argo Rollouts v1.9.
const GoTypes& canary_step_types();

// A JSON string as Go writes it, with quotes: <, > and & as \u003c, \u003e, \u0026.
std::string go_text(std::string_view text);

// A Kubernetes quantity as apimachinery writes back what it read: "0.5" is "500m", "1024Mi" is
// "1Gi". What is no quantity comes back as it is.
std::string canonical_quantity(std::string_view text);

// 10 characters of upstream's alphabet: SafeEncodeString of FNV-1a in decimal.
std::string safe_encode(std::uint32_t hash);

}  // namespace sluice::crds
