// SPDX-License-Identifier: Apache-2.0
#include "standalone/workloads/endpoint_slice_controller.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone::workloads {
namespace {

const auto slices_of_services = concat(managed_by_label, "=", managed_by_us);

}  // namespace

SliceView decode_slice_view(const Json& slice) {
    const Labels labels = decode_labels(find(slice, {"metadata", "labels"}));
    const auto manager = labels.find(std::string(managed_by_label));
    const auto service = labels.find(std::string(service_name_label));
    const bool ours = manager != labels.end() && manager->second == managed_by_us;
    return {text_at(slice, {"metadata", "namespace"}),
            ours && service != labels.end() ? service->second : "",
            text_at(slice, {"metadata", "resourceVersion"})};
}

EndpointSliceController::EndpointSliceController(const kube::Client& client,
                                                 kube::Cache<ServiceView>& services,
                                                 kube::Cache<PodView>& pods,
                                                 kube::Cache<SliceView>& slices, const Clock& clock,
                                                 Log& log)
    : client_(client),
      services_(services),
      pods_(pods),
      reconciler_(
          {.name = "endpointslice"}, [this](const std::string& key) { return reconcile(key); },
          clock, log) {
    services_.listen(
        [this](const std::string& key, const ServiceView* old, const ServiceView* fresh) {
            if (!old || !fresh || *old != *fresh) reconciler_.add(key);
        });
    pods_.listen([this](const std::string&, const PodView* old, const PodView* fresh) {
        on_pod(old, fresh);
    });
    slices.listen([this](const std::string&, const SliceView* old, const SliceView* fresh) {
        if (old && !old->service.empty()) reconciler_.add(key_of(old->ns, old->service));
        if (fresh && !fresh->service.empty()) reconciler_.add(key_of(fresh->ns, fresh->service));
    });
}

void EndpointSliceController::on_pod(const PodView* old, const PodView* fresh) {
    if (!changes_endpoints(old, fresh)) return;
    for (const auto& service : services_.in_namespace((fresh ? fresh : old)->ns)) {
        if (!wants_endpoints(*service)) continue;
        if ((old && contains(old->labels, service->selector)) ||
            (fresh && contains(fresh->labels, service->selector)))
            reconciler_.add(key_of(service->ns, service->name));
    }
}

Result<std::optional<Duration>> EndpointSliceController::reconcile(const std::string& key) {
    const auto service = services_.get(key);
    // The garbage collector takes the slices of a Service that is gone.
    if (!service) return std::optional<Duration>{};
    const kube::ListOptions ours{
        .ns = service->ns,
        .label_selector = concat(slices_of_services, ",", service_name_label, "=", service->name)};
    const auto existing = TRY(client_.list(resources::endpoint_slices, ours)).items;
    std::vector<PodView> pods;
    for (const auto& pod : pods_.in_namespace(service->ns))
        if (contains(pod->labels, service->selector)) pods.push_back(*pod);
    const auto decision = decide_endpoint_slices(*service, pods, existing);
    for (const auto& slice : decision.create)
        TRY(client_.create(resources::endpoint_slices, slice));
    for (const auto& slice : decision.replace)
        TRY(client_.replace(resources::endpoint_slices, slice));
    for (const auto& name : decision.remove) {
        const auto gone = client_.remove({resources::endpoint_slices, service->ns, name});
        if (!gone.ok() && !gone.failed_with(ErrorKind::NotFound)) return gone.error();
    }
    return std::optional<Duration>{};
}

}  // namespace sluice::standalone::workloads
