// SPDX-License-Identifier: Apache-2.0
// One bare repository on disk, shared by the git program (network: fetch, push) and libgit2
// (objects: read trees, write commits without a work tree). DESIGN D5; the facts are in
// gitops.md 4.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace sluice::git {

// 40 lower-case hex digits, by construction: refspecs are built from these, never from free text.
class Oid {
public:
    static Result<Oid> parse(std::string_view text);
    [[nodiscard]] const std::string& text() const { return text_; }
    auto operator<=>(const Oid&) const = default;

private:
    explicit Oid(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

struct TreeFile {
    std::string path;  // from the root, "/" between parts
    Oid blob;
};

struct CommitInfo {
    Oid id;
    std::optional<Oid> first_parent;
    std::string author;   // "Name <email>"
    std::string subject;  // first line
    std::string message;  // whole
    TimePoint time;       // committer's
};

// A path gets new content, the content of a blob that is already in the repository, or vanishes.
struct TreeChange {
    std::string path;
    std::optional<std::string> content;
    std::optional<Oid> blob;
};

struct Signature {
    std::string name;
    std::string email;
    TimePoint when;
};

// One ref to move, as a compare-and-swap: `expected` is its tip now, nothing where it must not
// exist.
struct RefUpdate {
    std::string branch;  // "main", without refs/heads/
    std::optional<Oid> expected;
    Oid target;
};

enum class PushOutcome {
    Accepted,
    Stale,    // another push was first: fetch, probe, build anew
    Refused,  // a hook or a protection rule: another way is needed
};
struct PushAnswer {
    PushOutcome outcome;
    std::string message;  // the server's words where refused
};

struct Credentials {
    std::string username;
    std::string password;  // or token; never in arguments, logs or URLs
};

struct RepositoryOptions {
    std::string directory;  // of the bare repository; made where missing
    // https://, ssh:// (the user's own keys), http:// without credentials or on a loopback address.
    // file:// is refused: pushes over it are not race safe (gitops.md 4.3).
    std::string url;
    std::optional<Credentials> credentials;
    std::string git_program = "git";
    Duration network_deadline = std::chrono::seconds{60};
    // Asked for: running programs are killed and calls return Unavailable, so that we can end at
    // once.
    std::stop_token stop = {};
};

// Errors: Unavailable and Timeout from the network (retry), Denied for bad credentials, NotFound
// for a missing branch, path or object, Invalid for a bad URL or path. Threads: one at a time for
// each Repository; several Repositories may share a directory.
class Repository {
public:
    virtual ~Repository() = default;

    // The remote's tip of a branch, without fetching; nothing where the branch does not exist.
    virtual Result<std::optional<Oid>> remote_tip(std::string_view branch) = 0;
    // Brings the branch here and returns its tip; nothing where the branch does not exist.
    virtual Result<std::optional<Oid>> fetch(std::string_view branch) = 0;

    // Files below any of `paths` ("" is everything), sorted by path. Links and submodules are left
    // out.
    virtual Result<std::vector<TreeFile>> files(const Oid& commit,
                                                const std::vector<std::string>& paths) = 0;
    // The blob at a path; nothing where there is none.
    virtual Result<std::optional<Oid>> blob_at(const Oid& commit, std::string_view path) = 0;
    // A blob's bytes, fetched from the remote where they are missing here. Invalid over `limit`
    // bytes.
    virtual Result<std::string> read(const Oid& blob, size_t limit = 1 << 20) = 0;
    virtual Result<CommitInfo> commit_info(const Oid& commit) = 0;
    // The newest commit in the first-parent history of `commit` that changed `path`, at most
    // `depth` back; NotFound where none of these did.
    virtual Result<CommitInfo> last_change(const Oid& commit, std::string_view path,
                                           int depth = 1000) = 0;

    // Whether `commit` is in the history of `tip`, itself included. False where it is not here: a
    // branch is fetched with all of its history.
    virtual Result<bool> contains(const Oid& tip, const Oid& commit) = 0;
    // The branch's tip as it was fetched last, by whoever shares the directory; nothing where it
    // never was.
    virtual std::optional<Oid> last_fetched(std::string_view branch) = 0;

    // A commit on `parent` (nothing: an orphan) with those changes; the id is the same for the same
    // input.
    virtual Result<Oid> commit(const std::optional<Oid>& parent,
                               const std::vector<TreeChange>& changes, const Signature& author,
                               std::string_view message) = 0;
    // All or none of the refs move (one --atomic push with a lease on each). Invalid where a target
    // does not descend from the expected tip. After a failed or cut push the refs are asked for,
    // and they decide: Accepted although the answer was lost, Stale where one moved.
    virtual Result<PushAnswer> push(const std::vector<RefUpdate>& updates) = 0;
};

Result<std::unique_ptr<Repository>> open_repository(RepositoryOptions options, Log& log);

}  // namespace sluice::git
