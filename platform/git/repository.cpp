// SPDX-License-Identifier: Apache-2.0
#include "platform/git/repository.hpp"

#include <algorithm>
#include <filesystem>

#include "base/text.hpp"
#include "platform/file.hpp"
#include "platform/git/network.hpp"
#include "platform/git/objects.hpp"
#include "platform/git/remote_text.hpp"

namespace sluice::git {
namespace repository_detail {
namespace {

// A full disk is named with the folder and with what to do.
template <class T>
Result<T> told_of(Result<T> outcome, const std::string& directory) {
    if (!outcome.failed_with(ErrorKind::NoSpace)) return outcome;
    Error error = std::move(outcome).error();
    error.message += no_space_advice(directory);
    return error;
}

class BareRepository final : public Repository {
public:
    BareRepository(Objects objects, Network network, std::string directory, Log& log)
        : objects_(std::move(objects)),
          network_(std::move(network)),
          directory_(std::move(directory)),
          log_(log) {}

    Result<std::optional<Oid>> remote_tip(std::string_view branch) override {
        return network_.tip(branch);
    }

    Result<std::optional<Oid>> fetch(std::string_view branch) override {
        const auto tip = TRY(network_.tip(branch));
        if (!tip) return tip;
        const std::string ref = concat("refs/remotes/origin/", branch);
        if (objects_.ref(ref) == tip) return tip;
        TRY(network_.fetch(branch));
        // The branch may have moved since the look: what was fetched is what we have.
        return objects_.ref(ref);
    }

    Result<std::vector<TreeFile>> files(const Oid& commit,
                                        const std::vector<std::string>& paths) override {
        auto files = TRY(objects_.files(commit, paths));
        listed_.clear();
        for (const auto& file : files) listed_.push_back(file.blob);
        return files;
    }

    Result<std::optional<Oid>> blob_at(const Oid& commit, std::string_view path) override {
        return objects_.blob_at(commit, path);
    }

    Result<std::string> read(const Oid& blob, size_t limit) override {
        if (!objects_.has(blob)) TRY(bring(blob));
        return objects_.read(blob, limit);
    }

    Result<CommitInfo> commit_info(const Oid& commit) override {
        return objects_.commit_info(commit);
    }

    Result<CommitInfo> last_change(const Oid& commit, std::string_view path, int depth) override {
        return objects_.last_change(commit, path, depth);
    }

    Result<bool> contains(const Oid& tip, const Oid& commit) override {
        if (!objects_.has(commit)) return false;
        return objects_.descends(tip, commit);
    }

    std::optional<Oid> last_fetched(std::string_view branch) override {
        return objects_.ref(concat("refs/remotes/origin/", branch));
    }

    Result<Oid> commit(const std::optional<Oid>& parent, const std::vector<TreeChange>& changes,
                       const Signature& author, std::string_view message) override {
        for (const auto& change : changes)
            if (!change.content && change.blob && !objects_.has(*change.blob))
                TRY(bring(*change.blob));
        return told_of(objects_.commit(parent, changes, author, message), directory_);
    }

    Result<PushAnswer> push(const std::vector<RefUpdate>& updates) override;

private:
    // Whoever lists files reads them: what is missing of the last list comes in one fetch.
    Result<void> bring(const Oid& blob) {
        std::vector<Oid> missing{blob};
        if (std::find(listed_.begin(), listed_.end(), blob) != listed_.end())
            for (const auto& other : listed_)
                if (other != blob && missing.size() < 2000 && !objects_.has(other))
                    missing.push_back(other);
        return network_.fetch_objects(missing);
    }

    Result<PushAnswer> push_and_ask(const std::vector<RefUpdate>& updates);
    Result<PushAnswer> ask_the_refs(const std::vector<RefUpdate>& updates,
                                    const std::vector<RefReport>& reports,
                                    std::string_view standard_error, Error failure);

