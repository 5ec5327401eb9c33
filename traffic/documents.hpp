// SPDX-License-Identifier: Apache-2.0
// What the routers share: looking into fetched documents, and guarded JSON patches.
#pragma once

#include <string>
#include <string_view>

#include "traffic/route_write.hpp"
#include "traffic/router.hpp"

namespace sluice::traffic {

// The document, or null where it was not fetched or does not exist.
inline const Json* document(const Documents& documents, const ObjectRef& ref) {
    const auto found = documents.find(ref);
    return found == documents.end() || !found->second ? nullptr : &*found->second;
}

// One segment of a JSON pointer (RFC 6901).
inline std::string pointer_segment(std::string_view key) {
    std::string segment;
    for (const char c : key) {
        if (c == '~')
            segment += "~0";
        else if (c == '/')
            segment += "~1";
        else
            segment += c;
    }
    return segment;
}

// A JSON patch that fails as a whole where the object is not what was decided on.
class GuardedPatch {
public:
    // Guards the resourceVersion, where the object has one.
    void guard_version(const Json& object) {
        const std::string version = text_at(object, {"metadata", "resourceVersion"});
        if (!version.empty()) test("/metadata/resourceVersion", version);
    }
    void test(const std::string& path, const Json& value) {
        operations_.push_back({{"op", "test"}, {"path", path}, {"value", value}});
    }
    // Puts `value` there, guarded by the value that was seen there (null: nothing was).
    void set(const std::string& path, const Json* old, const Json& value) {
        if (old) test(path, *old);
        operations_.push_back({{"op", old ? "replace" : "add"}, {"path", path}, {"value", value}});
    }
    void remove(const std::string& path) {
        operations_.push_back({{"op", "remove"}, {"path", path}});
    }
    [[nodiscard]] RouteWrite for_object(const ObjectRef& object) && {
        return {RouteWrite::Kind::JsonPatch, object, std::move(operations_)};
    }

private:
    Json operations_ = Json::array();
};

}  // namespace sluice::traffic
