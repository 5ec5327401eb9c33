// SPDX-License-Identifier: Apache-2.0
// Operations of Deliveries as commits: one try of W3 to W7 (gitops.md 5.5). Each operation lands at
// most once, because its record has a path of its own and every push is a compare-and-swap on the
// tip whose tree was probed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "controller/policy/delivery/views.hpp"
#include "crds/delivery.hpp"
#include "platform/git/repository.hpp"

namespace sluice::shell {

struct PendingOp {
    std::string delivery;  // "namespace/name"
    crds::DeliveryOp op;
    crds::DeliverySpec spec;
    std::string skipped_id;        // of its revert-skipped record, for kind Reverted
    std::string last_record = {};  // the Delivery's last commit on the record branch, or nothing
};

// Where an operation has landed.
struct LandedOp {
    std::string delivery;
    std::string op_id;
    std::string commit;
    std::string ref;  // "refs/heads/…"
    std::optional<crds::DeliveryRevert> revert;
};

// Which refs a try may move. A refused push says not which of them it was.
enum class GitScope { Everything, SourceOnly, RecordsOnly };

// What somebody did to a branch behind our back, for a condition.
struct BranchNote {
    std::string reason;  // RecordsRestored, RecordsRewritten
    std::string message;
};

struct GitTry {
    git::PushOutcome outcome = git::PushOutcome::Accepted;
    std::string message;             // the server's words where refused
    std::vector<LandedOp> landed;    // where accepted
    std::optional<BranchNote> note;  // where accepted
    // Reverts wait, for the source branch is not there; the error to tell.
    std::optional<Error> waits;
    bool moved_source = false;
    bool moved_records = false;
};

// `ops` in the order in which they were decided. With RecordsOnly, reverts become revert-skipped
// records that give `refusal` as the reason. Errors are the repository's.
Result<GitTry> write_to_git(git::Repository& repository, const policy::delivery::SourceView& target,
                            const std::vector<PendingOp>& ops, GitScope scope,
                            const std::string& refusal, TimePoint now);

}  // namespace sluice::shell
