// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/git_source_apply.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/overloaded.hpp"
#include "base/text.hpp"
#include "crds/pod_template.hpp"

namespace sluice::shell {

using policy::source::Desired;
using policy::source::Manifest;

namespace {

std::string digest_of(const Manifest& manifest) {
    if (manifest.group != resources::rollouts.group || manifest.kind != resources::rollouts.kind)
        return {};
    const Json* pod_template = find(*manifest.document, {"spec", "template"});
    return pod_template ? crds::template_digest(*pod_template) : std::string{};
}

bool same_object(const crds::InventoryEntry& entry, const ObjectRef& ref) {
    return entry.group == ref.type.group && entry.kind == ref.type.kind && entry.ns == ref.ns &&
           entry.name == ref.name;
}

bool has_object(const std::vector<crds::InventoryEntry>& inventory,
                const crds::InventoryEntry& other) {
    return std::any_of(inventory.begin(), inventory.end(), [&](const auto& entry) {
        return entry.group == other.group && entry.kind == other.kind && entry.ns == other.ns &&
               entry.name == other.name;
    });
}

// Errors after which another try may go better.
bool passes(const Error& error) {
    return error.kind == ErrorKind::Unavailable || error.kind == ErrorKind::NoSpace ||
           error.kind == ErrorKind::Timeout || error.kind == ErrorKind::Conflict ||
           error.kind == ErrorKind::AlreadyExists || error.kind == ErrorKind::Gone;
}

crds::ManifestProblem apply_problem(const std::string& path, const ObjectRef& ref,
                                    std::string_view what) {
    return {.file = path,
            .path = to_text(ref),
            .message = concat(path, ": ", to_text(ref), ": ", what)};
}

}  // namespace

// One pass over one source.
struct Applier::Pass {
    const kube::Client& client;
    KindDirectory& kinds;
    Log& log;
    const crds::GitSource& source;
    const BranchReading& reading;
    ApplyOutcome outcome;
    std::vector<Desired> desired;
    // By text: last good versions, quarantined Rollouts, and what another source applies.
    std::set<std::string> kept_entries;
    std::set<std::string> quarantined;

    [[nodiscard]] std::string owner_of(const std::string& ns) const {
        return ns == source.ns ? source.name : key_of(source.ns, source.name);
    }

    void failed(const std::string& path, const ObjectRef& ref, const Error& error) {
        outcome.problems.push_back(apply_problem(path, ref, error.message));
        if (passes(error) && !outcome.again) outcome.again = error;
    }

    void resolve(const Manifest& manifest, bool last_good) {
        const auto type = kinds.find(manifest.group, manifest.version, manifest.kind);
        ObjectRef ref{{manifest.group, manifest.version, "", manifest.kind, true},
                      manifest.ns,
                      manifest.name};
        if (!type.ok()) return failed(manifest.path, ref, type.error());
        if (!*type)
            return failed(manifest.path, ref,
                          invalid(concat("the server does not know ", manifest.kind, " in ",
                                         ref.type.api_version(),
                                         "; its custom resource definition may be missing")));
        ref.type = **type;
        if (!ref.type.namespaced)
            ref.ns.clear();
        else if (ref.ns.empty())
            ref.ns = source.ns;
        desired.push_back({ref, manifest.path, manifest.document, digest_of(manifest)});
        if (last_good) kept_entries.insert(to_text(ref));
    }

    // Kinds that a CRD of this very commit brings are known only once it is applied.
    void resolve_all(const std::function<bool(int wave)>& which) {
        const auto of_wave = [&](const Manifest& manifest) {
            return which(policy::source::wave(manifest.group, manifest.kind));
        };
        for (const auto& manifest : reading.manifests)
            if (of_wave(manifest)) resolve(manifest, false);
        for (const auto& manifest : reading.last_good)
            if (of_wave(manifest)) resolve(manifest, true);
    }

    const crds::InventoryEntry* old_entry(const ObjectRef& ref) const {
        const auto& inventory = source.status.inventory;
        const auto found = std::find_if(inventory.begin(), inventory.end(),
                                        [&](const auto& entry) { return same_object(entry, ref); });
        return found == inventory.end() ? nullptr : &*found;
    }

