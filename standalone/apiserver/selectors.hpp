// SPDX-License-Identifier: Apache-2.0
// labelSelector and fieldSelector of a request.
// Grammar:
// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "standalone/apiserver/api_result.hpp"
#include "standalone/apiserver/registry.hpp"
#include "standalone/store/record.hpp"

namespace sluice::standalone::apiserver {

struct LabelRequirement {
    enum class Operator { In, NotIn, Exists, DoesNotExist, Greater, Less };
    std::string key;
    Operator op;
    std::set<std::string> values;
    bool operator==(const LabelRequirement&) const = default;
};

struct FieldRequirement {
    std::string field;
    bool equal = true;
    std::string value;
    bool operator==(const FieldRequirement&) const = default;
};

struct Selector {
    std::vector<LabelRequirement> labels;
    std::vector<FieldRequirement> fields;

    [[nodiscard]] bool empty() const { return labels.empty() && fields.empty(); }
    [[nodiscard]] bool matches(const store::Record& record) const;
};

ApiResult<std::vector<LabelRequirement>> parse_label_selector(std::string_view text);
ApiResult<Selector> parse_selector(const Resource& resource, std::string_view label_selector,
                                   std::string_view field_selector);

}  // namespace sluice::standalone::apiserver
