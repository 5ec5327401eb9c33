// SPDX-License-Identifier: Apache-2.0
// Who leads: a Lease of coordination.k8s.io, taken, renewed and given back by compare-and-swap as
// client-go's leaderelection does it, so that ours and others exclude each other. It keeps two
// controllers from doing the same work; it is no proof that only one acts (a leader that was
// stopped for long learns late that it was replaced), so every write is safe to repeat all the
// same.
#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"
#include "platform/kube/client.hpp"

namespace sluice::kube {

struct LeaseOptions {
    std::string ns;
    std::string name;
    std::string identity;  // of this process; the same after a restart where that is sure
    Duration duration = std::chrono::seconds{15};        // after which others may take it
    Duration renew_deadline = std::chrono::seconds{10};  // after which a leader gives up
    Duration retry_period = std::chrono::seconds{2};     // between two tries
};
// Upstream's rule: duration > renew_deadline > 1.2 × retry_period > 0.
Result<void> check_lease(const LeaseOptions& options);

// One thread. Other machines' clocks are never compared with ours: another's lease is over when
// nothing of it has changed for its duration, by our steady time.
class Lease {
public:
    // Both must outlive it.
    Lease(LeaseOptions options, const Client& client, const Clock& clock);

    // One try to take or renew it: whether it is ours. Conflict: another was faster.
    Result<bool> try_once();
    // Whether it was ours less than the renew deadline ago.
    [[nodiscard]] bool held() const;
    // Who held it when last seen; empty where nobody did.
    [[nodiscard]] const std::string& holder() const { return holder_; }
    // Lets the next one take it at once. Nothing where it is not ours.
    Result<void> give_back();

    [[nodiscard]] const LeaseOptions& options() const { return options_; }

private:
    [[nodiscard]] Json spec(const Json& before, const std::string& holder) const;
    void notice(const Json& lease);
    bool take(Result<Json> written);

    LeaseOptions options_;
    const Client& client_;
    const Clock& clock_;
    std::string holder_;
    std::string seen_;                  // what others wrote of it last
    TimePoint seen_change_;             // when that changed, in steady time
    std::optional<TimePoint> renewed_;  // in steady time; nothing while it is not ours
};

}  // namespace sluice::kube
