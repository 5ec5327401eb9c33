// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/delivery_undo.hpp"

#include "base/text.hpp"
#include "controller/policy/delivery/message.hpp"

namespace sluice::shell {
namespace {

constexpr int undo_tries = 5;

// One compare-and-swap. Conflict: another push was first.
Result<std::string> try_undo(git::Repository& repository,
                             const policy::delivery::SourceView& target, const GitUndo& undo,
                             const git::Oid& good, TimePoint now) {
    const auto& source = *undo.to.spec.source;
    const auto tip = TRY(repository.fetch(target.branch));
    if (!tip) return not_found(concat("branch ", target.branch, " does not exist"));
    const auto live = TRY(repository.blob_at(*tip, source.path));
    if (!live) return invalid(concat(source.path, " is not on branch ", target.branch));
    if (*live == good)
        return invalid(concat(source.path, " on branch ", target.branch, " is as of ", undo.to.name,
                              " already"));
    const policy::delivery::UndoFacts facts{.cluster = undo.cluster,
                                            .ns = undo.to.ns,
                                            .rollout = undo.to.spec.rollout,
                                            .path = source.path,
                                            .from_image = undo.from_image,
                                            .to_image = undo.to.spec.new_image,
                                            .restores = source.commit,
                                            .asked_by = undo.asked_by};
    const auto commit =
        TRY(repository.commit(tip, {{source.path, std::nullopt, good}},
                              {target.author_name, target.author_email, now}, undo_message(facts)));
    const auto answer = TRY(repository.push({{target.branch, tip, commit}}));
    if (answer.outcome == git::PushOutcome::Stale)
        return Error{ErrorKind::Conflict, "another push was first"};
    if (answer.outcome == git::PushOutcome::Refused)
        return Error{ErrorKind::Denied, concat("the server refused: ", answer.message)};
    return commit.text();
}

}  // namespace

Result<std::string> undo_in_git(git::Repository& repository,
                                const policy::delivery::SourceView& target, const GitUndo& undo,
                                TimePoint now) {
    const std::string attempt =
        concat("undo rollout ", undo.to.ns, "/", undo.to.spec.rollout, " to ", undo.to.name);
    if (!undo.to.spec.source || undo.to.spec.source->commit.empty())
        return invalid("that delivery was not declared in git").while_doing(attempt);
    const auto& source = *undo.to.spec.source;
    // The commit comes with the branch.
    TRY(repository.fetch(target.branch).while_doing(attempt));
    const auto promoted = TRY(git::Oid::parse(source.commit).while_doing(attempt));
    const auto good = TRY(repository.blob_at(promoted, source.path).while_doing(attempt));
    if (!good)
        return not_found(concat("commit ", source.commit, " has no ", source.path))
            .while_doing(attempt);
    TRY(repository.read(*good).while_doing(attempt));  // a partial clone may not have it yet
    Result<std::string> done = Error{};
    for (int i = 0; i < undo_tries; ++i) {
        done = try_undo(repository, target, undo, *good, now);
        if (!done.failed_with(ErrorKind::Conflict)) break;
    }
    return std::move(done).while_doing(attempt);
}

}  // namespace sluice::shell
