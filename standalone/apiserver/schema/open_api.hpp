// SPDX-License-Identifier: Apache-2.0
// Schemas as OpenAPI v3 writes them, for kubectl explain and for clients that check before they
// send. Pure.
#pragma once

#include <string>

#include "standalone/apiserver/schema/schema.hpp"

namespace sluice::standalone::apiserver {

// Adds `schema` under `name`, and the built-in types it refers to, to components.schemas.
void add_open_api(const Schema& schema, const std::string& name, Json& components);

// The name under which upstream publishes a type of the table: "core.v1.Pod" is
// "io.k8s.api.core.v1.Pod".
std::string open_api_name(const std::string& type);

}  // namespace sluice::standalone::apiserver
