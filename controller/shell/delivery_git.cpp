// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/delivery_git.hpp"

#include "base/text.hpp"
#include "controller/policy/delivery/message.hpp"
#include "controller/policy/delivery/record.hpp"
#include "controller/policy/delivery/revert.hpp"

namespace sluice::shell {
namespace {

using namespace policy::delivery;
using crds::DeliveryOpKind;
using git::Oid;

constexpr int changes_looked_back = 20;

// A branch as it was fetched, and as it will be.
struct Branch {
    std::string name;
    std::optional<Oid> fetched;
    std::optional<Oid> tip;

    [[nodiscard]] bool moved() const { return tip != fetched; }
    [[nodiscard]] std::string ref() const { return concat("refs/heads/", name); }
};

struct Writing {
    git::Repository& repository;
    const SourceView& target;
    GitScope scope;
    const std::string& refusal;
    git::Signature author;
    Branch records;
    Branch source;
    std::vector<LandedOp> landed;
    std::optional<BranchNote> note;
};

Result<std::optional<Oid>> blob_or_nothing(git::Repository& repository, const std::string& commit,
                                           const std::string& path) {
    if (commit.empty() || path.empty()) return std::optional<Oid>{};
    const Oid id = TRY(Oid::parse(commit));
    auto blob = repository.blob_at(id, path);
    // A commit that a rewritten history has dropped.
    if (blob.failed_with(ErrorKind::NotFound)) return std::optional<Oid>{};
    return blob;
}

Result<std::optional<Oid>> blob_at_tip(Writing& in, const Branch& branch, const std::string& path) {
    if (!branch.tip) return std::optional<Oid>{};
    return in.repository.blob_at(*branch.tip, path);
}

std::optional<std::string> text_of(const std::optional<Oid>& oid) {
    if (!oid) return std::nullopt;
    return oid->text();
}

// The file right before the rejected commit, where that declares the promoted version: other edits
// since the promotion are kept, as with any revert.
Result<std::optional<Oid>> blob_before(Writing& in, const RecordFacts& facts) {
    const auto bad = in.repository.commit_info(TRY(Oid::parse(facts.source_commit)));
    if (bad.failed_with(ErrorKind::NotFound)) return std::optional<Oid>{};
    if (!bad.ok()) return bad.error();
    if (!bad->first_parent || facts.old_digest.empty()) return std::optional<Oid>{};
    const auto blob =
        TRY(blob_or_nothing(in.repository, bad->first_parent->text(), facts.source_path));
    if (!blob) return std::optional<Oid>{};
    const auto file = TRY(in.repository.read(*blob));
    if (declared_digest(file, facts.ns, facts.rollout) != facts.old_digest)
        return std::optional<Oid>{};
    return blob;
}

// Else the promoted file: as its commit had it, or as the record branch keeps it.
Result<std::optional<Oid>> good_blob(Writing& in, const RecordFacts& facts) {
    if (auto blob = TRY(blob_before(in, facts))) return blob;
    if (auto blob = TRY(blob_or_nothing(in.repository, facts.restores, facts.source_path)))
        return blob;
    return blob_at_tip(in, in.records, good_path(facts, facts.source_path));
}

// Commits of ours that changed the path, from the tip back to the commit that is to be reverted.
Result<std::vector<std::pair<std::string, std::string>>> ours_since(Writing& in,
                                                                    const RecordFacts& facts) {
    std::vector<std::pair<std::string, std::string>> ours;
    std::optional<Oid> at = in.source.tip;
    for (int i = 0; at && i < changes_looked_back; ++i) {
        const auto change = in.repository.last_change(*at, facts.source_path);
        if (change.failed_with(ErrorKind::NotFound)) break;
        if (!change.ok()) return change.error();
        if (change->id.text() == facts.source_commit) break;
        if (const auto op = trailer_op_id(change->message); !op.empty())
            ours.emplace_back(change->id.text(), op);
        at = change->first_parent;
    }
    return ours;
}

Result<RevertSight> sight_of(Writing& in, const PendingOp& pending, const RecordFacts& facts,
                             const std::optional<Oid>& good) {
    RevertSight sight{.op_id = pending.op.op_id, .bad_digest = pending.spec.digest};
    const auto tip = TRY(blob_at_tip(in, in.source, facts.source_path));
    sight.tip_blob = text_of(tip);
    sight.bad_blob =
        text_of(TRY(blob_or_nothing(in.repository, facts.source_commit, facts.source_path)));
    sight.good_blob = text_of(good);
    const auto bad = in.repository.commit_info(TRY(Oid::parse(facts.source_commit)));
    if (bad.ok())
        sight.bad_message = bad->message;
    else if (!bad.failed_with(ErrorKind::NotFound))
        return bad.error();
    sight.ours_since = TRY(ours_since(in, facts));
    if (tip && sight.tip_blob != sight.bad_blob && sight.tip_blob != sight.good_blob)
        sight.tip_digest = declared_digest(TRY(in.repository.read(*tip)), facts.ns, facts.rollout);
    return sight;
}

// The record, its place in latest.json and whatever comes with it, as a commit of their own.
Result<void> commit_record(Writing& in, const std::string& record,
                           std::vector<git::TreeChange> changes) {
    const RecordFacts facts = TRY(read_record(record));
    const std::string latest = concat(record_folder(facts), "/latest.json");
    const auto before = TRY(blob_at_tip(in, in.records, latest));
    const std::string old = before ? TRY(in.repository.read(*before)) : std::string{};
    if (!in.records.tip)
        changes.push_back({"README.md", std::string(record_readme()), std::nullopt});
    changes.push_back({record_path(facts), record, std::nullopt});
    changes.push_back({latest, merge_latest(old, record), std::nullopt});
    in.records.tip =
        TRY(in.repository.commit(in.records.tip, changes, in.author, record_message(facts)));
    return {};
}

void land_record(Writing& in, const PendingOp& pending,
                 std::optional<crds::DeliveryRevert> revert) {
    in.landed.push_back({.delivery = pending.delivery,
                         .op_id = pending.op.op_id,
                         .commit = in.records.tip ? in.records.tip->text() : "",
                         .ref = in.records.ref(),
                         .revert = std::move(revert)});
}

// W4: the commit that brought this record, where the branch has it.
Result<std::optional<std::string>> landed_before(Writing& in, const std::string& path) {
    if (!TRY(blob_at_tip(in, in.records, path))) return std::optional<std::string>{};
    const auto change = in.repository.last_change(*in.records.tip, path);
    return std::optional<std::string>{change.ok() ? change->id.text() : ""};
}

// The promoted file beside its record: the same blob, so a rollback finds it after any rewrite.
Result<std::vector<git::TreeChange>> good_file(Writing& in, const RecordFacts& facts) {
    const auto blob = TRY(blob_or_nothing(in.repository, facts.source_commit, facts.source_path));
    if (!blob) return std::vector<git::TreeChange>{};
    TRY(in.repository.read(*blob));  // a partial clone may not have it yet
    return std::vector<git::TreeChange>{{good_path(facts, facts.source_path), std::nullopt, *blob}};
}

Result<void> write_observation(Writing& in, const PendingOp& pending) {
    if (in.scope == GitScope::SourceOnly) return {};
    const RecordFacts facts = TRY(read_record(pending.op.record));
    if (const auto commit = TRY(landed_before(in, record_path(facts)))) {
        in.landed.push_back(
            {pending.delivery, pending.op.op_id, *commit, in.records.ref(), std::nullopt});
        return {};
    }
    std::vector<git::TreeChange> changes;
    if (pending.op.kind == DeliveryOpKind::Promoted) changes = TRY(good_file(in, facts));
    TRY(commit_record(in, pending.op.record, std::move(changes)));
    land_record(in, pending, std::nullopt);
    return {};
}

// True where an earlier try has told how the revert ended.
Result<bool> revert_landed_before(Writing& in, const PendingOp& pending, RecordFacts facts,
                                  TimePoint now) {
    for (const auto& id : {pending.op.op_id, pending.skipped_id}) {
        facts.op_id = id;
        const auto blob = TRY(blob_at_tip(in, in.records, record_path(facts)));
        if (!blob) continue;
        const std::string record = TRY(in.repository.read(*blob));
        const RecordFacts told = TRY(read_record(record));
        const bool done = id == pending.op.op_id;
        in.landed.push_back(
            {.delivery = pending.delivery,
             .op_id = pending.op.op_id,
             .commit = told.revert_commit,
             .ref = done ? in.source.ref() : in.records.ref(),
             .revert = crds::DeliveryRevert{done, told.reason, told.revert_commit, now}});
        return true;
    }
    return false;
}

Result<std::string> commit_revert(Writing& in, const RecordFacts& facts, const Oid& good) {
    TRY(in.repository.read(good));
    in.source.tip =
        TRY(in.repository.commit(in.source.tip, {{facts.source_path, std::nullopt, good}},
                                 in.author, revert_message(facts)));
    return in.source.tip->text();
}

Result<void> write_revert(Writing& in, const PendingOp& pending, TimePoint now) {
    const RecordFacts facts = TRY(read_record(pending.op.record));
    if (TRY(revert_landed_before(in, pending, facts, now))) return {};
    RevertPlan plan = SkipRevert{concat("refused: ", in.refusal)};
    const auto good = TRY(good_blob(in, facts));
    if (in.scope != GitScope::RecordsOnly)
        plan = plan_revert(TRY(sight_of(in, pending, facts, good)));

    crds::DeliveryRevert revert{.done = false, .reason = {}, .commit = {}, .at = now};
    if (std::holds_alternative<RestoreGood>(plan))
        revert.commit = TRY(commit_revert(in, facts, *good));
    if (const auto* landed = std::get_if<RevertLanded>(&plan)) revert.commit = landed->commit;
    if (const auto* skip = std::get_if<SkipRevert>(&plan)) revert.reason = skip->reason;
    revert.done = !revert.commit.empty();
    if (in.scope == GitScope::SourceOnly) return {};
    if (in.target.record_outcomes)
        TRY(commit_record(
            in,
            revert.done ? with_revert_commit(pending.op.record, revert.commit)
                        : as_revert_skipped(pending.op.record, pending.skipped_id, revert.reason),
            {}));
    land_record(in, pending, revert);
    if (revert.done) {
        in.landed.back().commit = revert.commit;
        in.landed.back().ref = in.source.ref();
    }
    return {};
}

// Nothing that was recorded is lost: a record branch that was deleted is made again from our
// mirror; one that was rewritten is built on as it is, and it is told where the old one is.
Result<void> look_at_records(Writing& in, const std::optional<Oid>& seen,
                             const std::vector<PendingOp>& ops) {
    const auto& url = in.target.url;
    if (!in.records.tip && seen) {
        in.records.tip = seen;
        in.note = BranchNote{"RecordsRestored",
                             concat("branch ", in.records.name, " was gone from ", url,
                                    "; it was made again as it was at ", seen->text().substr(0, 10),
                                    "; protect it against deletion")};
    }
    if (!in.records.tip) return {};
    std::vector<std::string> known;
    if (seen) known.push_back(seen->text());
    for (const auto& pending : ops) known.push_back(pending.last_record);
    for (const auto& text : known) {
        const auto last = Oid::parse(text);
        if (!last.ok() || TRY(in.repository.contains(*in.records.tip, *last))) continue;
        in.note = BranchNote{
            "RecordsRewritten",
            concat("branch ", in.records.name, " of ", url,
                   " was force-pushed and does not contain ", text,
                   " any more, which held earlier records; new records go on top of what is "
                   "there; to bring the old ones back: git push ",
                   url, " ", text, ":refs/heads/", in.records.name, "-before")};
        return {};
    }
    return {};
}

Error source_missing(const SourceView& target) {
    return not_found(concat("branch ", target.branch, " does not exist in ", target.url,
                            "; the revert waits until it does; to bring it back, push it; to do "
                            "without the revert, delete this delivery"));
}

bool needs_source(const std::vector<PendingOp>& ops) {
    for (const auto& pending : ops)
        if (pending.op.kind == DeliveryOpKind::Reverted ||
            pending.op.kind == DeliveryOpKind::Promoted)
            return true;
    return false;
}

}  // namespace

Result<GitTry> write_to_git(git::Repository& repository, const SourceView& target,
                            const std::vector<PendingOp>& ops, GitScope scope,
                            const std::string& refusal, TimePoint now) {
    Writing in{.repository = repository,
               .target = target,
               .scope = scope,
               .refusal = refusal,
               .author = {target.author_name, target.author_email, now},
               .records = {.name = target.record_branch},
               .source = {.name = target.branch}};
    const auto seen = repository.last_fetched(target.record_branch);
    in.records.tip = in.records.fetched = TRY(repository.fetch(target.record_branch));
    TRY(look_at_records(in, seen, ops));
    if (needs_source(ops)) in.source.tip = in.source.fetched = TRY(repository.fetch(target.branch));

    GitTry result;
    for (const auto& pending : ops) {
        const bool reverts = pending.op.kind == DeliveryOpKind::Reverted;
        // A branch that was deleted may come back, with the bad version on it.
        if (reverts && !in.source.tip && scope != GitScope::RecordsOnly)
            result.waits = source_missing(target);
        else
            TRY(reverts ? write_revert(in, pending, now) : write_observation(in, pending));
    }

    std::vector<git::RefUpdate> updates;
    for (const auto* branch : {&in.source, &in.records})
        if (branch->moved()) updates.push_back({branch->name, branch->fetched, *branch->tip});
    if (!updates.empty()) {
        const auto answer = TRY(repository.push(updates));
        result.outcome = answer.outcome;
        result.message = answer.message;
    }
    if (result.outcome != git::PushOutcome::Accepted) return result;
    result.landed = std::move(in.landed);
    result.note = std::move(in.note);
    result.moved_source = in.source.moved();
    result.moved_records = in.records.moved();
    return result;
}

}  // namespace sluice::shell
