// SPDX-License-Identifier: Apache-2.0
#include "crds/metadata.hpp"

#include <nlohmann/json.hpp>

namespace sluice::crds {
namespace metadata {

std::optional<TimePoint> time_at(const Json& object, std::string_view key) {
    const auto when = parse_rfc3339(text_at(object, {key}));
    return when.ok() ? std::optional(*when) : std::nullopt;
}

std::vector<OwnerReference> owners(const Json& object) {
    std::vector<OwnerReference> found;
    const Json* list = find(object, {"ownerReferences"});
    if (!list || !list->is_array()) return found;
    for (const auto& owner : *list)
        found.push_back({.api_version = text_at(owner, {"apiVersion"}),
                         .kind = text_at(owner, {"kind"}),
                         .name = text_at(owner, {"name"}),
                         .uid = text_at(owner, {"uid"}),
                         .controller = bool_at(owner, {"controller"})});
    return found;
}

}  // namespace metadata

ObjectMeta decode_metadata(const Field& field) {
    const Json& object = field.document();
    return {.ns = text_at(object, {"namespace"}),
            .name = text_at(object, {"name"}),
            .uid = text_at(object, {"uid"}),
            .resource_version = text_at(object, {"resourceVersion"}),
            .generation = integer_at(object, {"generation"}),
            .created = metadata::time_at(object, "creationTimestamp"),
            .deleting = find(object, {"deletionTimestamp"}) != nullptr,
            .labels = field.at("labels").text_map(),
            .annotations = field.at("annotations").text_map(),
            .owners = metadata::owners(object)};
}

std::string controller_uid(const ObjectMeta& object) {
    for (const auto& owner : object.owners)
        if (owner.controller) return owner.uid;
    return {};
}

}  // namespace sluice::crds
