// SPDX-License-Identifier: Apache-2.0
// What a scoped revert may do to the source branch, decided on blobs (gitops.md 3.7, 5.5 W4), and
// which earlier version an undo goes back to.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "crds/delivery.hpp"

namespace sluice::policy::delivery {

// What the source branch's tip holds. Blobs are object ids; nothing where there is no such file.
struct RevertSight {
    std::string op_id;
    std::optional<std::string> tip_blob;
    std::optional<std::string> bad_blob;
    std::optional<std::string> good_blob;
    std::string bad_message;  // of the commit to take back
    // Commits of ours that changed the path since the bad one: {commit id, operation id}.
    std::vector<std::pair<std::string, std::string>> ours_since;
    // The Rollout's template digest in the tip's file; empty where it cannot be read.
    std::string tip_digest;
    std::string bad_digest;
    bool operator==(const RevertSight&) const = default;
};

struct RestoreGood {};
// This very operation is on the branch already.
struct RevertLanded {
    std::string commit;
};
struct SkipRevert {
    std::string reason;
};
using RevertPlan = std::variant<RestoreGood, RevertLanded, SkipRevert>;

RevertPlan plan_revert(const RevertSight& sight);

// The template digest of the Rollout `ns/name` in a manifest file; empty where it is not there. A
// document without a namespace matches any.
std::string declared_digest(std::string_view file, std::string_view ns, std::string_view name);

// The promoted Delivery to go back to: the newest one whose digest differs from `current_digest`,
// or the one of `revision`. `deliveries` are one Rollout's. Invalid says why there is none.
Result<crds::Delivery> plan_undo(const std::vector<crds::Delivery>& deliveries,
                                 std::string_view current_digest, std::optional<long> revision);

}  // namespace sluice::policy::delivery
