// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/delivery/decide.hpp"

#include <algorithm>

#include "base/resource.hpp"
#include "base/text.hpp"
#include "controller/policy/delivery/track.hpp"

namespace sluice::policy::delivery {
namespace {

using Deliveries = std::vector<crds::Delivery>;

// This incarnation's, oldest first.
Deliveries own_deliveries(const Observation& seen) {
    Deliveries own;
    for (const auto& delivery : seen.deliveries)
        if (delivery.spec.rollout_uid == seen.rollout.uid) own.push_back(delivery);
    std::sort(own.begin(), own.end(),
              [](const auto& a, const auto& b) { return a.spec.number < b.spec.number; });
    return own;
}

// A Rollout seen older than a Delivery was decided on: another cache is ahead of ours.
bool stale(const Observation& seen, const Deliveries& own) {
    return std::any_of(own.begin(), own.end(), [&](const crds::Delivery& delivery) {
        return seen.rollout.generation <
               std::max(delivery.spec.generation, delivery.status.observed_generation);
    });
}

std::string without_credentials(const std::string& url) {
    const auto scheme = url.find("://");
    if (scheme == std::string::npos) return url;
    const auto from = scheme + 3;
    const auto end = url.find('/', from);
    const auto at = url.rfind('@', end == std::string::npos ? end : end - 1);
    if (at == std::string::npos || at < from || url.substr(0, scheme) == "ssh") return url;
    return url.substr(0, from) + url.substr(at + 1);
}

// Where this template was declared; an empty commit where Git declares the Rollout but not (yet)
// this.
std::optional<crds::DeliverySource> source_of(const Observation& seen, const std::string& digest) {
    if (!seen.source) return std::nullopt;
    crds::DeliverySource source{.git_source = seen.source->key,
                                .repo = without_credentials(seen.source->url),
                                .branch = seen.source->branch};
    for (const auto& entry : seen.source->entries) {
        if (entry.ns != seen.rollout.ns || entry.name != seen.rollout.name) continue;
        source.path = entry.path;
        if (entry.digest != digest) continue;
        source.commit = entry.commit;
        source.author = entry.author;
        source.subject = entry.subject;
    }
    return source;
}

bool wants_delivery(const Observation& seen, const Deliveries& own) {
    const RolloutView& rollout = seen.rollout;
    // Only then do the template in the spec and the hash in the status belong together.
    if (rollout.current_hash.empty() || rollout.observed_generation != rollout.generation)
        return false;
    if (own.empty()) return true;
    const auto& newest = own.back();
    if (newest.spec.pod_template_hash == rollout.current_hash) {
        if (newest.progressing() || newest.promoted()) return false;
        // The same version again: retried, or declared anew.
        return !rollout.abort || newest.status.phase == crds::DeliveryPhase::Superseded;
    }
    // Back at what was promoted last: that ends a story and starts none.
    const auto* promoted = last_promoted(own, newest.spec.number + 1);
    return !promoted || promoted->spec.pod_template_hash != rollout.current_hash;
}

crds::Delivery make_delivery(const Observation& seen, const Deliveries& own) {
    const RolloutView& rollout = seen.rollout;
    crds::Delivery delivery{.ns = rollout.ns};
    auto& spec = delivery.spec;
    spec.rollout = rollout.name;
    spec.rollout_uid = rollout.uid;
    spec.generation = rollout.generation;
    spec.digest = rollout.template_digest;
    spec.pod_template_hash = rollout.current_hash;
    spec.revision = rollout.revision;
    spec.new_image = rollout.image;
    spec.source = source_of(seen, spec.digest);
    for (const auto& other : own)
        if (other.spec.digest == spec.digest)
            spec.attempt = std::max(spec.attempt, other.spec.attempt + 1);
    // Names go on counting where an older incarnation of the Rollout left off.
    for (const auto& other : seen.deliveries)
        spec.number = std::max(spec.number, other.spec.number);
    ++spec.number;
    if (const auto* promoted = last_promoted(own, spec.number))
        spec.old_image = promoted->spec.new_image;
    delivery.name = concat(rollout.name, "-", spec.number);
    return delivery;
}

bool fillable(const crds::Delivery& delivery, const std::optional<crds::DeliverySource>& source) {
    if (!source || source->commit.empty() || !delivery.spec.source ||
        !delivery.spec.source->commit.empty() || !delivery.status.op_id.empty())
        return false;
    return std::all_of(delivery.status.steps.begin(), delivery.status.steps.end(),
                       [](const auto& step) { return step.op_id.empty(); });
}

void retire(const Deliveries& own, Decision& decision) {
    if (own.size() <= newer_deliveries_kept) return;
    const auto* promoted = last_promoted(own, own.back().spec.number + 1);
    for (size_t i = 0; i + newer_deliveries_kept < own.size(); ++i) {
        const auto& delivery = own[i];
        const bool needed = &delivery == promoted || delivery.quarantined() ||
                            delivery.progressing() || !delivery.status.recorded ||
                            !delivery.status.outbox.empty();
        if (!needed) decision.deletes.push_back(delivery);
    }
}

}  // namespace

Decision decide(const Observation& seen, const Identity& who, TimePoint now) {
    Decision decision;
    const Deliveries own = own_deliveries(seen);
    if (seen.rollout.uid.empty() || stale(seen, own)) return decision;

    Deliveries next = own;
    for (auto& delivery : next)
        delivery.status = track(seen, delivery, &delivery == &next.back(), now);
    for (size_t i = 0; i < next.size(); ++i) {
        const auto source =
            next[i].status.recorded ? std::nullopt : source_of(seen, next[i].spec.digest);
        if (fillable(next[i], source)) {
            // The ids of its operations follow from the source: first one, then the other.
            crds::Delivery fill = own[i];
            fill.spec.source = source;
            decision.fills.push_back(std::move(fill));
        } else {
            const auto settled = settle(seen, next[i], next, who, now);
            next[i].status = settled.status;
            if (settled.look_again)
                decision.look_again = decision.look_again
                                          ? std::min(*decision.look_again, *settled.look_again)
                                          : settled.look_again;
            if (next[i].status != own[i].status) decision.updates.push_back(next[i]);
        }
    }
    if (wants_delivery(seen, next)) decision.creates.push_back(make_delivery(seen, next));
    retire(next, decision);
    return decision;
}

}  // namespace sluice::policy::delivery
