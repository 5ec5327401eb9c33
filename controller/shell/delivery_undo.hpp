// SPDX-License-Identifier: Apache-2.0
// `sluice undo` of a Rollout that is declared in Git: a commit on its source branch that restores
// the file of an earlier promoted Delivery. The GitSource then applies it like any other change.
#pragma once

#include <string>

#include "base/result.hpp"
#include "controller/policy/delivery/views.hpp"
#include "crds/delivery.hpp"
#include "platform/git/repository.hpp"

namespace sluice::shell {

struct GitUndo {
    crds::Delivery to;       // from policy::delivery::plan_undo
    std::string from_image;  // what is declared now
    std::string cluster = "local";
    std::string asked_by;  // for a trailer; may be empty
};

// The new commit's id. Invalid where the branch holds that file already or has no such file;
// Conflict where others kept pushing; Denied with the server's words where it refused; else as the
// repository.
Result<std::string> undo_in_git(git::Repository& repository,
                                const policy::delivery::SourceView& target, const GitUndo& undo,
                                TimePoint now);

}  // namespace sluice::shell
