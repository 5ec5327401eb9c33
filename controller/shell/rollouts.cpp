// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/rollouts.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "controller/policy/rollout/decision.hpp"
#include "controller/shell/rollout_execute.hpp"
#include "controller/shell/rollout_observe.hpp"
#include "controller/shell/service_release.hpp"

namespace sluice::shell {
namespace {

namespace policy = policy::rollout;

// Our own write comes back through the watch within milliseconds; this is for a watch that is away.
constexpr Duration wait_for_own_write = std::chrono::milliseconds{100};

bool writes_the_rollout(const policy::Action& action) {
    return std::holds_alternative<policy::SetRolloutRevision>(action) ||
           std::holds_alternative<policy::SetDefaultReplicas>(action);
}

bool moves_traffic(const policy::Action& action) {
    return std::holds_alternative<policy::SetWeight>(action) ||
           std::holds_alternative<policy::PointService>(action);
}

// Rolling back also means pods: without a router they are the weight.
bool cannot_wait(const policy::Decision& decision) {
    return decision.status.abort ||
           std::any_of(decision.actions.begin(), decision.actions.end(),
                       [](const auto& planned) { return moves_traffic(planned.action); });
}

bool nothing_to_do(const crds::Rollout& rollout, const policy::Decision& decision) {
    return decision.actions.empty() && decision.events.empty() && decision.status == rollout.status;
}

// What trying again will not mend, so that a person must hear of it.
bool needs_a_person(const Error& error) {
    return error.kind == ErrorKind::Invalid || error.kind == ErrorKind::NotFound ||
           error.kind == ErrorKind::Denied;
}

}  // namespace

Rollouts::Rollouts(Options options, Caches& caches, const kube::Client& client,
                   const kube::Client& traffic, EventSink events, const Clock& clock, Log& log)
    : options_(std::move(options)),
      caches_(caches),
      client_(client),
      traffic_(traffic),
      events_(std::move(events)),
      clock_(clock),
      log_(log),
      reconciler_(
          {.name = "rollout",
           .workers = options_.traffic_workers,
           .back_workers = options_.workers,
           .back = [this](const std::string& key) { return reconcile(key); },
           .done = options_.done},
          [this](const std::string& key) { return triage(key); }, clock, log),
      world_(caches, [this](const std::string& key) { reconciler_.add(key); }) {}

void Rollouts::start() {
    starter_ = std::jthread([this](const std::stop_token& stop) {
        if (caches_.wait_for_sync(World::kinds(), stop)) reconciler_.start();
    });
}

void Rollouts::stop() {
    starter_ = {};
    reconciler_.stop();
}

bool Rollouts::behind_own_write(const crds::Rollout& rollout) {
    const std::lock_guard lock(mutex_);
    const auto found = written_.find(key_of(rollout.metadata.ns, rollout.metadata.name));
    if (found == written_.end()) return false;
    const long seen = parse_integer(rollout.metadata.resource_version).value_or(0);
    if (seen < found->second) return true;
    written_.erase(found);
    return false;
}

void Rollouts::remember_write(const std::string& key, const Json& document) {
    const auto version = parse_integer(text_at(document, {"metadata", "resourceVersion"}));
    if (!version) return;
    const std::lock_guard lock(mutex_);
    written_[key] = *version;
}

void Rollouts::send(const crds::Rollout& rollout, const std::vector<policy::Event>& events) {
    for (const auto& event : events)
        events_({.object = {resources::rollouts, rollout.metadata.ns, rollout.metadata.name},
                 .uid = rollout.metadata.uid,
                 .warning = event.warning,
                 .reason = event.reason,
                 .message = event.message});
}

// False where the pass must be dropped. A route that cannot be written keeps no other route and no
// Service from taking users back; whatever comes after waits for it.
Result<bool> Rollouts::act(Pass& pass) {
    Result<bool> outcome = true;
    for (const auto& planned : pass.decision.actions) {
        if (!outcome.ok() && !moves_traffic(planned.action)) break;
        const auto effect = execute(pass.client, pass.rollout, planned.action);
        if (!effect.ok()) {
            if (outcome.ok()) outcome = effect.error();
            if (const auto* create = std::get_if<policy::CreateReplicaSet>(&planned.action))
                pass.not_created = create->name;
            if (!moves_traffic(planned.action)) break;
            continue;
        }
        if (*effect == Effect::Stale) return outcome.ok() ? Result<bool>(false) : outcome;
        if (*effect != Effect::Changed) continue;
        pass.did.push_back(to_text(planned.action));
        pass.wrote_rollout |= writes_the_rollout(planned.action);
        send(pass.rollout, planned.events);
    }
    return outcome;
}

// True where nothing had to be written or the write was accepted. The resourceVersion is the
// compare-and-swap that keeps a user's promote or abort from being overwritten; after a write of
// our own to the Rollout in this pass the next pass writes the status.
Result<bool> Rollouts::write_status(const Pass& pass, const crds::RolloutStatus& status) {
    const auto& rollout = pass.rollout;
    Json patch = diff_merge_patch(crds::encode_status(rollout.status), crds::encode_status(status));
    if (patch.empty()) return true;
    if (pass.wrote_rollout) return false;
    const ObjectRef ref{resources::rollouts, rollout.metadata.ns, rollout.metadata.name};
    const Json body = {{"metadata", {{"resourceVersion", rollout.metadata.resource_version}}},
                       {"status", std::move(patch)}};
    const auto written = pass.client.patch(ref, kube::PatchType::Merge, body, "status");
    if (written.failed_with(ErrorKind::Conflict) || written.failed_with(ErrorKind::NotFound))
        return false;
    if (!written.ok()) return written.error();
    remember_write(key_of(ref.ns, ref.name), *written);
    return true;
}

// One line for a pass that changed something: what, and why.
void Rollouts::log_change(const Pass& pass, bool recorded) {
    const auto& before = pass.rollout.status;
    const auto& after = pass.decision.status;
    if (pass.did.empty() && (before == after || !recorded)) return;
    const auto& metadata = pass.rollout.metadata;
    std::vector<LogField> fields = {{"rollout", key_of(metadata.ns, metadata.name)},
                                    {"phase", after.phase}};
    if (!after.message.empty()) fields.emplace_back("because", after.message);
    if (after.current_step_index) fields.emplace_back("step", *after.current_step_index);
    if (after.canary.weights) fields.emplace_back("weight", after.canary.weights->canary.weight);
    if (!pass.did.empty()) fields.emplace_back("did", join(pass.did, "; "));
    log_.info("decided", fields);
}

Rollouts::Looked Rollouts::look(const std::string& key, const RolloutPointer& rollout,
                                const Then& then) {
    if (!rollout || rollout->metadata.deleting) {
        const std::lock_guard lock(mutex_);
        written_.erase(key);
        return std::optional<Duration>{};
    }
    if (behind_own_write(*rollout)) return std::optional{wait_for_own_write};
    const auto seen = observe(world_, *rollout);
    return then(*rollout, options_.decide(rollout->spec, rollout->status, seen, clock_.now()));
}

Rollouts::Looked Rollouts::triage(const std::string& key) {
    const auto found = world_.rollouts.get(key);
    const bool owes = !services_owed(world_, key, found.get()).empty();
    if (owes && !found) reconciler_.put_back(key);
    return look(key, found, [&](const auto& rollout, const auto& decision) -> Looked {
        if (cannot_wait(decision)) return perform({traffic_, rollout, decision});
        if (!owes && nothing_to_do(rollout, decision)) return decision.look_again_after;
        reconciler_.put_back(key);
        return std::optional<Duration>{};
    });
}

Rollouts::Looked Rollouts::reconcile(const std::string& key) {
    auto found = world_.rollouts.get(key);
    const auto owed = services_owed(world_, key, found.get());
    if (!owed.empty()) {
        TRY(release_services(client_, key, owed, log_));
        found = world_.rollouts.get(key);  // that took its time
    }
    return look(key, found, [&](const auto& rollout, const auto& decision) {
        return perform({client_, rollout, decision});
    });
}

Rollouts::Looked Rollouts::perform(Pass pass) {
    const auto& rollout = pass.rollout;
    const auto acted = act(pass);
    const bool refused = !acted.ok() && !pass.not_created.empty();
    const auto written =
        write_status(pass, refused ? policy::not_created(pass.decision.status, pass.not_created,
                                                         acted.error().message, clock_.now())
                                   : pass.decision.status);
    log_change(pass, written.ok() && *written);
    if (!written.ok()) return written.error();
    const bool recorded = *written;
    if (!acted.ok()) {
        if (needs_a_person(acted.error()))
            send(rollout, {{true, refused ? "ReplicaSetCreateError" : "ReconciliationError",
                            acted.error().message}});
        return acted.error();
    }
    // The watch brings what moved, and wakes the key; where it does not, the back-off grows.
    if (!*acted || !recorded)
        return Error{ErrorKind::Conflict, concat(key_of(rollout.metadata.ns, rollout.metadata.name),
                                                 " has moved since it was decided on")};
    if (pass.decision.ended && options_.ended) options_.ended(*pass.decision.ended);
    send(rollout, pass.decision.events);
    return pass.decision.look_again_after;
}

}  // namespace sluice::shell
