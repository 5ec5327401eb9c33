// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/delivery_execute.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::shell {
namespace {

// Ok(true): written. Ok(false): another write was first.
Result<bool> settled(const Result<Json>& written) {
    if (written.ok()) return true;
    if (written.failed_with(ErrorKind::Conflict) || written.failed_with(ErrorKind::AlreadyExists) ||
        written.failed_with(ErrorKind::NotFound))
        return false;
    return written.error();
}

void log_status(const crds::Delivery& delivery, Log& log) {
    const auto& status = delivery.status;
    std::vector<LogField> fields = {{"delivery", key_of(delivery.ns, delivery.name)},
                                    {"phase", status.phase ? to_text(*status.phase) : ""}};
    if (!status.steps.empty()) fields.emplace_back("weight", status.steps.back().weight);
    if (!status.message.empty()) fields.emplace_back("because", status.message);
    if (!status.outbox.empty()) fields.emplace_back("outbox", status.outbox.size());
    log.info("told delivery", fields);
}

}  // namespace

Result<bool> execute(const kube::Client& client, const policy::delivery::Decision& decision,
                     Log& log) {
    bool current = true;
    for (const auto& delivery : decision.updates) {
        const bool written = TRY(
            settled(client.replace(resources::deliveries, encode_delivery(delivery), "status")));
        if (written) log_status(delivery, log);
        current &= written;
    }
    for (const auto& delivery : decision.fills) {
        const Json patch = {
            {"metadata", {{"resourceVersion", delivery.resource_version}}},
            {"spec", {{"source", crds::encode_delivery_source(*delivery.spec.source)}}}};
        current &= TRY(settled(client.patch({resources::deliveries, delivery.ns, delivery.name},
                                            kube::PatchType::Merge, patch)));
    }
    // A new Delivery follows from what was told of the old ones; not if that was out of date.
    if (!current) return false;
    for (const auto& delivery : decision.creates) {
        const bool made =
            TRY(settled(client.create(resources::deliveries, encode_delivery(delivery))));
        if (made)
            log.info("created delivery", {{"delivery", key_of(delivery.ns, delivery.name)},
                                          {"image", delivery.spec.new_image},
                                          {"attempt", delivery.spec.attempt}});
        current &= made;
    }
    for (const auto& delivery : decision.deletes) {
        const auto removed = client.remove({resources::deliveries, delivery.ns, delivery.name},
                                           {.uid = delivery.uid,
                                            .resource_version = delivery.resource_version,
                                            .propagation = {},
                                            .grace_period = {}});
        if (removed.ok() || removed.failed_with(ErrorKind::NotFound)) continue;
        if (!removed.failed_with(ErrorKind::Conflict)) return removed.error();
        current = false;
    }
    return current;
}

}  // namespace sluice::shell
