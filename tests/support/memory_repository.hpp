// SPDX-License-Identifier: Apache-2.0
// A Git remote as a value: branches, commits and blobs in memory, pushes by compare-and-swap. Tests
// script its bad days (the next pushes are refused, cut off, or lose a race) and look at it
// directly.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "platform/git/repository.hpp"

namespace sluice::test {

struct MemoryCommit {
    std::optional<git::Oid> parent;
    std::map<std::string, git::Oid> tree;  // path to blob
    git::Signature author;
    std::string message;
};

// Shared by every MemoryRepository that is opened on it. Any thread.
class MemoryRemote {
public:
    // What happens to the next push instead of the ordinary; `before` runs first (another's push).
    struct PushFault {
        enum class Kind { None, Refuse, Unavailable, LoseAnswer } kind = Kind::None;
        std::function<void(MemoryRemote&)> before = {};
        std::string message = {};
        std::string only_branch = {};  // Refuse: only pushes that move this one
    };
    std::deque<PushFault> push_faults;
    bool away = false;  // nothing is answered
    int pushes = 0;     // accepted ones

    git::Oid put(const std::string& content) {
        const std::lock_guard lock(mutex_);
        return put_locked(content);
    }
    git::Oid commit(const std::optional<git::Oid>& parent,
                    const std::vector<git::TreeChange>& changes, const git::Signature& author,
                    std::string_view message) {
        const std::lock_guard lock(mutex_);
        MemoryCommit made{
            .parent = parent, .tree = {}, .author = author, .message = std::string(message)};
        if (parent) made.tree = commits_.at(parent->text()).tree;
        std::string key = concat(parent ? parent->text() : "", "|", author.name, "|",
                                 format_rfc3339_micro(author.when), "|", message);
        for (const auto& change : changes) {
            made.tree.erase(change.path);
            if (change.content)
                made.tree.emplace(change.path, put_locked(*change.content));
            else if (change.blob)
                made.tree.emplace(change.path, *change.blob);
        }
        for (const auto& [path, blob] : made.tree) key += concat("|", path, "=", blob.text());
        const auto id = oid(key);
        commits_.insert_or_assign(id.text(), std::move(made));
        return id;
    }
    // A person's commit, pushed at once.
    git::Oid edit(const std::string& branch, const std::vector<git::TreeChange>& changes,
                  const std::string& message) {
        const auto id =
            commit(tip(branch), changes, {"Ann", "ann@example.com", TimePoint{}}, message);
        const std::lock_guard lock(mutex_);
        branches_.insert_or_assign(branch, id);
        return id;
    }
    std::optional<git::Oid> tip(const std::string& branch) const {
        const std::lock_guard lock(mutex_);
        const auto found = branches_.find(branch);
        return found == branches_.end() ? std::nullopt : std::optional(found->second);
    }
    // "" where there is none.
    std::string file(const std::string& branch, const std::string& path) const {
        const auto at = tip(branch);
        const std::lock_guard lock(mutex_);
        if (!at) return {};
        const auto& tree = commits_.at(at->text()).tree;
        const auto found = tree.find(path);
        return found == tree.end() ? "" : blobs_.at(found->second.text());
    }
    std::vector<std::string> paths(const std::string& branch) const {
        const auto at = tip(branch);
        const std::lock_guard lock(mutex_);
        std::vector<std::string> all;
        if (at)
            for (const auto& [path, blob] : commits_.at(at->text()).tree) all.push_back(path);
        return all;
    }
    // Messages, newest first.
    std::vector<std::string> messages(const std::string& branch) const {
        auto at = tip(branch);
        const std::lock_guard lock(mutex_);
        std::vector<std::string> all;
        while (at) {
            const auto& one = commits_.at(at->text());
            all.push_back(one.message);
            at = one.parent;
        }
        return all;
    }
    std::vector<std::string> subjects(const std::string& branch) const {
        auto all = messages(branch);
        for (auto& message : all) message = message.substr(0, message.find('\n'));
        return all;
    }

private:
    friend class MemoryRepository;

    static git::Oid oid(const std::string& key) {
        return git::Oid::parse(sha256_hex(key).substr(0, 40)).value();
    }
    git::Oid put_locked(const std::string& content) {
        const auto id = oid("blob|" + content);
        blobs_[id.text()] = content;
        return id;
    }
    bool has_tips(const std::vector<git::RefUpdate>& updates) const {
        for (const auto& update : updates) {
            const auto found = branches_.find(update.branch);
            const bool there = found != branches_.end();
            if (there != update.expected.has_value() ||
                (there && found->second != *update.expected))
                return false;
        }
        return true;
    }

    mutable std::mutex mutex_;
    std::map<std::string, std::string> blobs_;
    std::map<std::string, MemoryCommit> commits_;
    std::map<std::string, git::Oid> branches_;
};

class MemoryRepository final : public git::Repository {
public:
    explicit MemoryRepository(MemoryRemote& remote) : remote_(remote) {}

