// SPDX-License-Identifier: Apache-2.0
// Bytes that the controller keeps for one object of each kind (DESIGN D9): typical documents, taken
// from the quickstart (tests/bench/documents), through the shipped caches. Counted by malloc, its
// own overhead included.
#include <malloc.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/yaml.hpp"
#include "controller/shell/caches.hpp"
#include "platform/file.hpp"
#include "tests/bench/report.hpp"

namespace bench {
namespace {

using sluice::concat;
using sluice::Json;
using sluice::Result;
namespace shell = sluice::shell;

// The same object again, with names as a fleet has them: ten of a kind for each Rollout, Rollouts
// in a hundred namespaces.
Json another(Json document, int index) {
    auto& metadata = document["metadata"];
    const bool owned = metadata.contains("ownerReferences");
    const int owner = owned ? index / 10 : index;
    const std::string uid = concat("00000000-0000-4000-8000-", 100'000'000'000L + index);
    const std::string owner_uid = concat("00000000-0000-4000-9000-", 100'000'000'000L + owner);
    const std::string first = concat("shop-", owner);
    // "shop-65f8bbf6c8-2-11" of Rollout "shop" becomes "shop-17-65f8bbf3-2-11" of "shop-17".
    std::string name = metadata["name"].get<std::string>().substr(4);
    const std::string hash = sluice::text_at(metadata, {"labels", "rollouts-pod-template-hash"});
    if (const auto at = name.find(hash); owned && !hash.empty() && at != std::string::npos) {
        const std::string fresh = concat(hash.substr(0, hash.size() - 1), index % 10);
        name.replace(at, hash.size(), fresh);
        metadata["labels"]["rollouts-pod-template-hash"] = fresh;
    }
    metadata["name"] = first + name;
    if (document["kind"] == "Delivery") {
        metadata["name"] = concat(first, "-", index % 10 + 1);
        document["spec"]["rollout"] = {{"name", first}, {"uid", owner_uid}};
        document["spec"]["number"] = index % 10 + 1;
    }
    if (metadata.contains("namespace")) metadata["namespace"] = concat("team-", owner % 100);
    metadata["uid"] = owned ? uid : owner_uid;
    metadata["resourceVersion"] = std::to_string(1'000'000 + index);
    if (owned) {
        auto& reference = metadata["ownerReferences"][0];
        reference["name"] = first;
        reference["uid"] = owner_uid;
    }
    return document;
}

double in_use() {
    ::malloc_trim(0);
    const auto info = ::mallinfo2();
    return static_cast<double>(info.uordblks + info.hblkhd);
}

double bytes_each(sluice::kube::RowStore& store, const Json& document, int objects) {
    const auto sink = store.sink();
    const double before = in_use();
    sink.on_list_begin();
    for (int i = 0; i < objects; ++i) sink.on_item(another(document, i));
    sink.on_list_end();
    return (in_use() - before) / objects;
}

double show(const std::string& kind, const Json& document, sluice::kube::RowStore& store,
            int objects) {
    const double bytes = bytes_each(store, document, objects);
    const bool packed = kind == "ReplicaSet without pods" || kind == "AnalysisRun, finished";
    row(concat("bytes of one ", kind), packed ? "128" : "", fixed(bytes, 0),
        concat("the document has ", sluice::to_text(document).size()));
    return bytes;
}

Result<Json> document(const Options& options, const std::string& name) {
    const auto text =
        TRY(sluice::read_file(concat(options.source, "/tests/bench/documents/", name, ".json")));
    return sluice::parse_json(text);
}

Result<std::vector<Json>> istio_documents(const Options& options) {
    const std::string path = options.source + "/examples/quickstart/manifests/istio/routes.yaml";
    std::vector<Json> documents;
    const auto text = TRY(sluice::read_file(path));
    for (const auto& part : TRY(sluice::parse_yaml(text, path)))
        documents.push_back(TRY(sluice::parse_json(part.text)));
    if (documents.size() != 2) return sluice::invalid("routes.yaml no longer holds two documents");
    return documents;
}

Json running(Json run) {
    run["status"]["phase"] = "Running";
    run["status"].erase("completedAt");
    for (auto& metric : run["status"]["metricResults"]) metric["phase"] = "Running";
    return run;
}

// The promise of D9: 10,000 Rollouts, each with 10 old ReplicaSets, 10 finished runs, 5 Deliveries.
void show_fleet(double rollout, double replica_set, double run, double delivery) {
    const double fleet = 10'000 * (rollout + 10 * replica_set + 10 * run + 5 * delivery);
    row("D9's 10,000 Rollouts with their objects", "128 MiB",
        concat(fixed(fleet / (1 << 20), 0), " MiB"), "reckoned from the rows above: heap alone");
}

}  // namespace

Result<void> measure_memory(const Options& options) {
    // Each kind in caches of its own: nothing of one is freed where the next is counted.
    std::vector<std::unique_ptr<shell::Caches>> all;
    const auto fresh = [&]() -> shell::Caches& {
        return *all.emplace_back(std::make_unique<shell::Caches>(""));
    };
    const int n = options.objects;
    const double rollout = show("Rollout", TRY(document(options, "rollout")), fresh().rollouts, n);
    const double replica_set = show("ReplicaSet without pods",
                                    TRY(document(options, "replica_set")), fresh().replica_sets, n);
    const Json finished = TRY(document(options, "analysis_run"));
    const double run = show("AnalysisRun, finished", finished, fresh().analysis_runs, n);
    show("AnalysisRun, running", running(finished), fresh().analysis_runs, n);
    Json ended = TRY(document(options, "delivery"));
    const double delivery = show("Delivery, recorded", ended, fresh().deliveries, n);
    ended["status"]["recorded"] = false;
    show("Delivery, not yet recorded", ended, fresh().deliveries, n);
    show("GitSource", TRY(document(options, "git_source")), fresh().git_sources, n);
    show("Pod", TRY(document(options, "pod")), fresh().pods, n);
    show("Service", TRY(document(options, "service")), fresh().services, n);
    show("EndpointSlice", TRY(document(options, "endpoint_slice")), fresh().endpoint_slices, n);
    show("Ingress", TRY(document(options, "ingress")), fresh().ingresses, n);
    const auto istio = TRY(istio_documents(options));
    show("VirtualService", istio[0], fresh().virtual_services, n);
    show("DestinationRule", istio[1], fresh().destination_rules, n);
    show("AnalysisTemplate", TRY(document(options, "analysis_template")),
         fresh().analysis_templates, n);
    show_fleet(rollout, replica_set, run, delivery);
    return {};
}

}  // namespace bench
