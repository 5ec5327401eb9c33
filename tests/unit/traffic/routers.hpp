// SPDX-License-Identifier: Apache-2.0
// What the router tests share: applying writes to documents as an API server would.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/text.hpp"
#include "traffic/route_write.hpp"
#include "traffic/router.hpp"

namespace sluice::traffic {

inline Json json(std::string_view text) {
    auto value = parse_json(text);
    EXPECT_TRUE(value.ok()) << (value.ok() ? "" : value.error().message);
    return value.ok() ? *value : Json();
}

// Performs the writes in order, each on what the one before left, as the API server would: guards
// fail on a wrong resourceVersion, and every write makes a new one.
inline Result<void> perform(Documents& documents, const std::vector<RouteWrite>& writes) {
    for (const auto& write : writes) {
        auto& document = documents[write.object];
        if (write.kind == RouteWrite::Kind::Create) {
            if (document) return Error{ErrorKind::AlreadyExists, "there is one"};
            document = write.body;
        } else if (write.kind == RouteWrite::Kind::JsonPatch) {
            if (!document) return not_found("nothing to patch");
            document = TRY(apply_json_patch(*document, write.body));
        } else if (write.kind == RouteWrite::Kind::MergePatch) {
            if (!document) return not_found("nothing to patch");
            const std::string version = text_at(write.body, {"metadata", "resourceVersion"});
            if (!version.empty() && version != text_at(*document, {"metadata", "resourceVersion"}))
                return Error{ErrorKind::Conflict, "another resourceVersion"};
            apply_merge_patch(*document, write.body);
        }
        const long version =
            parse_integer(text_at(*document, {"metadata", "resourceVersion"})).value_or(0);
        (*document)["metadata"]["resourceVersion"] = std::to_string(version + 1);
    }
    return {};
}

// Writes the weight and applies it; then nothing must be left to write and it must read back.
inline void expect_round_trip(const Router& router, Documents& documents, const Target& target,
                              int weight, int max_weight = 100) {
    const auto writes = router.write(documents, target, weight, max_weight);
    ASSERT_TRUE(writes.ok()) << writes.error().message;
    const auto applied = perform(documents, *writes);
    ASSERT_TRUE(applied.ok()) << applied.error().message;
    const auto again = router.write(documents, target, weight, max_weight);
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_TRUE(again->empty()) << "weight " << weight << ": " << again->front().body.dump();
    const auto read = router.read(documents, target);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(*read, weight);
}

}  // namespace sluice::traffic
