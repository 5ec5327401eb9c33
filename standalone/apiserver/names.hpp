// SPDX-License-Identifier: Apache-2.0
// Which names, labels and annotations upstream accepts.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "standalone/apiserver/api_result.hpp"

namespace sluice::standalone::apiserver {

bool is_dns_label(std::string_view text);      // RFC 1123, at most 63 characters
bool is_dns_subdomain(std::string_view text);  // labels with dots, at most 253 characters
bool is_qualified_name(std::string_view text);
// What upstream says of one that is none.
std::string_view qualified_name_rule();  // "[prefix/]name", as of a label key
bool is_label_value(std::string_view text);

// What is wrong with metadata.name of an object of that type.
std::optional<StatusCause> name_problem(const ResourceType& type, std::string_view name);
// What is wrong with labels and annotation keys.
std::vector<StatusCause> label_problems(const Json& metadata);

}  // namespace sluice::standalone::apiserver
