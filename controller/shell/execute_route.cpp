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

Result<Effect> write_once(const kube::Client& client, const traffic::Router& router,
                          const traffic::Target& target, const policy::rollout::SetWeight& action) {
    const auto documents = TRY(fetch(client, router, target));
    if (action.from) {
        const auto in_force = router.read(documents, target);
        if (in_force.ok() && *in_force != action.from) return Effect::Stale;
    }
    const auto writes = TRY(router.write(documents, target, static_cast<int>(action.weight),
                                         static_cast<int>(action.max_weight)));
    for (const auto& write : writes) TRY(apply(client, write));
    return writes.empty() ? Effect::Done : Effect::Changed;
}

}  // namespace

Result<Effect> set_weight(const kube::Client& client, const crds::Rollout& rollout,
                          const policy::rollout::SetWeight& action) {
    traffic::Target target = target_of(rollout);
    target.canary_hash = action.canary_subset_hash;
    target.stable_hash = action.stable_subset_hash;
    for (const auto& router : routers_of(rollout)) {
        if (router->name() != action.router) continue;
        const auto attempt = concat("set weight ", action.weight, " through ", action.router);
        Result<Effect> effect = Effect::Stale;
        for (int i = 0; i < tries; ++i) {
            effect = write_once(client, *router, target, action).while_doing(attempt);
            if (effect.ok() || !somebody_wrote_between(effect.error())) return effect;
        }
        return effect;
    }
    return Effect::Stale;
}

}  // namespace sluice::shell
