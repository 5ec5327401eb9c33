// SPDX-License-Identifier: Apache-2.0
// Documents as their schema sees them: which fields one sets, what two of them have in difference,
// and how one is merged into another. Structured merge of server-side apply, without managers.
// Pure. github.com/kubernetes-sigs/structured-merge-diff describes the rules.
#pragma once

#include <string>

#include "standalone/apiserver/apply/field_tree.hpp"
#include "standalone/apiserver/schema/schema.hpp"

namespace sluice::standalone::apiserver {

// A null schema stands for "whatever it is": maps by key, lists as one.

// What is wrong with an applied document: ".spec.replicas: expected numeric (int or float), got
// string". Empty where nothing is.
std::string typed_problem(const Schema* schema, const Json& value);

// The fields that an applied document sets.
FieldTree fields_set_by(const Schema* schema, const Json& value);

struct FieldChanges {
    FieldTree added, modified, removed;
};
FieldChanges compare_fields(const Schema* schema, const Json& before, const Json& after);

// `applied` merged into `live`: objects by field, lists by their form.
Json merge_typed(const Schema* schema, const Json& live, const Json& applied);

// `value` without what is in `given_up` and in nobody's `kept`.
Json remove_fields(const Schema* schema, const Json& value, const FieldTree& given_up,
                   const FieldTree& kept);

}  // namespace sluice::standalone::apiserver
