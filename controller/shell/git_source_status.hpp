// SPDX-License-Identifier: Apache-2.0
// What a look at a branch says in the GitSource's status. Pure; the conditions follow kstatus
// (Ready, Reconciling, Stalled), so that kubectl wait, Argo CD and Flux understand them.
#pragma once

#include <string>

#include "controller/shell/git_source_apply.hpp"
#include "crds/git_source.hpp"

namespace sluice::shell {

// The spec cannot be used as it stands: nothing happens until it changes.
void say_invalid(crds::GitSourceStatus& status, std::string message, TimePoint now);
// The branch could not be brought here; `next` is when it is tried again.
void say_fetch_failed(crds::GitSourceStatus& status, const Error& error, Duration next,
                      TimePoint now);
// The branch is not there.
void say_no_branch(crds::GitSourceStatus& status, const crds::GitSource& source, TimePoint now);
// The branch no longer holds the commit that it held when it was last looked at: somebody has
// rewritten it. Stands until the next ordinary push.
void say_rewritten(crds::GitSourceStatus& status, const crds::GitSource& source,
                   const std::string& before, const std::string& now_at, TimePoint now);
void say_not_rewritten(crds::GitSourceStatus& status);
void say_applying(crds::GitSourceStatus& status, const std::string& commit, TimePoint now);
// What became of a commit. `problems` are those of its files.
void say_outcome(crds::GitSourceStatus& status, const crds::GitSource& source,
                 const std::string& commit, const ApplyOutcome& outcome,
                 std::vector<crds::ManifestProblem> problems, TimePoint now);

// After that many failures in a row: doubling from a second, at most `interval`.
Duration fetch_backoff(long failures, Duration interval);

}  // namespace sluice::shell
