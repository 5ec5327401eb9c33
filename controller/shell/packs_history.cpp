// SPDX-License-Identifier: Apache-2.0
// The rows of what has a history: AnalysisRuns and Deliveries, documents until they end.
#include <nlohmann/json.hpp>

#include "base/packing.hpp"
#include "base/text.hpp"
#include "controller/shell/packs.hpp"
#include "controller/shell/packs_shared.hpp"

namespace sluice::shell {
namespace packs {
namespace {

using policy::rollout::RunPhase;

// The first byte of a row.
constexpr bool ended = true;
constexpr bool under_way = false;

bool has_ended(RunPhase phase) {
    return phase == RunPhase::Successful || phase == RunPhase::Failed || phase == RunPhase::Error ||
           phase == RunPhase::Inconclusive;
}

void pack_trouble(Packer& packer, const std::optional<analysis::Trouble>& trouble) {
    packer.flag(trouble.has_value());
    if (!trouble) return;
    packer.number(static_cast<std::uint64_t>(trouble->phase));
    packer.text(trouble->metric);
    pack_texts(packer, trouble->others);
    packer.text(trouble->found);
    packer.text(trouble->rule);
    packer.time(trouble->since);
    packer.flag(trouble->since_is_exact);
}

std::optional<analysis::Trouble> unpack_trouble(Unpacker& unpacker) {
    if (!unpacker.flag()) return std::nullopt;
    analysis::Trouble trouble;
    trouble.phase = static_cast<crds::AnalysisPhase>(unpacker.number());
    trouble.metric = unpacker.text();
    trouble.others = unpack_texts(unpacker);
    trouble.found = unpacker.text();
    trouble.rule = unpacker.text();
    trouble.since = unpacker.time();
    trouble.since_is_exact = unpacker.flag();
    return trouble;
}

// What the three readers of AnalysisRuns want of one that has ended.
struct EndedRun {
    AnalysisRunView view;
    std::string resource_version;
    std::optional<TimePoint> started, completed;
    std::optional<crds::TtlStrategy> ttl;
};

std::string pack_ended(const EndedRun& run, const kube::RowHome& home) {
    const auto& seen = run.view.seen;
    Packer packer;
    packer.flag(ended);
    packer.number(static_cast<std::uint64_t>(seen.phase));
    packer.text(seen.uid);
    packer.text(run.resource_version);
    packer.number(static_cast<std::uint64_t>(seen.type));
    packer.optional(seen.step_index);
    pack_hash(packer, seen.name, home, seen.hash);
    packer.text(seen.message);
    packer.flag(seen.terminate);
    packer.flag(seen.deleting);
    packer.time(seen.created);
    packer.optional(run.started);
    packer.optional(run.completed);
    packer.flag(run.ttl.has_value());
    if (run.ttl)
        for (const auto& seconds :
             {run.ttl->after_completion, run.ttl->after_failure, run.ttl->after_success})
            packer.optional(seconds);
    pack_trouble(packer, seen.trouble);
    return packer.take();
}

EndedRun unpack_ended(const kube::Row& row) {
    Unpacker unpacker(row.bytes);
    unpacker.flag();
    EndedRun run;
    run.view.ns = row.ns;
    run.view.controller = controller_in(row.home);
    auto& seen = run.view.seen;
    seen.name = row.name;
    seen.phase = static_cast<RunPhase>(unpacker.number());
    seen.uid = unpacker.text();
    run.resource_version = unpacker.text();
    seen.type = static_cast<policy::rollout::RunType>(unpacker.number());
    seen.step_index = unpacker.optional_integer();
    seen.hash = unpack_hash(unpacker, row);
    seen.message = unpacker.text();
    seen.terminate = unpacker.flag();
    seen.deleting = unpacker.flag();
    seen.created = unpacker.time();
    run.started = unpacker.optional_time();
    run.completed = unpacker.optional_time();
    if (unpacker.flag()) {
        auto& ttl = run.ttl.emplace();
        for (auto* seconds : {&ttl.after_completion, &ttl.after_failure, &ttl.after_success})
            *seconds = unpacker.optional_integer();
    }
    seen.trouble = unpack_trouble(unpacker);
    return run;
}

bool is_ended(const kube::Row& row) {
    return Unpacker(row.bytes).flag() == ended;
}

Json document_in(const kube::Row& row) {
    return parsed(std::string_view(row.bytes).substr(1));
}

std::string pack_under_way(const Json& document) {
    Packer packer;
    packer.flag(under_way);
    packer.rest(to_text(slim(document)));
    return packer.take();
}

}  // namespace
}  // namespace packs

kube::Row pack_analysis_run(const Json& document) {
    const auto view = view_analysis_run(document);
    kube::Row row{.ns = {}, .name = {}, .home = home_under(view.controller), .bytes = {}};
    if (!packs::has_ended(view.seen.phase)) {
        row.bytes = packs::pack_under_way(document);
        return row;
    }
    const auto run = crds::analysis_run_of(document);
    row.bytes = packs::pack_ended({.view = view,
                                   .resource_version = run.metadata.resource_version,
                                   .started = run.status.started,
                                   .completed = run.status.completed,
                                   .ttl = run.spec.ttl},
                                  row.home);
    return row;
}

AnalysisRunView analysis_run_view_of(const kube::Row& row) {
    if (!packs::is_ended(row)) return view_analysis_run(packs::document_in(row));
    return packs::unpack_ended(row).view;
}

crds::AnalysisRun analysis_run_of(const kube::Row& row) {
    if (!packs::is_ended(row)) return crds::analysis_run_of(packs::document_in(row));
    const auto ended = packs::unpack_ended(row);
    const auto& seen = ended.view.seen;
    crds::AnalysisRun run;
    run.metadata.ns = row.ns;
    run.metadata.name = row.name;
    run.metadata.uid = seen.uid;
    run.metadata.resource_version = ended.resource_version;
    run.metadata.created = seen.created;
    run.metadata.deleting = seen.deleting;
    run.spec.terminate = seen.terminate;
    run.spec.ttl = ended.ttl;
    run.status.phase = crds::analysis_phase(to_text(seen.phase));
    run.status.message = seen.message;
    run.status.started = ended.started;
    run.status.completed = ended.completed;
    return run;
}

policy::delivery::RunView run_view_of(const kube::Row& row) {
    if (!packs::is_ended(row)) return policy::delivery::view_run(packs::document_in(row));
    const auto ended = packs::unpack_ended(row);
    const auto& seen = ended.view.seen;
    return {.ns = row.ns,
            .name = row.name,
            .rollout = ended.view.controller.name,
            .rollout_uid = ended.view.controller.uid,
            .hash = seen.hash,
            .type = to_text(seen.type),
            .step_index = seen.step_index,
            .phase = to_text(seen.phase),
            .completed_at = ended.completed,
            .metrics = {}};
}

crds::AnalysisPhase run_phase_of(const kube::Row& row) {
    if (!packs::is_ended(row))
        return crds::analysis_phase(text_at(packs::document_in(row), {"status", "phase"}));
    Unpacker unpacker(row.bytes);
    unpacker.flag();
    return crds::analysis_phase(to_text(static_cast<packs::RunPhase>(unpacker.number())));
}

bool has_ended(const kube::Row& run) {
    return packs::is_ended(run);
}

// ---- Delivery ----

namespace packs {
namespace {

// Nothing will be added to it but by a person (a retry) or a later Delivery (which lifts its
// quarantine).
bool has_ended(const crds::Delivery& delivery) {
    const auto& status = delivery.status;
    return !delivery.progressing() && status.recorded && status.outbox.empty() &&
           status.conditions.empty();
}

void pack_source(Packer& packer, const std::optional<crds::DeliverySource>& source) {
    packer.flag(source.has_value());
    if (!source) return;
    packer.text(source->git_source);
    packer.text(source->commit);
    packer.text(source->path);
}

std::optional<crds::DeliverySource> unpack_source(Unpacker& unpacker) {
    if (!unpacker.flag()) return std::nullopt;
    crds::DeliverySource source;
    source.git_source = unpacker.text();
    source.commit = unpacker.text();
    source.path = unpacker.text();
    return source;
}

void pack_revert(Packer& packer, const std::optional<crds::DeliveryRevert>& revert) {
    packer.flag(revert.has_value());
    if (!revert) return;
    packer.flag(revert->done);
    packer.time(revert->at);
}

void pack_quarantine(Packer& packer, const crds::Delivery& delivery) {
    const auto& quarantine = delivery.status.quarantine;
    packer.flag(quarantine.has_value());
    if (!quarantine) return;
    packer.flag(quarantine->lifted);
    packer.time(quarantine->since);
    // Its digest is the Delivery's own.
    packer.text(quarantine->digest == delivery.spec.digest ? "" : quarantine->digest);
}

std::optional<crds::DeliveryRevert> unpack_revert(Unpacker& unpacker) {
    if (!unpacker.flag()) return std::nullopt;
    crds::DeliveryRevert revert;
    revert.done = unpacker.flag();
    revert.at = unpacker.time();
    return revert;
}

std::optional<crds::DeliveryQuarantine> unpack_quarantine(Unpacker& unpacker,
                                                          const std::string& digest) {
    if (!unpacker.flag()) return std::nullopt;
    crds::DeliveryQuarantine quarantine;
    quarantine.lifted = unpacker.flag();
    quarantine.since = unpacker.time();
    quarantine.digest = unpacker.text();
    if (quarantine.digest.empty()) quarantine.digest = digest;
    return quarantine;
}

// A later record names the one before it.
std::string last_step_op(const crds::DeliveryStatus& status) {
    std::string last;
    for (const auto& step : status.steps)
        if (!step.op_id.empty()) last = step.op_id;
    return last;
}

std::string pack_ended(const crds::Delivery& delivery) {
    const auto& spec = delivery.spec;
    const auto& status = delivery.status;
    Packer packer;
    packer.flag(ended);
    packer.text(delivery.uid);
    packer.text(delivery.resource_version);
    packer.text(delivery.retry);
    packer.text(spec.rollout_uid);
    packer.integer(spec.number);
    packer.integer(spec.generation);
    packer.integer(spec.attempt);
    packer.text(spec.digest);
    packer.text(spec.pod_template_hash);
    packer.text(spec.revision);
    packer.text(spec.new_image);
    pack_source(packer, spec.source);
    packer.number(static_cast<std::uint64_t>(*status.phase));
    packer.integer(status.observed_generation);
    packer.optional(status.started_at);
    packer.optional(status.finished_at);
    packer.text(status.op_id);
    packer.text(status.op_id.empty() ? last_step_op(status) : "");
    pack_revert(packer, status.revert);
    pack_quarantine(packer, delivery);
    return packer.take();
}

crds::Delivery unpack_ended_delivery(const kube::Row& row) {
    Unpacker unpacker(row.bytes);
    unpacker.flag();
    crds::Delivery delivery{.ns = row.ns, .name = row.name};
    auto& spec = delivery.spec;
    auto& status = delivery.status;
    delivery.uid = unpacker.text();
    delivery.resource_version = unpacker.text();
    delivery.retry = unpacker.text();
    spec.rollout = row.home.stem;
    spec.rollout_uid = unpacker.text();
    spec.number = unpacker.integer();
    spec.generation = unpacker.integer();
    spec.attempt = unpacker.integer();
    spec.digest = unpacker.text();
    spec.pod_template_hash = unpacker.text();
    spec.revision = unpacker.text();
    spec.new_image = unpacker.text();
    spec.source = unpack_source(unpacker);
    status.phase = static_cast<crds::DeliveryPhase>(unpacker.number());
    status.observed_generation = unpacker.integer();
    status.started_at = unpacker.optional_time();
    status.finished_at = unpacker.optional_time();
    status.recorded = true;
    status.op_id = unpacker.text();
    if (auto op = unpacker.text(); !op.empty())
        status.steps.push_back({.verdict = "Passed", .op_id = std::move(op)});
    status.revert = unpack_revert(unpacker);
    status.quarantine = unpack_quarantine(unpacker, spec.digest);
    return delivery;
}

}  // namespace
}  // namespace packs

kube::RowHome home_of_deliveries(const std::string& rollout) {
    return {rollout, ""};
}

kube::Row pack_delivery(const Json& document) {
    std::vector<Problem> problems;  // one bad object never stops a watch
    const auto delivery = crds::decode_delivery(document, problems);
    return {.ns = {},
            .name = {},
            .home = home_of_deliveries(delivery.spec.rollout),
            .bytes = packs::has_ended(delivery) ? packs::pack_ended(delivery)
                                                : packs::pack_under_way(document)};
}

crds::Delivery delivery_of(const kube::Row& row) {
    if (packs::is_ended(row)) return packs::unpack_ended_delivery(row);
    std::vector<Problem> problems;
    return crds::decode_delivery(packs::document_in(row), problems);
}

bool is_whole_delivery(const kube::Row& row) {
    return !packs::is_ended(row);
}

}  // namespace sluice::shell
