// SPDX-License-Identifier: Apache-2.0
// A request's target, taken apart:
// /apis/{group}/{version}/namespaces/{ns}/{plural}/{name}/{subresource}?…
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "standalone/apiserver/api_result.hpp"

namespace sluice::standalone::apiserver {

struct Query {
    std::multimap<std::string, std::string> values;

    [[nodiscard]] std::string get(std::string_view name) const;  // the first, or ""
    [[nodiscard]] bool flag(std::string_view name) const;        // "true" or "1"
    [[nodiscard]] std::optional<long> integer(std::string_view name) const;
};

struct Target {
    std::vector<std::string> parts;  // decoded path segments
    Query query;
};

// BadRequest on a broken escape. Accepts absolute URLs too.
ApiResult<Target> parse_target(std::string_view url);

struct ObjectPath {
    std::string group;
    std::string version;
    std::string ns;
    std::string plural;
    std::string name;         // empty: the collection
    std::string subresource;  // "status", "scale", "log", …
    bool operator==(const ObjectPath&) const = default;
};

// Nothing where the path is none of an object or a collection.
std::optional<ObjectPath> parse_object_path(const std::vector<std::string>& parts);

}  // namespace sluice::standalone::apiserver
