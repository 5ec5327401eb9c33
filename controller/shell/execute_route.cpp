// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/execute_route.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "controller/shell/rollout_observe.hpp"
#include "traffic/route_write.hpp"
#include "traffic/router.hpp"

namespace sluice::shell {
namespace {

constexpr int tries = 4;

Result<traffic::Documents> fetch(const kube::Client& client, const traffic::Router& router,
                                 const traffic::Target& target) {
    traffic::Documents documents;
    for (const auto& ref : router.objects(target)) {
        auto& slot = documents[ref];
        auto document = client.get(ref);
        if (document.ok())
            slot = std::move(*document);
        else if (!document.failed_with(ErrorKind::NotFound))
            return document.error();
    }
    return documents;
}

Result<void> apply(const kube::Client& client, const traffic::RouteWrite& write) {
    using Kind = traffic::RouteWrite::Kind;
    Result<Json> written = Json{};
    switch (write.kind) {
        case Kind::Create: written = client.create(write.object.type, write.body); break;
        case Kind::JsonPatch:
            written = client.patch(write.object, kube::PatchType::Json, write.body);
            break;
        case Kind::MergePatch:
            written = client.patch(write.object, kube::PatchType::Merge, write.body);
            break;
        case Kind::Delete: return client.remove(write.object);
    }
    if (written.ok()) return {};
    return written.error();
}

// A failed `test` answers 422; a lost resourceVersion 409; a name that appeared 409 AlreadyExists.
bool somebody_wrote_between(const Error& error) {
    return error.kind == ErrorKind::Conflict || error.kind == ErrorKind::Invalid ||
           error.kind == ErrorKind::AlreadyExists || error.kind == ErrorKind::NotFound;
}

// The view it was decided on was late, and it would raise what is in force, or undo it.
bool comes_late(const policy::rollout::SetWeight& action, std::optional<int> in_force) {
    if (!action.from) return false;
    const bool falls = action.weight < *action.from;
    return falls ? in_force.value_or(0) < action.weight : in_force != action.from;
}

Result<Effect> write_once(const kube::Client& client, const traffic::Router& router,
                          const crds::Rollout& rollout, const policy::rollout::SetWeight& action) {
    traffic::Target target = target_of(rollout);
    const auto documents = TRY(fetch(client, router, target));
    if (action.from) {
        const auto in_force = router.read(documents, target);
        if (in_force.ok() && comes_late(action, *in_force)) return Effect::Stale;
    }
    const auto in_place = subsets_of(rollout, documents);
    target.canary_hash = action.keep_canary_subset ? in_place.canary : action.canary_subset_hash;
    target.stable_hash = action.keep_stable_subset ? in_place.stable : action.stable_subset_hash;
    const auto writes = TRY(router.write(documents, target, static_cast<int>(action.weight),
                                         static_cast<int>(action.max_weight)));
    for (const auto& write : writes) TRY(apply(client, write));
    return writes.empty() ? Effect::Done : Effect::Changed;
}

// More users only for the Rollout as it is: a user's abort counts from when it is said, not from
// when a watch brings it. One question for each raise, which is rare.
Result<bool> has_moved(const kube::Client& client, const crds::Rollout& rollout) {
    const auto live = client.get({resources::rollouts, rollout.metadata.ns, rollout.metadata.name});
    if (live.failed_with(ErrorKind::NotFound)) return true;
    if (!live.ok()) return live.error();
    return text_at(*live, {"metadata", "resourceVersion"}) != rollout.metadata.resource_version;
}

}  // namespace

Result<Effect> set_weight(const kube::Client& client, const crds::Rollout& rollout,
                          const policy::rollout::SetWeight& action) {
    for (const auto& router : routers_of(rollout)) {
        if (router->name() != action.router) continue;
        const auto attempt = concat("set weight ", action.weight, " through ", action.router);
        if (action.weight > action.from.value_or(0) &&
            TRY(has_moved(client, rollout).while_doing(attempt)))
            return Effect::Stale;
        Result<Effect> effect = Effect::Stale;
        for (int i = 0; i < tries; ++i) {
            effect = write_once(client, *router, rollout, action).while_doing(attempt);
            if (effect.ok() || !somebody_wrote_between(effect.error())) return effect;
        }
        return effect;
    }
    return Effect::Stale;
}

}  // namespace sluice::shell
