// SPDX-License-Identifier: Apache-2.0
// GitSource (sluice.dev/v1alpha1): a repository, branch and paths that declare objects, how they
// are applied, and how outcomes are written back (DESIGN D1; gitops.md 5.2).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/field.hpp"
#include "base/json.hpp"
#include "base/time.hpp"

namespace sluice::crds {

// Apply: we apply what the branch declares. Observe: another tool does; we only watch and write
// back.
enum class GitSourceMode { Apply, Observe };
std::string_view to_text(GitSourceMode mode);

// ScopedRevert: the Rollout's file gets its last promoted content back. RecordOnly: no change of
// intent.
enum class RollbackMode { ScopedRevert, RecordOnly };
std::string_view to_text(RollbackMode mode);

struct WriteBack {
    std::string record_branch = "sluice-records";
    bool record_steps = true;
    bool record_outcomes = true;
    RollbackMode rollback = RollbackMode::ScopedRevert;
    std::string author_name = "sluice";
    std::string author_email = "sluice@localhost";
    bool operator==(const WriteBack&) const = default;
};

struct GitSourceSpec {
    std::string url;
    std::string branch = "main";
    std::vector<std::string> paths;                // files or folders; empty: the whole tree
    Duration interval = std::chrono::seconds{60};  // 1 s to 24 h
    Duration timeout = std::chrono::seconds{60};   // of one network call; 1 s to 10 min
    GitSourceMode mode = GitSourceMode::Apply;
    bool suspend = false;
    std::optional<WriteBack> write_back;
    std::string secret;          // name of a Secret with username and password; "" for none
    std::string webhook_secret;  // name of a Secret with token; "" for none
    bool operator==(const GitSourceSpec&) const = default;
};

// An object that this source has applied (mode Observe: found declared), and where it is declared.
struct InventoryEntry {
    std::string group;
    std::string version;
    std::string kind;
    std::string ns;  // empty for a cluster-scoped kind
    std::string name;
    std::string path;
    std::string digest;  // of a Rollout: template_digest of what was applied
    std::string commit;  // the newest that changed `path`
    std::string author;
    std::string subject;
    bool operator==(const InventoryEntry&) const = default;
};

struct ManifestProblem {
    std::string file;
    int line = 0;  // 0 where unknown
    int column = 0;
    std::string path;     // in the document: "spec.steps[1]"
    std::string message;  // "file:line:column: path: what" in one line
    bool operator==(const ManifestProblem&) const = default;
};

struct GitSourceCondition {
    std::string type;    // Ready, Reconciling, Stalled, FetchFailed, Quarantined
    std::string status;  // "True", "False"
    std::string reason;
    std::string message;
    TimePoint since;
    bool operator==(const GitSourceCondition&) const = default;
};

struct GitSourceStatus {
    long observed_generation = 0;
    std::string remote_commit;     // the branch's tip as last seen
    std::string attempted_commit;  // the last one that was applied as far as it could be
    std::string applied_commit;    // the last one that was applied without a problem
    std::optional<TimePoint> applied_at;
    std::string handled_reconcile_at;  // the annotation sluice.dev/reconcile-at that was acted on
    long failures = 0;                 // fetches in a row
    std::vector<InventoryEntry> inventory;
    std::vector<ManifestProblem> problems;
    std::vector<GitSourceCondition> conditions;
    bool operator==(const GitSourceStatus&) const = default;
};

struct GitSource {
    std::string ns;
    std::string name;
    std::string uid;
    std::string resource_version;
    long generation = 0;
    std::string reconcile_at;  // the annotation sluice.dev/reconcile-at
    GitSourceSpec spec;
    GitSourceStatus status;
    bool operator==(const GitSource&) const = default;
};

// Never fails: what is wrong is added to `problems`, unknown fields of the spec included, and what
// could be read stands.
GitSource decode_git_source(const Json& document, std::vector<Problem>& problems);
// Asks `root`, which describes, for what the decoder reads (crds/definitions.hpp).
void describe_git_source(const Field& root);
Json encode_git_source_status(const GitSourceStatus& status);

// Sets a condition; `since` moves only where its status changes.
void set_condition(std::vector<GitSourceCondition>& conditions, GitSourceCondition fresh);
void remove_condition(std::vector<GitSourceCondition>& conditions, std::string_view type);
const GitSourceCondition* find_condition(const std::vector<GitSourceCondition>& conditions,
                                         std::string_view type);

}  // namespace sluice::crds
