// SPDX-License-Identifier: Apache-2.0
// The network side of a bare repository, by the git program: one hardened process a call, each with
// a deadline (gitops.md 4.7).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "platform/git/process.hpp"
#include "platform/git/repository.hpp"

namespace sluice::git {

// One thread at a time; several of them, in several processes too, may share the directory: what
// moves refs in it takes a lock file in turn.
class Network {
public:
    // Invalid for a URL or credentials that must not be used.
    static Result<Network> open(RepositoryOptions options);

    [[nodiscard]] Result<std::optional<Oid>> tip(std::string_view branch) const;
    // Into refs/remotes/origin/<branch>.
    [[nodiscard]] Result<void> fetch(std::string_view branch) const;
    // Objects that a blobless fetch left out.
    [[nodiscard]] Result<void> fetch_objects(const std::vector<Oid>& objects) const;
    // What the program said; any exit code.
    [[nodiscard]] Result<ProgramResult> push(const std::vector<RefUpdate>& updates) const;

private:
    void repack(int lock) const;
    explicit Network(RepositoryOptions options) : options_(std::move(options)) {}
    [[nodiscard]] Error failed(const ProgramResult& answer) const;
    [[nodiscard]] Result<ProgramResult> run(std::vector<std::string> command,
                                            std::string input = {}, int lock = -1) const;

    RepositoryOptions options_;
};

}  // namespace sluice::git