    std::optional<crds::InventoryEntry> entry_of(const Desired& item) const {
        // A last good version, and a version that is not applied, keep what the inventory says.
        if (kept_entries.contains(to_text(item.ref))) {
            const auto* old = old_entry(item.ref);
            return old ? std::optional(*old) : std::nullopt;
        }
        crds::InventoryEntry entry{.group = item.ref.type.group,
                                   .version = item.ref.type.version,
                                   .kind = item.ref.type.kind,
                                   .ns = item.ref.ns,
                                   .name = item.ref.name,
                                   .path = item.path,
                                   .digest = item.digest};
        if (const auto change = reading.changes.find(item.path); change != reading.changes.end()) {
            entry.commit = change->second.id.text();
            entry.author = change->second.author;
            entry.subject = change->second.subject;
        }
        return entry;
    }

    // True where the Rollout must stay as it is: what Git declares was rolled back.
    bool is_quarantined(const Desired& item) {
        if (item.digest.empty()) return false;
        auto live = client.get(item.ref);
        if (live.ok()) {
            const Json* pod_template = find(*live, {"spec", "template"});
            if (pod_template && crds::template_digest(*pod_template) == item.digest) return false;
        }
        auto deliveries = client.list(resources::deliveries, {.ns = item.ref.ns});
        if (deliveries.failed_with(ErrorKind::NotFound)) return false;
        // Not knowing is no licence: the bad version may be among them.
        if (!deliveries.ok()) {
            failed(item.path, item.ref, deliveries.error());
            return true;
        }
        const auto found =
            policy::source::find_quarantine(deliveries->items, item.ref.name, item.digest);
        if (!found) return false;
        const auto change = reading.changes.find(item.path);
        const std::string commit =
            change == reading.changes.end() ? reading.commit : change->second.id.text();
        outcome.quarantined.push_back(
            concat(to_text(item.ref), " is left as it is: the version of commit ",
                   commit.substr(0, 10), " was rolled back (", found->reason,
                   "); push another version, or lift it with: kubectl -n ", item.ref.ns,
                   " annotate delivery ", found->delivery, " sluice.dev/retry=", found->delivery));
        return true;
    }

    void apply(const Desired& item) {
        auto live = client.get(item.ref);
        if (!live.ok() && !live.failed_with(ErrorKind::NotFound))
            return failed(item.path, item.ref, live.error());
        const auto change =
            policy::source::plan_object(item, live.ok() ? &*live : nullptr, owner_of(item.ref.ns));
        match(
            change, [](const policy::source::LeaveObject&) {},
            [&](const policy::source::CreateObject& create) {
                auto made = client.create(item.ref.type, *create.document);
                if (!made.ok()) return failed(item.path, item.ref, made.error());
                outcome.changed.push_back(concat(to_text(item.ref), " created"));
            },
            [&](const policy::source::PatchObject& patch) {
                auto made = client.patch(item.ref, kube::PatchType::Merge, *patch.patch);
                if (!made.ok()) return failed(item.path, item.ref, made.error());
                // A server that drops what we set says so by leaving the version alone.
                if (text_at(*made, {"metadata", "resourceVersion"}) !=
                    text_at(*live, {"metadata", "resourceVersion"}))
                    outcome.changed.push_back(concat(to_text(item.ref), " configured"));
            },
            [&](const policy::source::RefuseObject& refuse) {
                kept_entries.insert(to_text(item.ref));
                outcome.problems.push_back(apply_problem(item.path, item.ref, refuse.why));
            });
    }

    void apply_waves(int from, int to) {
        for (int wave = from; wave <= to; ++wave)
            for (const auto& item : desired)
                if (policy::source::wave(item.ref.type.group, item.ref.type.kind) == wave &&
                    !quarantined.contains(to_text(item.ref)))
                    apply(item);
    }

    void find_quarantined() {
        for (const auto& item : desired) {
            if (!is_quarantined(item)) continue;
            quarantined.insert(to_text(item.ref));
            kept_entries.insert(to_text(item.ref));
        }
    }

