// SPDX-License-Identifier: Apache-2.0
// metav1.LabelSelector as a value: which objects belong together.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace sluice::standalone::workloads {

using Labels = std::map<std::string, std::string>;

// One entry of matchExpressions. An unknown operator matches nothing.
struct LabelRequirement {
    std::string key;
    std::string op;  // In, NotIn, Exists, DoesNotExist
    std::vector<std::string> values;
    bool operator==(const LabelRequirement&) const = default;
};

struct LabelSelector {
    Labels match_labels;
    std::vector<LabelRequirement> match_expressions;
    bool operator==(const LabelSelector&) const = default;

    [[nodiscard]] bool empty() const { return match_labels.empty() && match_expressions.empty(); }
};

LabelSelector decode_selector(const Json* selector);
// An empty selector matches nothing here: a ReplicaSet or Service without one owns no pod.
bool matches(const LabelSelector& selector, const Labels& labels);
// True where every pair of `part` is in `labels`.
bool contains(const Labels& labels, const Labels& part);
// A map of texts (metadata.labels, spec.selector of a Service); empty where absent.
Labels decode_labels(const Json* labels);

}  // namespace sluice::standalone::workloads
