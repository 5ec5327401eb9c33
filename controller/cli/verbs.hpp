// SPDX-License-Identifier: Apache-2.0
// promote, abort, retry, pause, resume, undo, get: what people do to a Rollout.
#pragma once

#include <optional>
#include <string>

#include "controller/cli/context.hpp"

namespace sluice::cli {

// Each returns an exit code and has told the user what it did or why not.
int promote(const GlobalOptions& options, const std::string& name, bool full);
int abort_rollout(const GlobalOptions& options, const std::string& name);
int retry_rollout(const GlobalOptions& options, const std::string& name);
int pause_rollout(const GlobalOptions& options, const std::string& name);
int resume_rollout(const GlobalOptions& options, const std::string& name);
// `in` is a Go duration from now on; empty: now.
int restart_rollout(const GlobalOptions& options, const std::string& name, const std::string& in);
// `change` is CONTAINER=IMAGE. Not for a Rollout declared in Git, where it would be healed away.
int set_image(const GlobalOptions& options, const std::string& name, const std::string& change);
// To the revision given, or the one before the current. A Rollout declared in Git is undone by a
// commit there, because anything else would be healed away.
int undo(const GlobalOptions& options, const std::string& name, std::optional<long> revision);
// One Rollout, or a table of all where `name` is empty.
int get(const GlobalOptions& options, const std::string& name, bool all_namespaces);

}  // namespace sluice::cli
