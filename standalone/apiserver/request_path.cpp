// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/request_path.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace sluice::standalone::apiserver {

std::string Query::get(std::string_view name) const {
    const auto found = values.find(std::string(name));
    return found == values.end() ? "" : found->second;
}

bool Query::flag(std::string_view name) const {
    const std::string value = get(name);
    return value == "true" || value == "1";
}

std::optional<long> Query::integer(std::string_view name) const {
    return parse_integer(get(name));
}

ApiResult<Target> parse_target(std::string_view url) {
    if (const auto scheme = url.find("://"); scheme != std::string_view::npos) {
        const auto slash = url.find('/', scheme + 3);
        url = slash == std::string_view::npos ? "/" : url.substr(slash);
    }
    Target target;
    const auto question = url.find('?');
    for (const auto& part : split(url.substr(0, question), '/')) {
        if (part.empty()) continue;
        auto decoded = percent_decode(part);
        if (!decoded) return status::bad_request(concat("bad escape in path segment ", part));
        target.parts.push_back(std::move(*decoded));
    }
    if (question == std::string_view::npos) return target;
    for (auto& pair : split(url.substr(question + 1), '&')) {
        if (pair.empty()) continue;
        std::ranges::replace(pair, '+', ' ');
        const auto equals = pair.find('=');
        auto name = percent_decode(std::string_view(pair).substr(0, equals));
        auto value = equals == std::string::npos
                         ? std::optional<std::string>("")
                         : percent_decode(std::string_view(pair).substr(equals + 1));
        if (!name || !value) return status::bad_request(concat("bad escape in query ", pair));
        target.query.values.emplace(std::move(*name), std::move(*value));
    }
    return target;
}

std::optional<ObjectPath> parse_object_path(const std::vector<std::string>& parts) {
    ObjectPath path;
    size_t at = 0;
    if (parts.size() >= 3 && parts[0] == "api") {
        path.version = parts[1];
        at = 2;
    } else if (parts.size() >= 4 && parts[0] == "apis") {
        path.group = parts[1];
        path.version = parts[2];
        at = 3;
    } else {
        return std::nullopt;
    }
    // "namespaces" is a scope where a plural follows, and a resource of its own otherwise; of its
    // subresources only status and finalize exist.
    const size_t left = parts.size() - at;
    const bool own_subresource =
        left == 3 && (parts[at + 2] == "status" || parts[at + 2] == "finalize");
    if (parts[at] == "namespaces" && left >= 3 && !own_subresource) {
        path.ns = parts[at + 1];
        at += 2;
    }
    path.plural = parts[at++];
    if (at < parts.size()) path.name = parts[at++];
    if (at < parts.size()) path.subresource = parts[at++];
    for (; at < parts.size(); ++at) path.subresource += "/" + parts[at];
    return path;
}

}  // namespace sluice::standalone::apiserver
