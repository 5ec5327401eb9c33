// SPDX-License-Identifier: Apache-2.0
#include "platform/kube/lease.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::kube {

Result<void> check_lease(const LeaseOptions& options) {
    if (options.retry_period <= Duration{0})
        return invalid("leader election: the retry period must be longer than nothing");
    if (options.renew_deadline <= options.retry_period * 6 / 5)
        return invalid(concat("leader election: the renew deadline (",
                              format_duration(options.renew_deadline),
                              ") must be longer than 1.2 retry periods (",
                              format_duration(options.retry_period), ")"));
    if (options.duration <= options.renew_deadline)
        return invalid(concat("leader election: the lease duration (",
                              format_duration(options.duration),
                              ") must be longer than the renew deadline (",
                              format_duration(options.renew_deadline), ")"));
    return {};
}

Lease::Lease(LeaseOptions options, const Client& client, const Clock& clock)
    : options_(std::move(options)), client_(client), clock_(clock) {}

// What a fresh look has shown.
void Lease::notice(const Json& lease) {
    const Json* spec_now = find(lease, {"spec"});
    const std::string text = spec_now ? to_text(*spec_now) : "";
    holder_ = text_at(lease, {"spec", "holderIdentity"});
    if (text == seen_) return;
    seen_ = text;
    seen_change_ = clock_.steady();
}

Json Lease::spec(const Json& before, const std::string& holder) const {
    const std::string now = format_rfc3339_micro(clock_.now());
    const bool changes_hands = text_at(before, {"spec", "holderIdentity"}) != holder;
    const auto seconds =
        std::max<long>(1, std::chrono::ceil<std::chrono::seconds>(options_.duration).count());
    return {{"holderIdentity", holder},
            {"leaseDurationSeconds", holder.empty() ? 1 : seconds},
            {"acquireTime", changes_hands ? now : text_at(before, {"spec", "acquireTime"}, now)},
            {"renewTime", now},
            {"leaseTransitions", integer_at(before, {"spec", "leaseTransitions"}) +
                                     (changes_hands && !holder.empty() ? 1 : 0)}};
}

bool Lease::take(Result<Json> written) {
    notice(*written);
    renewed_ = clock_.steady();
    return true;
}

Result<bool> Lease::try_once() {
    const ObjectRef ref{resources::leases, options_.ns, options_.name};
    auto lease = client_.get(ref);
    if (lease.failed_with(ErrorKind::NotFound)) {
        Json fresh{{"apiVersion", resources::leases.api_version()},
                   {"kind", resources::leases.kind},
                   {"metadata", {{"namespace", options_.ns}, {"name", options_.name}}},
                   {"spec", spec(Json::object(), options_.identity)}};
        fresh["spec"]["leaseTransitions"] = 0;
        auto made = client_.create(resources::leases, fresh);
        if (made.failed_with(ErrorKind::AlreadyExists))
            return Error{ErrorKind::Conflict, made.error().message};
        if (!made.ok()) return made.error();
        return take(std::move(made));
    }
    if (!lease.ok()) return lease.error();
    notice(*lease);
    if (!holder_.empty() && holder_ != options_.identity) {
        renewed_.reset();
        const Duration theirs =
            std::chrono::seconds{integer_at(*lease, {"spec", "leaseDurationSeconds"})};
        if (clock_.steady() < seen_change_ + theirs) return false;
    }
    (*lease)["spec"] = spec(*lease, options_.identity);
    auto written = client_.replace(resources::leases, *lease);
    if (!written.ok()) return written.error();
    return take(std::move(written));
}

bool Lease::held() const {
    return renewed_ && clock_.steady() < *renewed_ + options_.renew_deadline;
}

Result<void> Lease::give_back() {
    if (!renewed_) return {};
    renewed_.reset();
    auto lease = TRY(client_.get({resources::leases, options_.ns, options_.name}));
    if (text_at(lease, {"spec", "holderIdentity"}) != options_.identity) return {};
    lease["spec"] = spec(lease, "");
    TRY(client_.replace(resources::leases, lease));
    return {};
}

}  // namespace sluice::kube
