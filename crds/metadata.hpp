// SPDX-License-Identifier: Apache-2.0
// What Sluice reads of ObjectMeta. A projection: never written back as a whole.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/field.hpp"
#include "base/time.hpp"

namespace sluice::crds {

using TextMap = std::map<std::string, std::string>;

struct OwnerReference {
    std::string api_version;
    std::string kind;
    std::string name;
    std::string uid;
    bool controller = false;
    bool operator==(const OwnerReference&) const = default;
};

struct ObjectMeta {
    std::string ns;
    std::string name;
    std::string uid;
    std::string resource_version;
    long generation = 0;
    std::optional<TimePoint> created;
    bool deleting = false;  // a deletionTimestamp stands
    TextMap labels;
    TextMap annotations;
    std::vector<OwnerReference> owners;
    bool operator==(const ObjectMeta&) const = default;
};

// `metadata` is the field of that name. Fields of ObjectMeta that Sluice does not read count as
// known.
ObjectMeta decode_metadata(const Field& metadata);

// The uid of the owner that controls the object; empty without one.
std::string controller_uid(const ObjectMeta& metadata);

}  // namespace sluice::crds