    [[nodiscard]] std::vector<crds::InventoryEntry> declared_inventory() const {
        std::vector<crds::InventoryEntry> inventory;
        for (const auto& item : desired)
            if (auto entry = entry_of(item)) inventory.push_back(std::move(*entry));
        return inventory;
    }

    // Whether the object is gone, or is no business of ours any more.
    bool prune(const crds::InventoryEntry& entry) {
        ObjectRef ref{{entry.group, entry.version, "", entry.kind, true}, entry.ns, entry.name};
        const auto type = kinds.find(entry.group, entry.version, entry.kind);
        if (!type.ok()) {
            failed(entry.path, ref, type.error());
            return false;
        }
        if (!*type) return true;  // its kind went, and it with it
        ref.type = **type;
        const auto live = client.get(ref);
        if (live.failed_with(ErrorKind::NotFound)) return true;
        if (!live.ok()) {
            failed(entry.path, ref, live.error());
            return false;
        }
        if (!policy::source::may_prune(*live, owner_of(entry.ns))) return true;
        const auto removed = client.remove(
            ref, {.uid = text_at(*live, {"metadata", "uid"}), .propagation = "Background"});
        if (!removed.ok() && !removed.failed_with(ErrorKind::NotFound)) {
            failed(entry.path, ref, removed.error());
            return false;
        }
        outcome.pruned.push_back(to_text(ref));
        return true;
    }
};

Result<ApplyOutcome> Applier::apply(const crds::GitSource& source, const BranchReading& reading,
                                    const Announce& announce) {
    Pass pass{
        .client = client_, .kinds = kinds_, .log = log_, .source = source, .reading = reading};
    pass.resolve_all([](int wave) { return wave == 0; });
    pass.apply_waves(0, 0);
    pass.resolve_all([](int wave) { return wave > 0; });
    pass.find_quarantined();

    auto plan = policy::source::plan_prune(source.status.inventory, pass.desired, reading.files);
    // An object that could not be resolved now is declared all the same.
    if (pass.outcome.again ||
        pass.desired.size() < reading.manifests.size() + reading.last_good.size() ||
        (pass.desired.empty() && !plan.prune.empty())) {
        plan.keep.insert(plan.keep.end(), plan.prune.begin(), plan.prune.end());
        if (!plan.prune.empty())
            plan.held_because = pass.desired.empty()
                                    ? "nothing is pruned: the branch declares nothing at all"
                                    : "nothing is pruned while some kinds are not known";
        plan.prune.clear();
    }
    pass.outcome.prune_held = plan.held_because;

    auto inventory = pass.declared_inventory();
    inventory.insert(inventory.end(), plan.keep.begin(), plan.keep.end());
    auto announced = inventory;
    announced.insert(announced.end(), plan.prune.begin(), plan.prune.end());
    if (announced != source.status.inventory) TRY(announce(announced));

    pass.apply_waves(1, 3);
    for (const auto& entry : plan.prune)
        if (!pass.prune(entry)) inventory.push_back(entry);
    // What turned out to be another's is not ours to remember.
    std::erase_if(inventory, [&](const auto& entry) {
        const bool refused =
            std::any_of(pass.desired.begin(), pass.desired.end(), [&](const Desired& item) {
                return same_object(entry, item.ref) &&
                       pass.kept_entries.contains(to_text(item.ref)) && !pass.old_entry(item.ref);
            });
        return refused;
    });
    pass.outcome.inventory = std::move(inventory);
    return std::move(pass.outcome);
}

ApplyOutcome Applier::observe(const crds::GitSource& source, const BranchReading& reading) {
    Pass pass{
        .client = client_, .kinds = kinds_, .log = log_, .source = source, .reading = reading};
    pass.resolve_all([](int) { return true; });
    pass.outcome.inventory = pass.declared_inventory();
    for (const auto& entry : source.status.inventory)
        if (pass.outcome.again && !has_object(pass.outcome.inventory, entry))
            pass.outcome.inventory.push_back(entry);
    return std::move(pass.outcome);
}

}  // namespace sluice::shell
