// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/delivery_write_back.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.hpp"

namespace sluice::shell {
namespace {

using namespace policy::delivery;

constexpr std::string_view pending_condition = "WriteBackPending";
constexpr std::string_view changed_condition = "RecordsChanged";
constexpr int status_tries = 5;
constexpr size_t longest_message = 1000;

ObjectRef delivery_ref(const std::string& key) {
    const auto [ns, name] = split_key(key);
    return {resources::deliveries, ns, name};
}

std::string reason_of(const Error& error) {
    switch (error.kind) {
        case ErrorKind::Denied: return "Denied";
        case ErrorKind::Unavailable: return "GitUnavailable";
        case ErrorKind::NoSpace: return "NoSpace";
        case ErrorKind::Timeout: return "GitTimeout";
        case ErrorKind::NotFound: return "NotFound";
        default: return "Failed";
    }
}

}  // namespace

DeliveryWriteBack::DeliveryWriteBack(const kube::Client& client, RepositoryFactory open,
                                     SourceHint hint, Identity who, const Clock& clock, Log& log)
    : client_(client),
      open_(std::move(open)),
      hint_(std::move(hint)),
      who_(std::move(who)),
      clock_(clock),
      log_(log) {}

// Read fresh: what a cache still shows may have landed already.
Result<std::vector<PendingOp>> DeliveryWriteBack::collect(
    const std::vector<std::string>& deliveries, const std::string& record_ref) {
    std::vector<PendingOp> ops;
    for (const auto& key : deliveries) {
        const auto document = client_.get(delivery_ref(key));
        if (document.failed_with(ErrorKind::NotFound)) continue;
        if (!document.ok()) return document.error();
        std::vector<Problem> problems;
        const auto delivery = crds::decode_delivery(*document, problems);
        const auto skipped = op_id(who_, delivery.spec, crds::DeliveryOpKind::RevertSkipped);
        const auto& last = delivery.status.last_write;
        const std::string record = last && last->ref == record_ref ? last->commit : "";
        for (const auto& op : delivery.status.outbox)
            ops.push_back({key, op, delivery.spec, skipped, record});
    }
    std::stable_sort(ops.begin(), ops.end(), [](const PendingOp& a, const PendingOp& b) {
        return a.op.created_at < b.op.created_at;
    });
    return ops;
}

// A refusal does not say which ref was refused. Intent first: users' branch alone, then the records
// alone, which then tell why the revert is missing.
Result<GitTry> DeliveryWriteBack::try_scopes(git::Repository& repository, const SourceView& target,
                                             const std::vector<PendingOp>& ops) {
    const auto now = clock_.now();
    auto all = TRY(write_to_git(repository, target, ops, GitScope::Everything, {}, now));
    if (all.outcome != git::PushOutcome::Refused) return all;
    const bool reverts = std::any_of(ops.begin(), ops.end(), [](const PendingOp& pending) {
        return pending.op.kind == crds::DeliveryOpKind::Reverted;
    });
    if (!reverts) return all;
    const auto source = TRY(write_to_git(repository, target, ops, GitScope::SourceOnly, {}, now));
    if (source.outcome == git::PushOutcome::Accepted) {
        if (source.moved_source) hint_(target.key);
        return write_to_git(repository, target, ops, GitScope::Everything, {}, now);
    }
    if (source.outcome == git::PushOutcome::Stale) return source;
    return write_to_git(repository, target, ops, GitScope::RecordsOnly, source.message, now);
}

Result<void> DeliveryWriteBack::write_batch(const SourceView& target,
                                            const std::vector<PendingOp>& ops) {
    if (!repository_ || opened_for_ != target.key) {
        repository_ = TRY(open_(target.key));
        opened_for_ = target.key;
    }
    const auto result = TRY(try_scopes(*repository_, target, ops));
    if (result.outcome == git::PushOutcome::Stale)
        return Error{ErrorKind::Conflict, "push: another push was first"};
    if (result.outcome == git::PushOutcome::Refused)
        return Error{ErrorKind::Denied, concat("push to ", target.record_branch,
                                               ": refused by the server: ", result.message)};
    // Also where an earlier life pushed it and died before it could say so.
    const bool reverted = std::any_of(result.landed.begin(), result.landed.end(),
                                      [](const auto& op) { return op.revert && op.revert->done; });
    if (reverted) hint_(target.key);
    std::map<std::string, std::vector<LandedOp>> landed;
    for (const auto& op : result.landed) {
        log_.info("wrote to git", {{"delivery", op.delivery},
                                   {"operation", op.op_id},
                                   {"ref", op.ref},
                                   {"commit", op.commit}});
        landed[op.delivery].push_back(op);
    }
    std::optional<Error> failed;
    for (const auto& [delivery, its] : landed)
        if (const auto confirmed = confirm(delivery, its, result.note); !confirmed.ok())
            failed = confirmed.error();
    if (failed) return *std::move(failed);
    if (result.waits) return *result.waits;
    return {};
}

Result<void> DeliveryWriteBack::write(const SourceView& target,
                                      const std::vector<std::string>& deliveries) {
    const auto ops = TRY(collect(deliveries, concat("refs/heads/", target.record_branch)));
    if (ops.empty()) return {};
    auto written = write_batch(target, ops);
    if (written.ok() || written.failed_with(ErrorKind::Conflict)) return written;
    std::set<std::string> waiting;
    for (const auto& pending : ops) waiting.insert(pending.delivery);
    for (const auto& delivery : waiting) tell_pending(delivery, written.error());
    return written;
}

Result<void> DeliveryWriteBack::change_status(
    const std::string& delivery, const std::function<void(crds::DeliveryStatus&)>& change) {
    Result<Json> written =
        Error{ErrorKind::Conflict, concat("write status of delivery ", delivery)};
    for (int i = 0; i < status_tries && written.failed_with(ErrorKind::Conflict); ++i) {
        auto document = client_.get(delivery_ref(delivery));
        if (document.failed_with(ErrorKind::NotFound)) return {};
        if (!document.ok()) return document.error();
        std::vector<Problem> problems;
        const auto before = crds::decode_delivery(*document, problems).status;
        auto status = before;
        change(status);
        if (status == before) return {};
        (*document)["status"] = crds::encode_delivery_status(status);
        written = client_.replace(resources::deliveries, *document, "status");
    }
    if (written.failed_with(ErrorKind::NotFound)) return {};
    if (!written.ok()) return written.error();
    return {};
}

// W8. Until this is written the operation comes again, and W4 finds it landed.
Result<void> DeliveryWriteBack::confirm(const std::string& delivery,
                                        const std::vector<LandedOp>& landed,
                                        const std::optional<BranchNote>& note) {
    const auto now = clock_.now();
    const auto confirmed = change_status(delivery, [&](crds::DeliveryStatus& status) {
        for (const auto& op : landed) {
            const auto gone = std::erase_if(
                status.outbox, [&](const auto& kept) { return kept.op_id == op.op_id; });
            if (gone == 0) continue;  // another controller has confirmed it
            status.last_write = crds::DeliveryWrite{op.op_id, op.commit, op.ref, now};
            if (op.revert) status.revert = op.revert;
        }
        std::erase_if(status.conditions, [&](const auto& one) {
            return one.type == pending_condition || (note && one.type == changed_condition);
        });
        if (note)
            status.conditions.push_back({.type = std::string(changed_condition),
                                         .status = "True",
                                         .reason = note->reason,
                                         .message = note->message.substr(0, longest_message),
                                         .since = now});
    });
    if (note)
        log_.warning("the record branch was changed by others",
                     {{"delivery", delivery}, {"reason", note->reason}, {"note", note->message}});
    return confirmed;
}

void DeliveryWriteBack::tell_pending(const std::string& delivery, const Error& error) {
    const auto now = clock_.now();
    const auto told = change_status(delivery, [&](crds::DeliveryStatus& status) {
        if (status.outbox.empty()) return;
        auto found = std::find_if(status.conditions.begin(), status.conditions.end(),
                                  [](const auto& one) { return one.type == pending_condition; });
        if (found == status.conditions.end())
            found = status.conditions.insert(
                found, {.type = std::string(pending_condition), .status = "True", .since = now});
        found->reason = reason_of(error);
        found->message = error.message.substr(0, longest_message);
    });
    if (!told.ok())
        log_.warning("could not say that git waits",
                     {{"delivery", delivery}, {"error", told.error().message}});
}

}  // namespace sluice::shell
