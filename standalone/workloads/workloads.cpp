// SPDX-License-Identifier: Apache-2.0
#include "standalone/workloads/workloads.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "platform/kube/informer.hpp"
#include "standalone/workloads/deployment_controller.hpp"
#include "standalone/workloads/endpoint_slice_controller.hpp"
#include "standalone/workloads/garbage_collector.hpp"
#include "standalone/workloads/job_controller.hpp"
#include "standalone/workloads/replica_set_controller.hpp"

namespace sluice::standalone {
namespace workloads {
namespace {

// One watch feeds two readers.
kube::InformerSink fan_out(std::vector<kube::InformerSink> sinks) {
    return {[sinks] {
                for (const auto& sink : sinks) sink.on_list_begin();
            },
            [sinks](const Json& item) {
                for (const auto& sink : sinks) sink.on_item(item);
            },
            [sinks] {
                for (const auto& sink : sinks) sink.on_list_end();
            },
            [sinks](const kube::WatchEvent& event) {
                for (const auto& sink : sinks) sink.on_event(event);
            }};
}

}  // namespace
}  // namespace workloads

// Members are destroyed from the last to the first: first nobody starts anything, then the watches
// end, then the workers, then what they read.
class Workloads::Parts final {
public:
    Parts(const kube::Client& client, const Clock& clock, Log& log)
        : replica_set_controller_(client, replica_sets_, pods_, clock, log),
          deployment_controller_(client, deployments_, replica_sets_, pods_, clock, log),
          job_controller_(client, jobs_, pods_, clock, log),
          endpoint_slice_controller_(client, services_, pods_, slices_, clock, log),
          garbage_collector_(client, clock, log) {
        for (const auto& type : workloads::collected_types()) watch(client, type, log);
        starter_ = std::jthread([this](const std::stop_token& stop) { start(stop); });
    }

    [[nodiscard]] bool ready() const { return ready_.load(); }

private:
    void watch(const kube::Client& client, const ResourceType& type, Log& log) {
        std::vector<kube::InformerSink> sinks;
        if (type == resources::pods) sinks.push_back(pods_.sink());
        if (type == resources::replica_sets) sinks.push_back(replica_sets_.sink());
        if (type == resources::deployments) sinks.push_back(deployments_.sink());
        if (type == resources::jobs) sinks.push_back(jobs_.sink());
        if (type == resources::services) sinks.push_back(services_.sink());
        if (type == resources::endpoint_slices) sinks.push_back(slices_.sink());
        sinks.push_back(garbage_collector_.sink(type));
        informers_.push_back(std::make_unique<kube::Informer>(
            client, type, kube::ListOptions{}, workloads::fan_out(std::move(sinks)), log));
    }

    // The garbage collector reads owners from the server, so a kind whose watch is late (a CRD that
    // is not there) need not hold up the others.
    void start(const std::stop_token& stop) {
        std::vector<const kube::Informer*> needed;
        for (const auto& informer : informers_)
            if (std::ranges::count(
                    std::array{resources::pods, resources::services, resources::replica_sets,
                               resources::endpoint_slices, resources::deployments, resources::jobs},
                    informer->type()) > 0)
                needed.push_back(informer.get());
        if (!kube::wait_for_sync(needed, stop)) return;
        replica_set_controller_.start();
        deployment_controller_.start();
        job_controller_.start();
        endpoint_slice_controller_.start();
        garbage_collector_.start();
        ready_ = true;
    }

    kube::Cache<workloads::PodView> pods_{workloads::decode_pod_view};
    kube::Cache<workloads::ReplicaSetView> replica_sets_{workloads::decode_replica_set_view};
    kube::Cache<workloads::DeploymentView> deployments_{workloads::decode_deployment_view};
    kube::Cache<workloads::JobView> jobs_{workloads::decode_job_view};
    kube::Cache<workloads::ServiceView> services_{workloads::decode_service_view};
    kube::Cache<workloads::SliceView> slices_{workloads::decode_slice_view};
    workloads::ReplicaSetController replica_set_controller_;
    workloads::DeploymentController deployment_controller_;
    workloads::JobController job_controller_;
    workloads::EndpointSliceController endpoint_slice_controller_;
    workloads::GarbageCollector garbage_collector_;
    std::vector<std::unique_ptr<kube::Informer>> informers_;
    std::atomic<bool> ready_ = false;
    std::jthread starter_;
};

Workloads::Workloads(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Workloads::~Workloads() = default;
bool Workloads::ready() const {
    return parts_->ready();
}

std::unique_ptr<Workloads> start_workloads(const kube::Client& client, const Clock& clock,
                                           Log& log) {
    return std::make_unique<Workloads>(std::make_unique<Workloads::Parts>(client, clock, log));
}

}  // namespace sluice::standalone