    Objects objects_;
    Network network_;
    std::string directory_;
    Log& log_;
    std::vector<Oid> listed_;
};

Result<PushAnswer> BareRepository::push(const std::vector<RefUpdate>& updates) {
    if (updates.empty()) return internal("git push: nothing to push");
    for (const auto& update : updates)
        if (update.expected && !TRY(objects_.descends(update.target, *update.expected)))
            return invalid(concat("git push ", update.branch, ": ", update.target.text(),
                                  " does not descend from ", update.expected->text()));
    auto answer = push_and_ask(updates);
    // What we pushed is what the branch was last seen at.
    if (answer.ok() && answer->outcome == PushOutcome::Accepted)
        for (const auto& update : updates)
            objects_.set_ref(concat("refs/remotes/origin/", update.branch), update.target);
    return answer;
}

Result<PushAnswer> BareRepository::push_and_ask(const std::vector<RefUpdate>& updates) {
    auto answer = network_.push(updates);
    if (!answer.ok()) {
        // Killed on its deadline or on our way out: in the first case the refs can be asked.
        if (!answer.failed_with(ErrorKind::Timeout)) return std::move(answer).error();
        return ask_the_refs(updates, {}, "", std::move(answer).error());
    }
    const auto reports = parse_push_report(answer->out);
    const bool all_moved =
        reports.size() == updates.size() &&
        std::all_of(reports.begin(), reports.end(), [](const auto& r) { return r.flag != '!'; });
    if (answer->exit_code == 0 && all_moved) return PushAnswer{PushOutcome::Accepted, ""};
    log_.debug(
        "git push was not accepted",
        {{"exit", answer->exit_code}, {"stderr", std::string_view(answer->err).substr(0, 500)}});
    return ask_the_refs(updates, reports, answer->err,
                        network_error(answer->err, answer->exit_code).while_doing("git push"));
}

// No wording is trusted to say that a ref did not move (gitops.md 3.2): the refs themselves decide.
Result<PushAnswer> BareRepository::ask_the_refs(const std::vector<RefUpdate>& updates,
                                                const std::vector<RefReport>& reports,
                                                std::string_view standard_error, Error failure) {
    size_t landed = 0;
    for (const auto& update : updates) {
        auto tip = network_.tip(update.branch);
        if (!tip.ok()) return failure;
        if (*tip == update.target)
            ++landed;
        else if (*tip != update.expected)
            return PushAnswer{PushOutcome::Stale, concat("branch ", update.branch, " moved on")};
    }
    if (landed == updates.size()) return PushAnswer{PushOutcome::Accepted, ""};
    std::string refusal;
    bool stale = false;
    for (const auto& report : reports) {
        if (report.flag != '!') continue;
        if (means_stale(report.summary))
            stale = true;
        else
            refusal = concat(report.ref, " ", report.summary);
    }
    if (!refusal.empty()) {
        const std::string words = remote_words(standard_error);
        return PushAnswer{PushOutcome::Refused,
                          words.empty() ? refusal : concat(refusal, ": ", words)};
    }
    if (stale) return PushAnswer{PushOutcome::Stale, "another push was first"};
    return failure;
}

}  // namespace
}  // namespace repository_detail

Result<std::unique_ptr<Repository>> open_repository(RepositoryOptions options, Log& log) {
    std::error_code error;
    std::filesystem::create_directories(options.directory, error);
    if (error) {
        const bool no_space = means_no_space(error.value());
        return Error{no_space ? ErrorKind::NoSpace : ErrorKind::Unavailable,
                     concat("make git folder ", options.directory, ": ", error.message(),
                            no_space ? no_space_advice(options.directory) : "")};
    }
    std::filesystem::permissions(options.directory, std::filesystem::perms::owner_all, error);
    const std::string directory = options.directory;
    auto network = TRY(Network::open(std::move(options)));
    auto objects = repository_detail::told_of(Objects::open(directory), directory);
    if (!objects.ok()) return std::move(objects).error();
    return std::unique_ptr<Repository>(std::make_unique<repository_detail::BareRepository>(
        std::move(objects).value(), std::move(network), directory, log));
}

}  // namespace sluice::git
