// SPDX-License-Identifier: Apache-2.0
// How the objects that the controller watches are kept (DESIGN D9), as rows of kube::RowStore, and
// what decisions read of a row. What is kept of an object is exactly what a decision may read of it
// later; everything else of its document is dropped when it is packed:
//
//   Rollout        the document, without its pod template, of which facts and digests are kept, and
//                  without what others noted on it (managedFields, kubectl's copy);
//   ReplicaSet     everything that observe() hands to decide(): some 100 bytes;
//   AnalysisRun    once finished: its verdict and, where that was bad, the trouble. Measurements
//   are
//                  evidence for one Delivery only, which reads them from the server when it needs
//                  them (delivery_world.hpp). Until then the document;
//   Delivery       once recorded, with nothing owed to Git: what later Deliveries of the Rollout
//                  ask of it (quarantine, last promoted, attempts, the record before theirs). Until
//                  then the document. A change to a packed one is decided on the whole one, read
//                  from the server;
//   route objects  the document, because routers work on it; templates: the document, for what
//                  they measure is judged with every Rollout that names them.
#pragma once

#include <cstdint>

#include "controller/policy/delivery/views.hpp"
#include "controller/shell/object_metrics.hpp"
#include "controller/shell/projections.hpp"
#include "crds/analysis.hpp"
#include "crds/delivery.hpp"
#include "platform/kube/rows.hpp"

namespace sluice::shell {

kube::Row pack_rollout(const Json& document);
crds::Rollout rollout_of(const kube::Row& row);
policy::delivery::RolloutView rollout_view_of(const kube::Row& row);
RolloutFigures rollout_figures_of(const kube::Row& row);
// Whether the Rollout may use the object that `mark` stands for (triggers.hpp): never falsely no.
bool may_use(const kube::Row& rollout, std::uint32_t mark);

// Where the objects lie that this one controls; those that nothing controls lie in home {}.
kube::RowHome home_under(const Controller& controller);
kube::RowHome home_under(const crds::Rollout& rollout);

kube::Row pack_replica_set(const Json& document);
ReplicaSetView replica_set_of(const kube::Row& row);

kube::Row pack_analysis_run(const Json& document);
AnalysisRunView analysis_run_view_of(const kube::Row& row);
// A finished one without metrics and results.
crds::AnalysisRun analysis_run_of(const kube::Row& row);
// A finished one without metrics.
policy::delivery::RunView run_view_of(const kube::Row& row);
crds::AnalysisPhase run_phase_of(const kube::Row& row);
// Whether analysis_run_of() leaves metrics and results out.
bool has_ended(const kube::Row& run);

kube::Row pack_delivery(const Json& document);
crds::Delivery delivery_of(const kube::Row& row);
// Whether delivery_of() is all of it.
bool is_whole_delivery(const kube::Row& row);
// Where the Deliveries of a Rollout of that name lie.
kube::RowHome home_of_deliveries(const std::string& rollout);

kube::Row pack_service(const Json& document);
ServiceView service_of(const kube::Row& row);
kube::Row pack_endpoint_slice(const Json& document);
EndpointSliceView endpoint_slice_of(const kube::Row& row);
kube::RowHome home_of_slices(const std::string& service);
kube::Row pack_pod(const Json& document);
PodView pod_of(const kube::Row& row);

// Without managedFields and kubectl's copy of it.
kube::Row pack_document(const Json& document);
DocumentView document_of(const kube::Row& row);
crds::AnalysisTemplate analysis_template_of(const kube::Row& row);  // of either scope

}  // namespace sluice::shell
