// SPDX-License-Identifier: Apache-2.0
// One write that a router asks for. Apart from router.hpp because it holds a document by value:
#pragma once

#include "base/json_value.hpp"
#include "base/resource.hpp"

namespace sluice::traffic {

struct RouteWrite {
    // A JSON patch carries its own guards (`test` on resourceVersion, names and old values: D12).
    // Create: AlreadyExists means read again. A failed guard means the same.
    enum class Kind { Create, JsonPatch, MergePatch, Delete };
    Kind kind = Kind::Create;
    ObjectRef object;
    Json body;  // the object, or the patch; null for Delete
    bool operator==(const RouteWrite&) const = default;
};

}  // namespace sluice::traffic
