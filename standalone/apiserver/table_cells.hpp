// SPDX-License-Identifier: Apache-2.0
// Cells that are more than a field: how upstream's printers put them together. Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/time.hpp"

namespace sluice::standalone::apiserver {

using CellFunction = std::function<Json(const Json& object)>;

// The value at "status.phase"; null where it is absent (kubectl prints <none>), text for whole
// objects.
Json value_at(const Json& object, std::string_view path);
std::string without_leading_dot(std::string_view path);
std::string age_text(std::string_view since, TimePoint now);

Json pod_ready(const Json& pod);
Json pod_status(const Json& pod);
Json pod_restarts(const Json& pod);
Json deployment_ready(const Json& deployment);
Json service_ports(const Json& service);
Json service_selector(const Json& service);
Json ingress_hosts(const Json& ingress);
Json ingress_address(const Json& ingress);
Json ingress_ports(const Json& ingress);
Json event_last_seen(const Json& event);
Json event_object(const Json& event);
Json node_status(const Json& node);
Json data_count(const Json& object);
Json slice_endpoints(const Json& slice);
// Of the condition Ready.
Json ready_condition(const Json& object);
Json ready_message(const Json& object);

}  // namespace sluice::standalone::apiserver
