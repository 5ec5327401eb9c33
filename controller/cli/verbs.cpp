// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/verbs.hpp"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "controller/cli/table.hpp"
#include "controller/cli/undo.hpp"
#include "controller/policy/verbs/patches.hpp"
#include "controller/policy/verbs/standing.hpp"
#include "crds/rollout_conditions.hpp"
#include "platform/clock.hpp"

namespace sluice::cli {
namespace {

namespace patches = policy::verbs;

constexpr const char* git_source_annotation = "sluice.dev/git-source";

// The status first, then the spec; one patch of both where there is no status subresource.
Result<Json> send(const Cluster& cluster, const std::string& name, const patches::PatchPair& pair,
                  Json rollout) {
    const ObjectRef ref = cluster.rollout(name);
    if (pair.status) {
        auto patched = cluster.client().patch(ref, kube::PatchType::Merge, *pair.status, "status");
        if (patched.failed_with(ErrorKind::NotFound) && pair.unified)
            return cluster.client().patch(ref, kube::PatchType::Merge, *pair.unified);
        rollout = TRY(std::move(patched));
    }
    if (pair.spec) rollout = TRY(cluster.client().patch(ref, kube::PatchType::Merge, *pair.spec));
    return rollout;
}

using MakePatches = patches::PatchPair (*)(const Json&);

// `done` is said with the name; `idle` where there was nothing to send.
int patch_rollout(const GlobalOptions& options, const std::string& name, MakePatches make,
                  const char* done, const char* idle) {
    const auto attempt = [&]() -> Result<int> {
        const auto cluster = TRY(Cluster::open(options));
        const Json rollout = TRY(cluster.client().get(cluster.rollout(name)));
        const auto pair = make(rollout);
        if (!pair.unified) {
            print_object(options, rollout, concat("rollout '", name, "' ", idle));
            return Done;
        }
        const Json after = TRY(send(cluster, name, pair, rollout));
        print_object(options, after, concat("rollout '", name, "' ", done));
        return Done;
    };
    const auto outcome = attempt();
    return outcome.ok() ? *outcome : report(outcome.error());
}

bool owned_by(const Json& object, const std::string& uid) {
    const Json* owners = find(object, {"metadata", "ownerReferences"});
    return owners && std::ranges::any_of(*owners, [&](const Json& owner) {
               return text_at(owner, {"uid"}) == uid;
           });
}

Result<Json> replica_set_of(const Cluster& cluster, const Json& rollout,
                            std::optional<long> revision) {
    const auto list = TRY(cluster.client().list(resources::replica_sets, {.ns = cluster.ns()}));
    const long current = revision_of(rollout);
    const Json* best = nullptr;
    for (const auto& item : list.items) {
        if (!owned_by(item, text_at(rollout, {"metadata", "uid"}))) continue;
        const long number = revision_of(item);
        if (revision ? number == *revision
                     : number < current && (!best || number > revision_of(*best)))
            best = &item;
    }
    if (best) return *best;
    if (revision)
        return not_found(concat("undo rollout ",
                                key_of(cluster.ns(), text_at(rollout, {"metadata", "name"})),
                                ": unable to find specified revision ", *revision, " in history"));
    return not_found(concat("undo rollout ",
                            key_of(cluster.ns(), text_at(rollout, {"metadata", "name"})),
                            ": no revision older than ", current, " is left"));
}

struct Row {
    std::string ns, name, status, step, weight, ready, desired, updated, available, message;
};

Row row_of(const Json& rollout) {
    const Json* steps = find(rollout, {"spec", "strategy", "canary", "steps"});
    const long count = steps && steps->is_array() ? static_cast<long>(steps->size()) : 0;
    const auto number = [&](const char* field) {
        return std::to_string(integer_at(rollout, {"status", field}));
    };
    const auto standing = patches::standing_of(rollout);
    return {.ns = text_at(rollout, {"metadata", "namespace"}),
            .name = text_at(rollout, {"metadata", "name"}),
            .status = standing.phase,
            .step = count ? concat(integer_at(rollout, {"status", "currentStepIndex"}), "/", count)
                          : "-",
            .weight = std::to_string(
                integer_at(rollout, {"status", "canary", "weights", "canary", "weight"})),
            .ready = number("readyReplicas"),
            .desired = std::to_string(integer_at(rollout, {"spec", "replicas"}, 1)),
            .updated = number("updatedReplicas"),
            .available = number("availableReplicas"),
            .message = standing.message};
}

void print_table(const std::vector<Row>& rows, bool with_namespace) {
    std::vector<std::vector<std::string>> cells = {{"NAMESPACE", "NAME", "STATUS", "STEP",
                                                    "SET-WEIGHT", "READY", "DESIRED", "UP-TO-DATE",
                                                    "AVAILABLE", "MESSAGE"}};
    for (const auto& r : rows)
        cells.push_back({r.ns, r.name, r.status, r.step, r.weight, r.ready, r.desired, r.updated,
                         r.available, r.message});
    if (!with_namespace)
        for (auto& line : cells) line.erase(line.begin());
    print_cells(cells);
}

// Why it does not go on, and the command that makes it: below the table of one Rollout.
void print_trouble(const Json& rollout) {
    const Json* conditions = find(rollout, {"status", "conditions"});
    if (!conditions || !conditions->is_array()) return;
    for (const auto& condition : *conditions)
        if (text_at(condition, {"type"}) == crds::condition_types::analysis_trouble)
            std::cout << "\n"
                      << crds::condition_types::analysis_trouble << " ("
                      << text_at(condition, {"reason"}) << "): " << text_at(condition, {"message"})
                      << "\n";
}

patches::PatchPair abort_patch(const Json&) {
    return patches::abort();
}
patches::PatchPair retry_patch(const Json&) {
    return patches::retry();
}
patches::PatchPair pause_patch(const Json&) {
    return patches::pause();
}
patches::PatchPair resume_patch(const Json&) {
    return patches::resume();
}

}  // namespace

int promote(const GlobalOptions& options, const std::string& name, bool full) {
    return full ? patch_rollout(options, name, patches::promote_full, "fully promoted",
                                "is already fully promoted")
                : patch_rollout(options, name, patches::promote, "promoted",
                                "waits for nothing: not promoted");
}

int abort_rollout(const GlobalOptions& options, const std::string& name) {
    return patch_rollout(options, name, abort_patch, "aborted", "");
}

int retry_rollout(const GlobalOptions& options, const std::string& name) {
    return patch_rollout(options, name, retry_patch, "retried", "");
}

int pause_rollout(const GlobalOptions& options, const std::string& name) {
    return patch_rollout(options, name, pause_patch, "paused", "");
}

int resume_rollout(const GlobalOptions& options, const std::string& name) {
    return patch_rollout(options, name, resume_patch, "resumed", "");
}

int restart_rollout(const GlobalOptions& options, const std::string& name, const std::string& in) {
    const auto attempt = [&]() -> Result<int> {
        const Duration delay =
            in.empty() ? Duration{0}
                       : TRY(parse_duration(in).while_doing(concat("restart rollout ", name)));
        const auto cluster = TRY(Cluster::open(options));
        const auto pair = patches::restart(SystemClock().now() + delay);
        const Json after = TRY(send(cluster, name, pair, {}));
        print_object(options, after,
                     concat("rollout '", name, "' restarts in ", in.empty() ? "0s" : in));
        return Done;
    };
    const auto outcome = attempt();
    return outcome.ok() ? *outcome : report(outcome.error());
}

int set_image(const GlobalOptions& options, const std::string& name, const std::string& change) {
    const auto attempt = [&]() -> Result<int> {
        const auto equals = change.find('=');
        if (equals == std::string::npos || equals == 0 || equals + 1 == change.size())
            return invalid(concat("set image of rollout ", name,
                                  ": expected CONTAINER=IMAGE, found \"", change, "\""));
        const auto cluster = TRY(Cluster::open(options));
        const Json rollout = TRY(cluster.client().get(cluster.rollout(name)));
        const auto attempted = concat("set image of rollout ", key_of(cluster.ns(), name));
        const auto source = text_at(rollout, {"metadata", "annotations", git_source_annotation});
        if (!source.empty())
            return invalid(concat(attempted, ": it is declared in Git (git source ", source,
                                  "), so the image is changed by a commit there"));
        const Json patch =
            TRY(patches::set_image(rollout, change.substr(0, equals), change.substr(equals + 1))
                    .while_doing(attempted));
        const Json after =
            TRY(cluster.client().patch(cluster.rollout(name), kube::PatchType::Json, patch));
        print_object(options, after, concat("rollout '", name, "' image updated"));
        return Done;
    };
    const auto outcome = attempt();
    return outcome.ok() ? *outcome : report(outcome.error());
}

int undo(const GlobalOptions& options, const std::string& name, std::optional<long> revision) {
    const auto attempt = [&]() -> Result<int> {
        const auto cluster = TRY(Cluster::open(options));
        const Json rollout = TRY(cluster.client().get(cluster.rollout(name)));
        const auto source = text_at(rollout, {"metadata", "annotations", git_source_annotation});
        if (!source.empty()) {
            const auto attempted = concat("undo rollout ", key_of(cluster.ns(), name), " in Git");
            const auto undone =
                TRY(undo_in_git(cluster, rollout, source, revision).while_doing(attempted));
            print_object(
                options, rollout,
                concat("rollout '", name, "' undone in Git: commit ", undone.commit, " on branch ",
                       undone.branch, " restores what delivery ", undone.delivery, " promoted"));
            return Done;
        }
        const Json replica_set = TRY(replica_set_of(cluster, rollout, revision));
        const Json after = TRY(cluster.client().patch(cluster.rollout(name), kube::PatchType::Json,
                                                      patches::undo(replica_set)));
        print_object(options, after,
                     concat("rollout '", name, "' undo to revision ", revision_of(replica_set)));
        return Done;
    };
    const auto outcome = attempt();
    return outcome.ok() ? *outcome : report(outcome.error());
}

int get(const GlobalOptions& options, const std::string& name, bool all_namespaces) {
    const auto attempt = [&]() -> Result<int> {
        const auto cluster = TRY(Cluster::open(options));
        if (!name.empty()) {
            const Json rollout = TRY(cluster.client().get(cluster.rollout(name)));
            if (!options.output.empty()) {
                print_object(options, rollout, "");
                return Done;
            }
            print_table({row_of(rollout)}, false);
            print_trouble(rollout);
            return Done;
        }
        auto list = TRY(
            cluster.client().list(resources::rollouts, {.ns = all_namespaces ? "" : cluster.ns()}));
        if (!options.output.empty()) {
            const Json document = {
                {"apiVersion", "v1"}, {"kind", "List"}, {"items", std::move(list.items)}};
            print_object(options, document, "");
            return Done;
        }
        if (list.items.empty()) {
            std::cerr << "no rollouts in "
                      << (all_namespaces ? "any namespace" : "namespace " + cluster.ns()) << "\n";
            return Done;
        }
        std::vector<Row> rows;
        for (const auto& item : list.items) rows.push_back(row_of(item));
        print_table(rows, all_namespaces);
        return Done;
    };
    const auto outcome = attempt();
    return outcome.ok() ? *outcome : report(outcome.error());
}

}  // namespace sluice::cli
