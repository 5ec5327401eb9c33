// SPDX-License-Identifier: Apache-2.0
// Makes a document fit its schema: what the schema does not know is dropped and told. Pure.
#pragma once

#include <string>
#include <vector>

#include "standalone/apiserver/api_result.hpp"
#include "standalone/apiserver/schema/schema.hpp"

namespace sluice::standalone::apiserver {

// Drops unknown fields; each as `unknown field "spec.bogus"`, in the order of their paths.
std::vector<std::string> prune(const Schema& schema, Json& document);

// Each `duplicate field "data.a"` of a JSON text; nothing where it is not JSON.
std::vector<std::string> duplicate_fields(std::string_view text);

// Fills in what the schema has a default for, in every object that is there.
void apply_schema_defaults(const Schema& schema, Json& document);

// A built-in kind's values must have their types, as upstream's decoder demands: the first that has
// not, in its words ("json: cannot unmarshal number into Go struct field …"). Nulls are dropped.
// Empty where all fit.
std::string type_problem(const Schema& schema, Json& document);

}  // namespace sluice::standalone::apiserver
