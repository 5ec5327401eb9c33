// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/git_source_kinds.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::shell {

Result<std::optional<ResourceType>> KindDirectory::find(const std::string& group,
                                                        const std::string& version,
                                                        const std::string& kind) {
    const Key key{group, version, kind};
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = known_.find(key); found != known_.end())
            return std::optional(found->second);
    }
    const std::string path =
        group.empty() ? concat("/api/", version) : concat("/apis/", group, "/", version);
    const auto response = TRY(client_.raw({.url = path}));
    if (response.status == 404) return std::optional<ResourceType>{};
    if (response.status != 200) return unavailable(concat("get ", path, ": ", response.status));
    const Json list = TRY(parse_json(response.body).while_doing(concat("get ", path)));
    const Json* resources = sluice::find(list, {"resources"});
    if (!resources || !resources->is_array())
        return unavailable(concat("get ", path, ": expected a list of resources"));
    const std::lock_guard lock(mutex_);
    for (const auto& resource : *resources) {
        const std::string plural = text_at(resource, {"name"});
        if (plural.find('/') != std::string::npos) continue;  // a subresource
        const std::string its_kind = text_at(resource, {"kind"});
        known_[{group, version, its_kind}] = {group, version, plural, its_kind,
                                              bool_at(resource, {"namespaced"})};
    }
    const auto found = known_.find(key);
    return found == known_.end() ? std::optional<ResourceType>{} : std::optional(found->second);
}

}  // namespace sluice::shell
