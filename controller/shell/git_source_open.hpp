// SPDX-License-Identifier: Apache-2.0
// The repository that a GitSource names, with its credentials: for the controller that follows it,
// for whoever writes back, and for `sluice undo`.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "base/log.hpp"
#include "crds/git_source.hpp"
#include "platform/git/repository.hpp"
#include "platform/kube/client.hpp"

namespace sluice::shell {

struct GitAccess {
    std::string data_dir;  // absolute; the bare repositories lie in <data_dir>/git
    std::string git_program = "git";
    std::stop_token stop;  // ends running git programs
};

// Each caller gets a Repository of its own on the same directory.
Result<std::unique_ptr<git::Repository>> open_repository_of(const crds::GitSource& source,
                                                            const kube::Client& client,
                                                            const GitAccess& access, Log& log);

}  // namespace sluice::shell
