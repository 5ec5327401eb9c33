// SPDX-License-Identifier: Apache-2.0
// Bytes that the controller keeps for one object of each kind (DESIGN D9): typical documents, taken
// from the quickstart (tests/bench/documents), through the shipped caches. Counted by malloc, its
// own overhead included.
#include <malloc.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/yaml.hpp"
#include "controller/shell/analysis_runs.hpp"
#include "controller/shell/delivery_world.hpp"
#include "controller/shell/world.hpp"
#include "crds/analysis.hpp"
#include "platform/file.hpp"
#include "tests/bench/report.hpp"

namespace bench {
namespace {

using sluice::concat;
using sluice::Json;
using sluice::Result;
using sluice::kube::InformerSink;
using sluice::kube::WatchEventType;
namespace shell = sluice::shell;

class NoLog final : public sluice::Log {
    void write(sluice::LogLevel, std::string_view, const std::vector<sluice::LogField>&) override {}
};

class NoTransport final : public sluice::HttpTransport {
    Result<sluice::HttpResponse> send(const sluice::HttpRequest&) override {
        return sluice::unavailable("there is no server");
    }
    Result<sluice::HttpResponse> stream(const sluice::HttpRequest&, const sluice::OnChunk&,
                                        std::stop_token) override {
        return sluice::unavailable("there is no server");
    }
};

// Every cache of the controller that holds objects, fed without watches.
struct Caches {
    NoTransport transport;
    NoLog log;
    sluice::kube::Client client{transport, "bench"};
    shell::World world{client, "", log, [](const std::string&) {}};
    shell::DeliveryWorld deliveries{[](const std::string&) {},
                                    [](const sluice::crds::Delivery&) {}};
    shell::AnalysisRunCache runs{sluice::crds::analysis_run_of};
};

// The same object again, of another name in one of a hundred namespaces.
Json another(Json document, int index) {
    auto& metadata = document["metadata"];
    const std::string suffix = concat("-", index);
    const std::string uid = concat("00000000-0000-4000-8000-", 100'000'000'000L + index);
    metadata["name"] = metadata["name"].get<std::string>() + suffix;
    if (metadata.contains("namespace")) metadata["namespace"] = concat("team-", index % 100);
    metadata["uid"] = uid;
    metadata["resourceVersion"] = std::to_string(1'000'000 + index);
    if (metadata.contains("ownerReferences")) {
        auto& owner = metadata["ownerReferences"][0];
        owner["name"] = concat("shop-", index % 500);
        owner["uid"] = uid;
    }
    return document;
}

double in_use() {
    ::malloc_trim(0);
    const auto info = ::mallinfo2();
    return static_cast<double>(info.uordblks + info.hblkhd);
}

double bytes_each(const InformerSink& sink, const Json& document, int objects) {
    const double before = in_use();
    for (int i = 0; i < objects; ++i) sink.on_event({WatchEventType::Added, another(document, i)});
    return (in_use() - before) / objects;
}

struct Kept {
    std::string where;
    InformerSink sink;
};

// What one kind costs in all caches that hold it.
double show(const std::string& kind, const Json& document, const std::vector<Kept>& caches,
            int objects) {
    double sum = 0;
    std::string parts;
    for (const auto& cache : caches) {
        const double bytes = bytes_each(cache.sink, document, objects);
        sum += bytes;
        parts += concat(parts.empty() ? "" : ", ", cache.where, " ", fixed(bytes, 0));
    }
    const bool packed = kind == "ReplicaSet without pods" || kind == "AnalysisRun, finished";
    row(concat("bytes of one ", kind), packed ? "128" : "", fixed(sum, 0),
        concat(parts, "; the document has ", sluice::to_text(document).size()));
    return sum;
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
    const auto caches = std::make_unique<Caches>();
    auto& world = caches->world;
    auto& deliveries = caches->deliveries;
    const int n = options.objects;
    const double rollout =
        show("Rollout", TRY(document(options, "rollout")),
             {{"rollouts", world.rollouts.sink()}, {"deliveries", deliveries.rollouts.sink()}}, n);
    const double replica_set =
        show("ReplicaSet without pods", TRY(document(options, "replica_set")),
             {{"rollouts", world.replica_sets.sink()}}, n);
    const Json finished = TRY(document(options, "analysis_run"));
    const std::vector<Kept> run_caches{{"rollouts", world.analysis_runs.sink()},
                                       {"runs", caches->runs.sink()},
                                       {"deliveries", deliveries.runs.sink()}};
    const double run = show("AnalysisRun, finished", finished, run_caches, n);
    Json live = running(finished);
    live["metadata"]["name"] = "running";
    show("AnalysisRun, running", live, run_caches, n);
    const double delivery = show("Delivery", TRY(document(options, "delivery")),
                                 {{"deliveries", deliveries.deliveries.sink()}}, n);
    show("GitSource", TRY(document(options, "git_source")),
         {{"deliveries", deliveries.sources.sink()}}, n);
    show("Pod", TRY(document(options, "pod")), {{"rollouts", world.pods.sink()}}, n);
    show("Ingress", TRY(document(options, "ingress")), {{"rollouts", world.ingresses.sink()}}, n);
    const auto istio = TRY(istio_documents(options));
    show("VirtualService", istio[0], {{"rollouts", world.virtual_services.sink()}}, n);
    show("DestinationRule", istio[1], {{"rollouts", world.destination_rules.sink()}}, n);
    show("AnalysisTemplate", TRY(document(options, "analysis_template")),
         {{"rollouts", world.analysis_templates.sink()}}, n);
    // Their listeners look through the namespace's Rollouts: last, so that it shows in the time.
    show("Service", TRY(document(options, "service")), {{"rollouts", world.services.sink()}}, n);
    show("EndpointSlice", TRY(document(options, "endpoint_slice")),
         {{"rollouts", world.endpoint_slices.sink()}}, n);
    show_fleet(rollout, replica_set, run, delivery);
    return {};
}

}  // namespace bench
