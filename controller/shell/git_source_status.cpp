// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/git_source_status.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace sluice::shell {
namespace git_source_status_detail {
namespace {

constexpr size_t most_problems = 50;

void set(crds::GitSourceStatus& status, std::string type, bool holds, std::string reason,
         std::string message, TimePoint now) {
    // As it crosses the API, so that what is read back is equal.
    now = std::chrono::floor<std::chrono::seconds>(now);
    crds::set_condition(status.conditions, {std::move(type), holds ? "True" : "False",
                                            std::move(reason), message.substr(0, 2000), now});
}

void remove(crds::GitSourceStatus& status, std::string_view type) {
    crds::remove_condition(status.conditions, type);
}

std::string first_of(const std::vector<crds::ManifestProblem>& problems) {
    std::string text = problems.front().message;
    if (problems.size() > 1) text += concat(" (and ", problems.size() - 1, " more: see problems)");
    return text;
}

}  // namespace
}  // namespace git_source_status_detail

using namespace git_source_status_detail;

void say_invalid(crds::GitSourceStatus& status, std::string message, TimePoint now) {
    set(status, "Ready", false, "InvalidSpec", message, now);
    set(status, "Stalled", true, "InvalidSpec", std::move(message), now);
    remove(status, "Reconciling");
}

void say_fetch_failed(crds::GitSourceStatus& status, const Error& error, Duration next,
                      TimePoint now) {
    ++status.failures;
    const auto* old = crds::find_condition(status.conditions, "FetchFailed");
    const TimePoint since = old && old->status == "True" ? old->since : now;
    const std::string message = concat(
        error.message, "; failing since ", format_rfc3339(since), ", ", status.failures,
        " times; next try at ", format_rfc3339(now + next), "; what was applied stays in force");
    set(status, "FetchFailed", true, std::string(to_text(error.kind)), message, now);
    set(status, "Ready", false, "FetchFailed", message, now);
    remove(status, "Reconciling");
    remove(status, "Stalled");
}

void say_no_branch(crds::GitSourceStatus& status, const crds::GitSource& source, TimePoint now) {
    status.failures = 0;
    remove(status, "FetchFailed");
    remove(status, "Reconciling");
    remove(status, "Stalled");
    set(status, "Ready", false, "BranchMissing",
        concat("branch ", source.spec.branch, " does not exist in ", source.spec.url,
               "; what was applied stays in force until it does",
               status.remote_commit.empty()
                   ? ""
                   : concat("; to bring it back: git push ", source.spec.url, " ",
                            status.remote_commit, ":refs/heads/", source.spec.branch)),
        now);
}

void say_rewritten(crds::GitSourceStatus& status, const crds::GitSource& source,
                   const std::string& before, const std::string& now_at, TimePoint now) {
    set(status, "HistoryRewritten", true, "ForcePushed",
        concat("branch ", source.spec.branch, " was force-pushed from ", before.substr(0, 10),
               " to ", now_at.substr(0, 10), ", which does not contain it; what ",
               now_at.substr(0, 10), " declares is applied; to go back: git push --force ",
               source.spec.url, " ", before, ":refs/heads/", source.spec.branch),
        now);
}

void say_not_rewritten(crds::GitSourceStatus& status) {
    remove(status, "HistoryRewritten");
}

void say_applying(crds::GitSourceStatus& status, const std::string& commit, TimePoint now) {
    set(status, "Reconciling", true, "Applying", concat("applying commit ", commit), now);
}

void say_outcome(crds::GitSourceStatus& status, const crds::GitSource& source,
                 const std::string& commit, const ApplyOutcome& outcome,
                 std::vector<crds::ManifestProblem> problems, TimePoint now) {
    status.failures = 0;
    status.remote_commit = commit;
    status.attempted_commit = commit;
    status.inventory = outcome.inventory;
    for (const char* type : {"FetchFailed", "Reconciling", "Stalled"}) remove(status, type);
    const bool manifests_good = problems.empty();
    problems.insert(problems.end(), outcome.problems.begin(), outcome.problems.end());
    const std::string at = concat(source.spec.branch, "@", commit.substr(0, 10));
    if (problems.empty()) {
        const bool applies = source.spec.mode == crds::GitSourceMode::Apply;
        if (status.applied_commit != commit)
            status.applied_at = std::chrono::floor<std::chrono::seconds>(now);
        status.applied_commit = commit;
        std::string message = concat(applies ? "applied " : "observed ", at, ": ",
                                     outcome.inventory.size(), " objects");
        if (!outcome.prune_held.empty()) message += concat("; ", outcome.prune_held);
        set(status, "Ready", true, applies ? "Applied" : "Observed", std::move(message), now);
    } else {
        std::string message = concat(at, ": ", first_of(problems));
        if (!outcome.prune_held.empty()) message += concat("; ", outcome.prune_held);
        set(status, "Ready", false, manifests_good ? "ApplyFailed" : "InvalidManifest",
            std::move(message), now);
    }
    if (problems.size() > most_problems) problems.resize(most_problems);
    status.problems = std::move(problems);
    if (outcome.quarantined.empty())
        remove(status, "Quarantined");
    else
        set(status, "Quarantined", true, "RolledBack", join(outcome.quarantined, "; "), now);
}

Duration fetch_backoff(long failures, Duration interval) {
    const auto doubled = std::chrono::seconds{1} * (1L << std::clamp(failures - 1, 0L, 12L));
    return std::min<Duration>(doubled, interval);
}

}  // namespace sluice::shell
