// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/packs.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "base/packing.hpp"
#include "base/text.hpp"
#include "controller/shell/packs_shared.hpp"
#include "controller/shell/triggers.hpp"
#include "crds/rollout.hpp"

namespace sluice::shell {
namespace packs {

Json slim(const Json& document) {
    Json slim = document;
    const auto metadata = slim.find("metadata");
    if (metadata == slim.end() || !metadata->is_object()) return slim;
    metadata->erase("managedFields");
    const auto annotations = metadata->find("annotations");
    if (annotations != metadata->end() && annotations->is_object())
        annotations->erase("kubectl.kubernetes.io/last-applied-configuration");
    return slim;
}

Json parsed(std::string_view text) {
    auto document = parse_json(text);  // our own text
    return document.ok() ? *std::move(document) : Json::object();
}

void pack_texts(Packer& packer, const std::vector<std::string>& texts) {
    packer.number(texts.size());
    for (const auto& text : texts) packer.text(text);
}

std::vector<std::string> unpack_texts(Unpacker& unpacker) {
    std::vector<std::string> texts;
    for (auto left = unpacker.number(); left > 0; --left) texts.push_back(unpacker.text());
    return texts;
}

namespace {

// Keys that every ReplicaSet of ours carries, as one byte each.
constexpr std::array<std::string_view, 6> known_keys{"",
                                                     crds::revision_annotation,
                                                     crds::desired_replicas_annotation,
                                                     "sluice.dev/git-source",
                                                     crds::revision_history_annotation,
                                                     crds::scale_down_deadline_annotation};

void pack_annotations(Packer& packer, const crds::TextMap& annotations) {
    packer.number(annotations.size());
    for (const auto& [key, value] : annotations) {
        size_t known = known_keys.size() - 1;
        while (known > 0 && known_keys[known] != key) --known;
        packer.number(known);
        if (known == 0) packer.text(key);
        packer.text(value);
    }
}

crds::TextMap unpack_annotations(Unpacker& unpacker) {
    crds::TextMap annotations;
    for (auto left = unpacker.number(); left > 0; --left) {
        const auto known = unpacker.number();
        std::string key =
            known == 0 ? unpacker.text() : std::string(known_keys.at(known % known_keys.size()));
        annotations[std::move(key)] = unpacker.text();
    }
    return annotations;
}

// ---- Rollout ----

void pack_figures(Packer& packer, const RolloutFigures& figures) {
    packer.text(figures.phase);
    packer.text(figures.strategy);
    packer.text(figures.router);
    packer.integer(figures.desired);
    packer.integer(figures.replicas);
    packer.integer(figures.available);
    packer.integer(figures.updated);
}

RolloutFigures unpack_figures(const kube::Row& row, Unpacker& unpacker) {
    RolloutFigures figures{.ns = row.ns, .name = row.name};
    figures.phase = unpacker.text();
    figures.strategy = unpacker.text();
    figures.router = unpacker.text();
    figures.desired = unpacker.integer();
    figures.replicas = unpacker.integer();
    figures.available = unpacker.integer();
    figures.updated = unpacker.integer();
    return figures;
}

// What is kept of a Rollout's pod template, and of the problems of the whole document.
void pack_facts(Packer& packer, const crds::Rollout& rollout, const std::string& image) {
    const auto& facts = rollout.pod_template;
    packer.text(facts.hash);
    packer.text(facts.digest);
    packer.map(facts.labels);
    packer.integer(facts.containers);
    packer.text(image);
    packer.number(rollout.problems.size());
    for (const auto& problem : rollout.problems) {
        packer.text(problem.path);
        packer.text(problem.what);
        packer.flag(problem.unknown_field);
    }
}

struct RolloutFacts {
    crds::PodTemplateFacts pod_template;
    std::string image;
    std::vector<Problem> problems;
    std::string_view document;
};

RolloutFacts unpack_facts(const kube::Row& row) {
    Unpacker unpacker(row.bytes);
    unpack_figures(row, unpacker);
    for (auto left = unpacker.number(); left > 0; --left) unpacker.number();
    RolloutFacts facts;
    facts.pod_template.hash = unpacker.text();
    facts.pod_template.digest = unpacker.text();
    facts.pod_template.labels = unpacker.map();
    facts.pod_template.containers = unpacker.integer();
    facts.image = unpacker.text();
    for (auto left = unpacker.number(); left > 0; --left) {
        auto path = unpacker.text();
        auto what = unpacker.text();
        facts.problems.push_back({std::move(path), std::move(what), unpacker.flag()});
    }
    facts.document = unpacker.rest();
    return facts;
}

}  // namespace
}  // namespace packs

kube::Row pack_rollout(const Json& document) {
    const auto rollout = crds::decode_rollout(document);
    const Json* containers = find(document, {"spec", "template", "spec", "containers"});
    const bool any = containers && containers->is_array() && !containers->empty();
    Json slim = packs::slim(document);
    // That there is one counts, and what it is stands in the facts.
    if (rollout.spec.has_template) slim["spec"]["template"] = Json::object();
    Packer packer;
    packs::pack_figures(packer, figures_of(rollout));
    const auto marks = used_marks(rollout);
    packer.number(marks.size());
    for (const auto mark : marks) packer.number(mark);
    packs::pack_facts(packer, rollout, any ? text_at(containers->front(), {"image"}) : "");
    packer.rest(to_text(slim));
    return {.ns = {}, .name = {}, .home = {rollout.metadata.name, ""}, .bytes = packer.take()};
}

crds::Rollout rollout_of(const kube::Row& row) {
    auto facts = packs::unpack_facts(row);
    auto rollout = crds::decode_rollout(packs::parsed(facts.document));
    rollout.pod_template = std::move(facts.pod_template);
    rollout.problems = std::move(facts.problems);
    return rollout;
}

policy::delivery::RolloutView rollout_view_of(const kube::Row& row) {
    auto facts = packs::unpack_facts(row);
    auto view = policy::delivery::view_rollout(packs::parsed(facts.document));
    if (!view.template_digest.empty()) view.template_digest = facts.pod_template.digest;
    view.image = std::move(facts.image);
    return view;
}

RolloutFigures rollout_figures_of(const kube::Row& row) {
    Unpacker unpacker(row.bytes);
    return packs::unpack_figures(row, unpacker);
}

bool may_use(const kube::Row& rollout, std::uint32_t mark) {
    Unpacker unpacker(rollout.bytes);
    packs::unpack_figures(rollout, unpacker);
    for (auto left = unpacker.number(); left > 0; --left)
        if (unpacker.number() == mark) return true;
    return false;
}

// ---- what a controller owns ----

kube::RowHome home_under(const Controller& controller) {
    if (controller == Controller{}) return {};
    Packer packer;
    // One byte for ours.
    const bool ours = controller.kind == resources::rollouts.kind;
    packer.flag(ours);
    if (!ours) packer.text(controller.kind);
    packer.text(controller.uid);
    return {controller.name, packer.take()};
}

kube::RowHome home_under(const crds::Rollout& rollout) {
    return home_under(
        Controller{resources::rollouts.kind, rollout.metadata.name, rollout.metadata.uid});
}

namespace packs {

Controller controller_in(const kube::RowHome& home) {
    if (home == kube::RowHome{}) return {};
    Unpacker unpacker(home.owner);
    Controller controller;
    controller.kind = unpacker.flag() ? resources::rollouts.kind : unpacker.text();
    controller.name = home.stem;
    controller.uid = unpacker.text();
    return controller;
}

void pack_hash(Packer& packer, const std::string& name, const kube::RowHome& home,
               const std::string& hash) {
    const std::string start = concat(home.stem, "-", hash);
    const bool in_name = !home.stem.empty() && !hash.empty() && name.starts_with(start);
    packer.number(in_name ? hash.size() : 0);
    if (!in_name) packer.text(hash);
}

std::string unpack_hash(Unpacker& unpacker, const kube::Row& row) {
    const auto size = unpacker.number();
    return size == 0 ? unpacker.text() : row.name.substr(row.home.stem.size() + 1, size);
}

}  // namespace packs

kube::Row pack_replica_set(const Json& document) {
    const auto view = view_replica_set(document);
    const auto& seen = view.seen;
    kube::Row row{.ns = {}, .name = {}, .home = home_under(view.controller), .bytes = {}};
    Packer packer;
    packer.text(seen.uid);
    packer.text(seen.resource_version);
    packs::pack_hash(packer, seen.name, row.home, seen.hash);
    packer.text(seen.template_digest);
    packer.flag(seen.deleting);
    for (const long number :
         {seen.spec_replicas, seen.replicas, seen.ready_replicas, seen.available_replicas,
          seen.min_ready_seconds, seen.generation, seen.observed_generation, seen.revision})
        packer.integer(number);
    packer.time(seen.created);
    packer.text(seen.revision_history);
    packer.optional(seen.desired_replicas);
    packer.optional(seen.scale_down_deadline);
    packs::pack_annotations(packer, seen.annotations);
    packer.text(seen.failure_reason);
    packer.text(seen.failure_message);
    packer.text(seen.anti_affinity);
    // Read only of one that nobody controls, which may be adopted.
    packer.map(view.controller.uid.empty() ? view.labels : crds::TextMap{});
    row.bytes = packer.take();
    return row;
}

ReplicaSetView replica_set_of(const kube::Row& row) {
    Unpacker unpacker(row.bytes);
    policy::rollout::ReplicaSetSeen seen;
    seen.name = row.name;
    seen.uid = unpacker.text();
    seen.resource_version = unpacker.text();
    seen.hash = packs::unpack_hash(unpacker, row);
    seen.template_digest = unpacker.text();
    seen.deleting = unpacker.flag();
    for (long* number :
         {&seen.spec_replicas, &seen.replicas, &seen.ready_replicas, &seen.available_replicas,
          &seen.min_ready_seconds, &seen.generation, &seen.observed_generation, &seen.revision})
        *number = unpacker.integer();
    seen.created = unpacker.time();
    seen.revision_history = unpacker.text();
    seen.desired_replicas = unpacker.optional_integer();
    seen.scale_down_deadline = unpacker.optional_time();
    seen.annotations = packs::unpack_annotations(unpacker);
    seen.failure_reason = unpacker.text();
    seen.failure_message = unpacker.text();
    seen.anti_affinity = unpacker.text();
    auto labels = unpacker.map();
    return {row.ns, std::move(labels), packs::controller_in(row.home), std::move(seen)};
}

// ---- what traffic goes through ----

kube::Row pack_service(const Json& document) {
    const auto view = view_service(document);
    Packer packer;
    packer.map(view.selector);
    packer.text(view.managed_by);
    return {.ns = {}, .name = {}, .home = {view.name, ""}, .bytes = packer.take()};
}

ServiceView service_of(const kube::Row& row) {
    Unpacker unpacker(row.bytes);
    auto selector = unpacker.map();
    return {row.ns, row.name, std::move(selector), unpacker.text()};
}

kube::RowHome home_of_slices(const std::string& service) {
    return {service, ""};
}

kube::Row pack_endpoint_slice(const Json& document) {
    const auto view = view_endpoint_slice(document);
    Packer packer;
    packs::pack_texts(packer, view.ready_pods);
    return {.ns = {}, .name = {}, .home = home_of_slices(view.service), .bytes = packer.take()};
}

EndpointSliceView endpoint_slice_of(const kube::Row& row) {
    Unpacker unpacker(row.bytes);
    return {row.ns, row.home.stem, packs::unpack_texts(unpacker)};
}

// The pods of one ReplicaSet, whose names go on with five random letters, lie together.
kube::Row pack_pod(const Json& document) {
    const auto view = view_pod(document);
    const std::string name = text_at(document, {"metadata", "name"});
    Packer packer;
    packer.text(view.hash);
    packer.number(view.owner);
    packer.time(view.created);
    packer.optional(view.ready_since);
    packer.flag(view.deleting);
    packer.number(view.marks.size());
    for (const auto mark : view.marks) packer.number(mark);
    const auto dash = name.rfind('-');
    return {.ns = {},
            .name = {},
            .home = {dash == std::string::npos ? name : name.substr(0, dash), ""},
            .bytes = packer.take()};
}

PodView pod_of(const kube::Row& row) {
    Unpacker unpacker(row.bytes);
    PodView view;
    view.hash = unpacker.text();
    view.owner = unpacker.number();
    view.created = unpacker.time();
    view.ready_since = unpacker.optional_time();
    view.deleting = unpacker.flag();
    for (auto left = unpacker.number(); left > 0; --left) view.marks.push_back(unpacker.number());
    return view;
}

kube::Row pack_document(const Json& document) {
    return {.ns = {},
            .name = {},
            .home = {text_at(document, {"metadata", "name"}), ""},
            .bytes = to_text(packs::slim(document))};
}

DocumentView document_of(const kube::Row& row) {
    return {packs::parsed(row.bytes)};
}

crds::AnalysisTemplate analysis_template_of(const kube::Row& row) {
    return crds::analysis_template_of(packs::parsed(row.bytes));
}

}  // namespace sluice::shell
