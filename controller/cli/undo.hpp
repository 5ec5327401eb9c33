// SPDX-License-Identifier: Apache-2.0
// `undo` of a Rollout that is declared in Git: a commit there, because anything else would be
// healed away.
#pragma once

#include <optional>
#include <string>

#include "controller/cli/context.hpp"

namespace sluice::cli {

struct GitUndone {
    std::string commit;
    std::string delivery;  // the promoted Delivery whose version stands again
    std::string branch;
};

// `source` is what the annotation holds: the GitSource as "name", or "namespace/name".
Result<GitUndone> undo_in_git(const Cluster& cluster, const Json& rollout,
                              const std::string& source, std::optional<long> revision);

}  // namespace sluice::cli
