// SPDX-License-Identifier: Apache-2.0
// Makes the cluster as a branch declares it, object by object. Every step is safe to repeat.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "controller/policy/source/plan.hpp"
#include "controller/shell/git_source_kinds.hpp"
#include "controller/shell/git_source_read.hpp"
#include "crds/git_source.hpp"
#include "platform/kube/client.hpp"

namespace sluice::shell {

struct ApplyOutcome {
    std::vector<crds::InventoryEntry> inventory;
    std::vector<crds::ManifestProblem> problems;  // objects that could not be applied
    std::vector<std::string> changed;             // "rollout shop/web created"
    std::vector<std::string> pruned;
    std::vector<std::string> quarantined;  // one sentence each
    std::string prune_held;                // why nothing was pruned; empty where nothing was held
    // Set where the server could not be asked or a compare-and-swap was lost: try again soon.
    std::optional<Error> again;
};

class Applier {
public:
    // Told the inventory that will be true once the objects are applied, before any of them is, so
    // that whoever sees a new version in the cluster finds out which commit declared it, and
    // nothing that was made can be forgotten. Not called where it is what the status says already.
    using Announce = std::function<Result<void>(const std::vector<crds::InventoryEntry>&)>;

    Applier(const kube::Client& client, KindDirectory& kinds, Log& log)
        : client_(client), kinds_(kinds), log_(log) {}

    // An error only where `announce` failed.
    Result<ApplyOutcome> apply(const crds::GitSource& source, const BranchReading& reading,
                               const Announce& announce);
    // Mode Observe: the inventory of what is declared; nothing is changed.
    ApplyOutcome observe(const crds::GitSource& source, const BranchReading& reading);

private:
    struct Pass;

    const kube::Client& client_;
    KindDirectory& kinds_;
    Log& log_;
};

}  // namespace sluice::shell
