// SPDX-License-Identifier: Apache-2.0
// From the outboxes of Deliveries to Git and back into their status: W2 to W8 of gitops.md 5.5, one
// try at a time, without threads of its own.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "controller/policy/delivery/record.hpp"
#include "controller/shell/delivery_git.hpp"
#include "platform/kube/client.hpp"

namespace sluice::shell {

// The repository of a GitSource ("namespace/name"). Any thread.
using RepositoryFactory =
    std::function<Result<std::unique_ptr<git::Repository>>(const std::string& git_source)>;
// A GitSource's branch has moved by our own hand: it may fetch at once. Must not block. Any thread.
using SourceHint = std::function<void(const std::string& git_source)>;

// Threads: one at a time.
class DeliveryWriteBack {
public:
    // Everything referenced must outlive it.
    DeliveryWriteBack(const kube::Client& client, RepositoryFactory open, SourceHint hint,
                      policy::delivery::Identity who, const Clock& clock, Log& log);

    // Everything that these Deliveries ("namespace/name") owe Git at `target`. Ok: their outboxes
    // are empty. Conflict: another writer was first, try again soon. Other errors stand in a
    // condition of each Delivery.
    Result<void> write(const policy::delivery::SourceView& target,
                       const std::vector<std::string>& deliveries);

private:
    Result<void> write_batch(const policy::delivery::SourceView& target,
                             const std::vector<PendingOp>& ops);
    Result<GitTry> try_scopes(git::Repository& repository,
                              const policy::delivery::SourceView& target,
                              const std::vector<PendingOp>& ops);
    Result<std::vector<PendingOp>> collect(const std::vector<std::string>& deliveries,
                                           const std::string& record_ref);
    Result<void> confirm(const std::string& delivery, const std::vector<LandedOp>& landed,
                         const std::optional<BranchNote>& note);
    void tell_pending(const std::string& delivery, const Error& error);
    Result<void> change_status(const std::string& delivery,
                               const std::function<void(crds::DeliveryStatus&)>& change);

    const kube::Client& client_;
    RepositoryFactory open_;
    SourceHint hint_;
    policy::delivery::Identity who_;
    const Clock& clock_;
    Log& log_;
    std::unique_ptr<git::Repository> repository_;  // opened at the first write
    std::string opened_for_;
};

}  // namespace sluice::shell
