// SPDX-License-Identifier: Apache-2.0
// Which operations Git is owed for a Delivery once its steps and its outcome are known: records,
// the revert, or why there is none. Declared in track.hpp; each is appended to the outbox once.
#include <algorithm>

#include "base/text.hpp"
#include "controller/policy/delivery/evidence.hpp"
#include "controller/policy/delivery/track.hpp"

namespace sluice::policy::delivery {
namespace {

using crds::DeliveryOpKind;
using crds::DeliveryPhase;
using crds::DeliveryStatus;

struct Settling {
    const Observation& seen;
    const std::vector<crds::Delivery>& all;
    const Identity& who;
    TimePoint now;
    crds::Delivery delivery;  // its status is what changes
    std::optional<Duration> look_again;

    DeliveryStatus& status() { return delivery.status; }
};

void look_again_in(Settling& in, Duration wait) {
    wait = std::max(wait, Duration{1});
    in.look_again = in.look_again ? std::min(*in.look_again, wait) : wait;
}

// True once evidence need not be waited for: it is complete, or its time is over.
bool enough(Settling& in, bool complete, TimePoint since) {
    const auto until = since + evidence_patience;
    if (complete || in.now >= until) return true;
    look_again_in(in, until - in.now);
    return false;
}

bool has_ops(const DeliveryStatus& status) {
    return !status.op_id.empty() ||
           std::any_of(status.steps.begin(), status.steps.end(),
                       [](const auto& step) { return !step.op_id.empty(); });
}

// Where a Rollout is declared in Git, but Git does not say yet by which commit: ids need it.
bool source_pending(Settling& in) {
    const auto& source = in.delivery.spec.source;
    if (!source || !source->commit.empty() || has_ops(in.status())) return false;
    const auto until = in.status().started_at.value_or(in.now) + source_patience;
    if (in.now >= until) return false;
    look_again_in(in, until - in.now);
    return true;
}

// The newest record of the Rollout before the one that is being made.
std::string previous_op(const Settling& in) {
    std::string previous;
    for (const auto& other : in.all) {
        const auto& delivery = other.name == in.delivery.name ? in.delivery : other;
        if (delivery.spec.number > in.delivery.spec.number) break;
        for (const auto& step : delivery.status.steps)
            if (!step.op_id.empty()) previous = step.op_id;
        if (!delivery.status.op_id.empty()) previous = delivery.status.op_id;
    }
    return previous;
}

std::string old_digest(const Settling& in) {
    const crds::Delivery* before = last_promoted(in.all, in.delivery.spec.number);
    return before ? before->spec.digest : "";
}

// The operation, appended unless Git is owed nothing; its id either way.
std::string append(Settling& in, RecordInput input, bool wanted) {
    if (!wanted) return {};
    if (input.old_digest.empty()) input.old_digest = old_digest(in);
    if (input.prev.empty()) input.prev = previous_op(in);
    auto op = make_op(in.who, in.delivery, input, in.now);
    const std::string id = op.op_id;
    in.status().outbox.push_back(std::move(op));
    return id;
}

bool wants_steps(const Settling& in) {
    return in.delivery.spec.source && in.seen.source && in.seen.source->write_back &&
           in.seen.source->record_steps;
}
bool wants_outcome(const Settling& in) {
    return in.delivery.spec.source && in.seen.source && in.seen.source->write_back &&
           in.seen.source->record_outcomes;
}

std::string verdict_of_step(const Settling& in, const crds::DeliveryStep& step) {
    const auto& status = in.delivery.status;
    const bool last = &step == &status.steps.back();
    if (!last || status.phase == DeliveryPhase::Promoted) return "Passed";
    if (status.cause && status.cause->errored) return "Error";
    if (status.phase == DeliveryPhase::RolledBack) return "Failed";
    if (status.cause) return status.cause->by_user ? "Stopped" : "Failed";
    return status.phase == DeliveryPhase::Progressing ? "Passed" : "Stopped";
}

void settle_steps(Settling& in, bool pending_source) {
    for (auto& step : in.status().steps) {
        if (!step.left_at || !step.verdict.empty()) continue;
        const std::string verdict = verdict_of_step(in, step);
        // A step that did not pass is told with the outcome.
        const bool outcome = verdict != "Passed";
        if (pending_source || (outcome && in.status().phase == DeliveryPhase::Progressing)) return;
        std::vector<RunRef> ended;
        for (const auto& run : in.seen.rollout.runs)
            if (outcome && (run.status == "Failed" || run.status == "Error")) ended.push_back(run);
        const auto level = level_from(in.seen.rollout, step.index);
        const auto evidence = evidence_of(step, level, in.delivery, in.seen.runs, ended);
        if (!enough(in, evidence.complete, *step.left_at)) return;  // in order: later ones wait too
        step.checks = evidence.checks;
        step.verdict = verdict;
        if (outcome) continue;
        // An inline pass is one unless another run of the level says otherwise.
        step.op_id = append(in, {.kind = DeliveryOpKind::Step, .step = step}, wants_steps(in));
    }
}

int reverts_within_the_hour(const Settling& in) {
    int count = 0;
    for (const auto& other : in.all) {
        const auto& status = other.status;
        const bool waiting =
            std::any_of(status.outbox.begin(), status.outbox.end(),
                        [](const auto& op) { return op.kind == DeliveryOpKind::Reverted; });
        const bool recent = status.revert && status.revert->done &&
                            in.now - status.revert->at < std::chrono::hours{1};
        if (waiting || recent) ++count;
    }
    return count;
}

// The rejected version's declaration is taken back, where a promoted one is known and may return.
void append_revert(Settling& in) {
    const auto& source = in.delivery.spec.source;
    if (!source || source->commit.empty() || !in.seen.source || !in.seen.source->write_back ||
        !in.seen.source->revert)
        return;
    const crds::Delivery* before = last_promoted(in.all, in.delivery.spec.number);
    std::string skip;
    std::string restores;
    if (in.delivery.status.cause && in.delivery.status.cause->errored)
        skip = "not-judged: its analysis could not be measured, which says nothing of the version";
    else if (!before || !before->spec.source || before->spec.source->commit.empty())
        skip = "nothing-to-restore: no version declared in git was promoted before";
    else if (before->spec.source->path != source->path)
        skip = concat("moved: the promoted version was declared in ", before->spec.source->path);
    else
        restores = before->spec.source->commit;
    if (skip.empty() && reverts_within_the_hour(in) >= reverts_an_hour)
        skip = concat("rate-limited: ", reverts_an_hour, " reverts within an hour");
    const auto kind = skip.empty() ? DeliveryOpKind::Reverted : DeliveryOpKind::RevertSkipped;
    append(in, {.kind = kind, .restores = restores, .reason = skip}, true);
    if (!skip.empty())
        in.status().revert =
            crds::DeliveryRevert{.done = false, .reason = skip, .commit = {}, .at = in.now};
}

DeliveryOpKind outcome_kind(DeliveryPhase phase) {
    switch (phase) {
        case DeliveryPhase::Promoted: return DeliveryOpKind::Promoted;
        case DeliveryPhase::RolledBack: return DeliveryOpKind::RolledBack;
        case DeliveryPhase::Aborted: return DeliveryOpKind::Aborted;
        case DeliveryPhase::Superseded: return DeliveryOpKind::Superseded;
        case DeliveryPhase::Progressing: break;
    }
    unreachable();
}

void settle_outcome(Settling& in, bool pending_source) {
    auto& status = in.status();
    if (status.recorded || !status.phase || *status.phase == DeliveryPhase::Progressing) return;
    const bool steps_open = std::any_of(status.steps.begin(), status.steps.end(),
                                        [](const auto& step) { return step.verdict.empty(); });
    if (pending_source || steps_open) return;
    if (status.cause && status.phase == DeliveryPhase::RolledBack) {
        auto cause = *status.cause;
        const bool complete = explain_failure(in.seen.rollout, in.seen.runs, cause);
        if (!enough(in, complete, *status.finished_at)) return;
        status.cause = cause;
    }
    status.recorded = true;
    const auto kind = outcome_kind(*status.phase);
    status.op_id = append(in, {.kind = kind}, wants_outcome(in));
    if (kind == DeliveryOpKind::RolledBack) append_revert(in);
}

}  // namespace

const crds::Delivery* last_promoted(const std::vector<crds::Delivery>& all, long number) {
    const crds::Delivery* newest = nullptr;
    for (const auto& delivery : all)
        if (delivery.promoted() && delivery.spec.number < number &&
            (!newest || newest->spec.number < delivery.spec.number))
            newest = &delivery;
    return newest;
}

Settled settle(const Observation& seen, const crds::Delivery& delivery,
               const std::vector<crds::Delivery>& all, const Identity& who, TimePoint now) {
    Settling in{
        .seen = seen, .all = all, .who = who, .now = now, .delivery = delivery, .look_again = {}};
    if (!delivery.status.recorded) {
        const bool pending = source_pending(in);
        settle_steps(in, pending);
        settle_outcome(in, pending);
    }
    return {std::move(in.delivery.status), in.look_again};
}

}  // namespace sluice::policy::delivery
