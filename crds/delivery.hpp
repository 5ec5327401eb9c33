// SPDX-License-Identifier: Apache-2.0
// Delivery (sluice.dev/v1alpha1): one attempt to bring one revision of one Rollout to users, with
// its evidence, its outcome, and the outbox of what is still to be written to Git (DESIGN D1, D6).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/field.hpp"
#include "base/json.hpp"
#include "base/time.hpp"

namespace sluice::crds {

enum class DeliveryPhase { Progressing, Promoted, RolledBack, Aborted, Superseded };
std::string_view to_text(DeliveryPhase phase);

// What one operation tells Git (gitops.md 5.4). Reverted changes the source branch too; all others
// are records only.
enum class DeliveryOpKind {
    Step,
    Promoted,
    RolledBack,
    Reverted,
    Aborted,
    Superseded,
    RevertSkipped
};
// "step", "promoted", "rolledback", "reverted", "aborted", "superseded", "revert-skipped".
std::string_view to_text(DeliveryOpKind kind);
std::optional<DeliveryOpKind> parse_delivery_op_kind(std::string_view text);

// Where the revision was declared. An empty commit: declared in Git, but this content is not there
// (a change by hand).
struct DeliverySource {
    std::string git_source;  // "namespace/name"
    std::string repo;        // URL without credentials
    std::string branch;
    std::string path;
    std::string commit;
    std::string author;
    std::string subject;
    bool operator==(const DeliverySource&) const = default;
};

struct DeliverySpec {
    std::string rollout;
    std::string rollout_uid;
    long number = 0;      // 1, 2, … within a Rollout's name; ends the Delivery's name
    long generation = 0;  // of the Rollout as it was seen then
    std::optional<DeliverySource> source;
    std::string digest;  // of the pod template, sha256
    std::string pod_template_hash;
    std::string revision;
    long attempt = 1;  // of this digest
    std::string old_image;
    std::string new_image;
    bool operator==(const DeliverySpec&) const = default;
};

// One metric of one AnalysisRun, as it stood when the step was left.
struct DeliveryCheck {
    std::string name;
    std::string run;        // AnalysisRun
    std::string query;      // with its arguments put in
    std::string value;      // the deciding measurement, else the last
    std::string threshold;  // the conditions, as written
    long samples = 0;
    std::string verdict;  // the metric's phase: Successful, Failed, …
    bool operator==(const DeliveryCheck&) const = default;
};

// One weight that users were given: from the setWeight step `index` up to the next one.
struct DeliveryStep {
    long index = 0;   // of the setWeight step; the number of steps for the final 100 %
    long weight = 0;  // 0..the router's largest weight
    TimePoint entered_at;
    std::optional<TimePoint> left_at;
    std::string verdict;  // Passed, Failed, Error, Stopped; empty until its evidence is complete
    std::vector<DeliveryCheck> checks;
    std::string op_id;  // of its record, where one was asked for
    bool operator==(const DeliveryStep&) const = default;
};

struct DeliveryCause {
    std::optional<long> step;    // index, as in DeliveryStep
    std::optional<long> weight;  // that the canary had
    std::string check;
    std::string value;
    std::string threshold;
    long samples = 0;
    std::string text;  // the Rollout's own words
    bool by_user = false;
    // Its analysis ended in Error: nothing was found out about the version, so it is not rejected.
    bool errored = false;
    TimePoint at;  // of the verdict
    bool operator==(const DeliveryCause&) const = default;
};

struct DeliveryTraffic {
    long before = 0;  // canary weight
    long after = 0;
    std::optional<TimePoint> restored_at;
    bool operator==(const DeliveryTraffic&) const = default;
};

// An operation that Git has not confirmed yet. Everything it says was fixed when it was decided.
struct DeliveryOp {
    std::string op_id;
    DeliveryOpKind kind = DeliveryOpKind::Step;
    TimePoint created_at;
    std::string record;  // JSON text, as it will lie on the record branch
    bool operator==(const DeliveryOp&) const = default;
};

struct DeliveryWrite {
    std::string op_id;
    std::string commit;
    std::string ref;
    TimePoint at;
    bool operator==(const DeliveryWrite&) const = default;
};

// What became of the declaration in Git after a rollback.
struct DeliveryRevert {
    bool done = false;   // a revert commit is on the source branch
    std::string reason;  // why not: already-restored, superseded, conflict, rate-limited, …
    std::string commit;
    TimePoint at;
    bool operator==(const DeliveryRevert&) const = default;
};

struct DeliveryQuarantine {
    std::string digest;
    std::string reason;
    TimePoint since;
    bool lifted = false;
    bool operator==(const DeliveryQuarantine&) const = default;
};

struct DeliveryCondition {
    std::string type;    // WriteBackPending, WriteBackBlocked
    std::string status;  // "True", "False"
    std::string reason;
    std::string message;
    TimePoint since;
    bool operator==(const DeliveryCondition&) const = default;
};

struct DeliveryStatus {
    std::optional<DeliveryPhase> phase;  // nothing: nobody has looked at it yet
    std::string message;
    long observed_generation = 0;  // of the Rollout
    std::optional<TimePoint> started_at;
    std::optional<TimePoint> finished_at;
    std::vector<DeliveryStep> steps;
    std::optional<DeliveryCause> cause;
    std::optional<DeliveryTraffic> traffic;
    // The outcome's evidence is complete and its operations are in the outbox or written.
    bool recorded = false;
    std::string op_id;  // of the outcome's record
    std::vector<DeliveryOp> outbox;
    std::optional<DeliveryWrite> last_write;
    std::optional<DeliveryRevert> revert;
    std::optional<DeliveryQuarantine> quarantine;
    std::vector<DeliveryCondition> conditions;
    bool operator==(const DeliveryStatus&) const = default;
};

struct Delivery {
    std::string ns;
    std::string name;
    std::string uid;
    std::string resource_version;
    std::string retry;  // the annotation sluice.dev/retry
    DeliverySpec spec;
    DeliveryStatus status;
    bool operator==(const Delivery&) const = default;

    [[nodiscard]] bool progressing() const {
        return !status.phase || *status.phase == DeliveryPhase::Progressing;
    }
    [[nodiscard]] bool promoted() const { return status.phase == DeliveryPhase::Promoted; }
    [[nodiscard]] bool quarantined() const {
        return status.quarantine && !status.quarantine->lifted;
    }
};

// Never fails: what cannot be read is a problem and stays empty.
Delivery decode_delivery(const Json& document, std::vector<Problem>& problems);
// Asks `root`, which describes, for what the decoder reads (crds/definitions.hpp).
void describe_delivery(const Field& root);

Json encode_delivery_source(const DeliverySource& source);
Json encode_delivery_status(const DeliveryStatus& status);
// The whole object, with the Rollout as its owner. Empty uid and resourceVersion are left out.
Json encode_delivery(const Delivery& delivery);

}  // namespace sluice::crds