    Result<std::optional<git::Oid>> remote_tip(std::string_view branch) override {
        return fetch(branch);
    }
    Result<std::optional<git::Oid>> fetch(std::string_view branch) override {
        if (remote_.away) return unavailable("fetch: the remote does not answer");
        return remote_.tip(std::string(branch));
    }
    Result<std::vector<git::TreeFile>> files(const git::Oid& commit,
                                             const std::vector<std::string>& paths) override {
        const std::lock_guard lock(remote_.mutex_);
        std::vector<git::TreeFile> found;
        for (const auto& [path, blob] : remote_.commits_.at(commit.text()).tree)
            for (const auto& below : paths)
                if (below.empty() || path == below || path.starts_with(below + "/"))
                    found.push_back({path, blob});
        return found;
    }
    Result<std::optional<git::Oid>> blob_at(const git::Oid& commit,
                                            std::string_view path) override {
        const std::lock_guard lock(remote_.mutex_);
        const auto found = remote_.commits_.find(commit.text());
        if (found == remote_.commits_.end()) return not_found("no such commit");
        const auto blob = found->second.tree.find(std::string(path));
        if (blob == found->second.tree.end()) return std::optional<git::Oid>{};
        return std::optional(blob->second);
    }
    Result<std::string> read(const git::Oid& blob, size_t) override {
        const std::lock_guard lock(remote_.mutex_);
        const auto found = remote_.blobs_.find(blob.text());
        if (found == remote_.blobs_.end()) return not_found("no such blob");
        return found->second;
    }
    Result<git::CommitInfo> commit_info(const git::Oid& commit) override {
        const std::lock_guard lock(remote_.mutex_);
        return info(commit);
    }
    Result<git::CommitInfo> last_change(const git::Oid& commit, std::string_view path,
                                        int depth) override {
        const std::lock_guard lock(remote_.mutex_);
        std::optional<git::Oid> at = commit;
        for (int i = 0; at && i < depth; ++i) {
            const auto& one = remote_.commits_.at(at->text());
            if (blob_in(one, path) !=
                (one.parent ? blob_in(remote_.commits_.at(one.parent->text()), path) : ""))
                return info(*at);
            at = one.parent;
        }
        return not_found("no change of that path");
    }
    Result<bool> contains(const git::Oid& tip, const git::Oid& commit) override {
        const std::lock_guard lock(remote_.mutex_);
        for (std::optional<git::Oid> at = tip; at; at = remote_.commits_.at(at->text()).parent)
            if (*at == commit) return true;
        return false;
    }
    std::optional<git::Oid> last_fetched(std::string_view) override { return std::nullopt; }
    Result<git::Oid> commit(const std::optional<git::Oid>& parent,
                            const std::vector<git::TreeChange>& changes,
                            const git::Signature& author, std::string_view message) override {
        return remote_.commit(parent, changes, author, message);
    }
    Result<git::PushAnswer> push(const std::vector<git::RefUpdate>& updates) override {
        using Kind = MemoryRemote::PushFault::Kind;
        if (remote_.away) return unavailable("push: the remote does not answer");
        MemoryRemote::PushFault fault;
        if (!remote_.push_faults.empty()) {
            fault = remote_.push_faults.front();
            remote_.push_faults.pop_front();
        }
        if (fault.before) fault.before(remote_);
        const std::lock_guard lock(remote_.mutex_);
        const bool concerned = fault.only_branch.empty() ||
                               std::any_of(updates.begin(), updates.end(), [&](const auto& update) {
                                   return update.branch == fault.only_branch;
                               });
        if (fault.kind == Kind::Refuse && concerned)
            return git::PushAnswer{git::PushOutcome::Refused, fault.message};
        if (fault.kind == Kind::Unavailable) return unavailable("push: connection reset");
        if (!remote_.has_tips(updates))
            return git::PushAnswer{git::PushOutcome::Stale, "fetch first"};
        for (const auto& update : updates)
            remote_.branches_.insert_or_assign(update.branch, update.target);
        ++remote_.pushes;
        if (fault.kind == Kind::LoseAnswer) return Error{ErrorKind::Timeout, "push: no answer"};
        return git::PushAnswer{git::PushOutcome::Accepted, ""};
    }

private:
    static std::string blob_in(const MemoryCommit& commit, std::string_view path) {
        const auto found = commit.tree.find(std::string(path));
        return found == commit.tree.end() ? "" : found->second.text();
    }
    Result<git::CommitInfo> info(const git::Oid& id) {
        const auto found = remote_.commits_.find(id.text());
        if (found == remote_.commits_.end()) return not_found("no such commit");
        const auto& one = found->second;
        return git::CommitInfo{.id = id,
                               .first_parent = one.parent,
                               .author = concat(one.author.name, " <", one.author.email, ">"),
                               .subject = one.message.substr(0, one.message.find('\n')),
                               .message = one.message,
                               .time = one.author.when};
    }

    MemoryRemote& remote_;
};

}  // namespace sluice::test
