// SPDX-License-Identifier: Apache-2.0
// A commit's files as declared objects, with the last good version of what is broken.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "controller/policy/source/manifest.hpp"
#include "crds/git_source.hpp"
#include "platform/git/repository.hpp"

namespace sluice::shell {

struct BranchReading {
    std::string commit;
    std::vector<policy::source::FileReading> files;
    std::vector<policy::source::Manifest> manifests;  // of good files
    // What broken files declared when they were good, as the inventory remembers it.
    std::vector<policy::source::Manifest> last_good;
    std::map<std::string, git::CommitInfo> changes;  // path of a good file to its newest change
};

inline constexpr size_t max_manifest_files = 2000;
inline constexpr size_t max_manifest_bytes = 1U << 20U;

// Invalid: more than max_manifest_files. Network errors where blobs could not be brought here.
Result<BranchReading> read_branch(git::Repository& repository, const crds::GitSource& source,
                                  const git::Oid& commit,
                                  const std::vector<policy::source::ManifestDecoder>& decoders);

// What every problem of the files says, in their order.
std::vector<crds::ManifestProblem> problems_of(const BranchReading& reading);

}  // namespace sluice::shell
