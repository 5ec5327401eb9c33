// SPDX-License-Identifier: Apache-2.0
// The object side of a bare repository, by libgit2: trees, blobs and commits, no work tree, no
// network. A blob that a blobless fetch left out is NotFound here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "platform/git/repository.hpp"

struct git_repository;
struct git_tree;

namespace sluice::git {

// One thread at a time.
class Objects {
public:
    // Makes the bare repository where it is missing.
    static Result<Objects> open(const std::string& directory);

    [[nodiscard]] Result<std::vector<TreeFile>> files(const Oid& commit,
                                                      const std::vector<std::string>& paths) const;
    [[nodiscard]] Result<std::optional<Oid>> blob_at(const Oid& commit,
                                                     std::string_view path) const;
    [[nodiscard]] bool has(const Oid& object) const;
    [[nodiscard]] Result<std::string> read(const Oid& blob, size_t limit) const;
    [[nodiscard]] Result<CommitInfo> commit_info(const Oid& commit) const;
    [[nodiscard]] Result<CommitInfo> last_change(const Oid& commit, std::string_view path,
                                                 int depth) const;
    [[nodiscard]] Result<Oid> commit(const std::optional<Oid>& parent,
                                     const std::vector<TreeChange>& changes,
                                     const Signature& author, std::string_view message) const;
    [[nodiscard]] Result<bool> descends(const Oid& commit, const Oid& ancestor) const;
    [[nodiscard]] std::optional<Oid> ref(const std::string& name) const;
    // Best effort: whoever reads refs asks the remote first.
    void set_ref(const std::string& name, const Oid& target) const;

private:
    struct Close {
        void operator()(git_repository* repository) const;
    };
    explicit Objects(git_repository* repository) : repository_(repository) {}

    std::unique_ptr<git_repository, Close> repository_;
};

}  // namespace sluice::git
