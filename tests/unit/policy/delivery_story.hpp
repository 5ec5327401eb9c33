// SPDX-License-Identifier: Apache-2.0
// A Rollout that tests move by hand, and its Deliveries as the decisions leave them.
#pragma once

#include <algorithm>
#include <string>

#include "base/text.hpp"
#include "controller/policy/delivery/decide.hpp"

namespace sluice::policy::delivery::testing {

inline TimePoint at(std::string_view text) {
    return parse_rfc3339(text).value();
}

inline const Identity here{"cluster-uid", "local", "0.1.0", "sluice-0"};

inline SourceView shop_source() {
    SourceView source;
    source.key = "shop/app";
    source.url = "https://git.example/shop.git";
    source.branch = "main";
    source.write_back = true;
    return source;
}

// 5, 20, 50, 100 %, an analysis after each.
struct Story {
    Observation seen;
    TimePoint now = at("2026-11-20T10:30:00Z");
    Decision last;
    int versions = 0;

    Story() {
        auto& rollout = seen.rollout;
        rollout.ns = "shop";
        rollout.name = "shop";
        rollout.uid = "rollout-uid";
        rollout.steps = {5, {}, 20, {}, 50, {}, 100, {}};
        rollout.traffic_routing = true;
        seen.source = shop_source();
    }

    // The commit is forty times one digit.
    static std::string commit_of(int version) {
        return std::string(40, static_cast<char>('0' + version));
    }

    // Version n is declared by commit nnn… and becomes the Rollout's current one.
    void declare(int version) {
        auto& rollout = seen.rollout;
        rollout.generation = rollout.observed_generation = ++versions;
        rollout.template_digest = concat("digest-v", version);
        rollout.current_hash = concat("hash", version);
        rollout.image = concat("registry/shop:v", version);
        rollout.revision = std::to_string(versions);
        rollout.abort = false;
        rollout.aborted_at.reset();
        rollout.abort_message.clear();
        rollout.runs.clear();
        rollout.step_index = rollout.current_hash == rollout.stable_hash ? 8 : 0;
        rollout.canary_weight = 0;
        seen.source->entries = {{"shop", "shop", "deploy/shop.yaml", rollout.template_digest,
                                 commit_of(version), "Ann <ann@example.com>",
                                 concat("shop: bump to v", version)}};
    }
    void promote() {
        seen.rollout.stable_hash = seen.rollout.current_hash;
        seen.rollout.step_index = 8;
        seen.rollout.canary_weight = 0;
    }
    void deliver(int version) {
        declare(version);
        run();
        promote();
        run();
    }
    void step(long index, long weight) {
        seen.rollout.step_index = index;
        seen.rollout.canary_weight = weight;
    }
    RunView measured(const std::string& name, long step_index, const std::string& phase,
                     const std::string& value) {
        return {.ns = "shop",
                .name = name,
                .rollout = "shop",
                .rollout_uid = "rollout-uid",
                .hash = seen.rollout.current_hash,
                .type = "Step",
                .step_index = step_index,
                .phase = phase,
                .completed_at = phase == "Running" ? std::nullopt : std::optional(now),
                .metrics = {{.name = "error-rate",
                             .query = "sum(rate(errors[10s]))",
                             .threshold = "result[0] < 0.01",
                             .phase = phase,
                             .count = 3,
                             .dry_run = false,
                             .measurements = {{"0.002", "Successful", now}, {value, phase, now}}}}};
    }
    // The gate of that step fails; the controller has aborted but traffic is still out there.
    void fail(long step_index, const std::string& phase = "Failed") {
        seen.runs.push_back(measured("shop-run", step_index, phase, "0.041"));
        auto& rollout = seen.rollout;
        rollout.runs = {{"shop-run", phase}};
        rollout.abort = true;
        rollout.aborted_at = now;
        rollout.abort_message =
            concat("Rollout aborted update to revision ", rollout.revision,
                   ": Step-based analysis phase error/failed: metric \"error-rate\" failed");
    }

    // Decides and does as decided until nothing changes any more.
    void run() {
        for (int i = 0; i < 10; ++i) {
            last = decide(seen, here, now);
            for (const auto& fresh : last.updates) find(fresh.name).status = fresh.status;
            for (const auto& fresh : last.fills) find(fresh.name).spec = fresh.spec;
            for (const auto& fresh : last.creates) seen.deliveries.push_back(fresh);
            for (const auto& old : last.deletes)
                std::erase_if(seen.deliveries,
                              [&](const auto& one) { return one.name == old.name; });
            if (last.updates.empty() && last.fills.empty() && last.creates.empty() &&
                last.deletes.empty())
                return;
        }
        check(false, "decide() does not come to rest");
    }
    crds::Delivery& find(const std::string& name) {
        const auto found = std::find_if(seen.deliveries.begin(), seen.deliveries.end(),
                                        [&](const auto& one) { return one.name == name; });
        check(found != seen.deliveries.end(), name.c_str());
        return *found;
    }
    // "step reverted …", what that Delivery still owes Git.
    std::string owed(const std::string& name) {
        std::vector<std::string> kinds;
        for (const auto& op : find(name).status.outbox) kinds.emplace_back(crds::to_text(op.kind));
        return join(kinds, " ");
    }
    std::string phase(const std::string& name) {
        return std::string(crds::to_text(find(name).status.phase.value()));
    }
    std::string names() {
        std::vector<std::string> all;
        for (const auto& one : seen.deliveries) all.push_back(one.name);
        return join(all, " ");
    }
    // As the writer does once Git has everything.
    void drain() {
        for (auto& delivery : seen.deliveries) {
            for (const auto& op : delivery.status.outbox)
                if (op.kind == crds::DeliveryOpKind::Reverted)
                    delivery.status.revert =
                        crds::DeliveryRevert{true, "", std::string(40, 'e'), now};
            delivery.status.outbox.clear();
        }
    }
};

}  // namespace sluice::policy::delivery::testing
