// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/table_cells.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/apiserver/table.hpp"

namespace sluice::standalone::apiserver {
namespace {

// The items of a list at a path; none where it is absent.
std::vector<Json> list_at(const Json& object, std::initializer_list<std::string_view> path) {
    const Json* list = find(object, path);
    if (!list || !list->is_array()) return {};
    return list->get<std::vector<Json>>();
}

std::string scalar_text(const Json& value) {
    return value.is_string() ? value.get<std::string>() : to_text(value);
}

Json none_if_empty(std::string text) {
    return text.empty() ? Json("<none>") : Json(std::move(text));
}

const Json* condition(const Json& object, std::string_view type) {
    const Json* list = find(object, {"status", "conditions"});
    if (!list || !list->is_array()) return nullptr;
    for (const auto& item : *list)
        if (text_at(item, {"type"}) == type) return &item;
    return nullptr;
}

}  // namespace

std::string human_duration(Duration age) {
    const long seconds = std::chrono::duration_cast<std::chrono::seconds>(age).count();
    if (seconds < 0) return "0s";
    const auto two = [](long large, const char* large_unit, long small, const char* small_unit) {
        return small == 0 ? concat(large, large_unit)
                          : concat(large, large_unit, small, small_unit);
    };
    const long minutes = seconds / 60;
    const long hours = minutes / 60;
    const long days = hours / 24;
    if (seconds < 120) return concat(seconds, "s");
    if (minutes < 10) return two(minutes, "m", seconds % 60, "s");
    if (hours < 3) return concat(minutes, "m");
    if (hours < 8) return two(hours, "h", minutes % 60, "m");
    if (hours < 48) return concat(hours, "h");
    if (days < 8) return two(days, "d", hours % 24, "h");
    if (days < 730) return concat(days, "d");
    if (days < 8 * 365) return two(days / 365, "y", days % 365, "d");
    return concat(days / 365, "y");
}

std::string age_text(std::string_view since, TimePoint now) {
    const auto when = parse_rfc3339(since);
    return when.ok() ? human_duration(now - *when) : "<unknown>";
}

std::string without_leading_dot(std::string_view path) {
    return std::string(path.starts_with('.') ? path.substr(1) : path);
}

Json value_at(const Json& object, std::string_view path) {
    const Json* at = &object;
    for (const auto& key : split(path, '.')) {
        if (!at->is_object() || !at->contains(key)) return nullptr;
        at = &at->at(key);
    }
    return at->is_structured() ? Json(to_text(*at)) : *at;
}

Json pod_ready(const Json& pod) {
    const auto statuses = list_at(pod, {"status", "containerStatuses"});
    const auto ready =
        std::ranges::count_if(statuses, [](const Json& s) { return bool_at(s, {"ready"}); });
    return concat(ready, "/", list_at(pod, {"spec", "containers"}).size());
}

Json pod_status(const Json& pod) {
    std::string text =
        text_at(pod, {"status", "reason"}, text_at(pod, {"status", "phase"}, "Unknown"));
    for (const auto& status : list_at(pod, {"status", "containerStatuses"})) {
        if (std::string reason = text_at(status, {"state", "waiting", "reason"}); !reason.empty())
            text = std::move(reason);
        else if (std::string ended = text_at(status, {"state", "terminated", "reason"});
                 !ended.empty())
            text = std::move(ended);
    }
    if (find(pod, {"metadata", "deletionTimestamp"})) text = "Terminating";
    return text;
}

Json pod_restarts(const Json& pod) {
    long restarts = 0;
    for (const auto& status : list_at(pod, {"status", "containerStatuses"}))
        restarts += integer_at(status, {"restartCount"});
    return std::to_string(restarts);
}

Json deployment_ready(const Json& deployment) {
    return concat(integer_at(deployment, {"status", "readyReplicas"}), "/",
                  integer_at(deployment, {"spec", "replicas"}));
}

Json service_ports(const Json& service) {
    std::vector<std::string> ports;
    for (const auto& port : list_at(service, {"spec", "ports"}))
        ports.push_back(
            concat(integer_at(port, {"port"}), "/", text_at(port, {"protocol"}, "TCP")));
    return none_if_empty(join(ports, ","));
}

Json service_selector(const Json& service) {
    std::vector<std::string> parts;
    if (const Json* selector = find(service, {"spec", "selector"});
        selector && selector->is_object())
        for (const auto& [key, value] : selector->items())
            parts.push_back(concat(key, "=", scalar_text(value)));
    return none_if_empty(join(parts, ","));
}

Json ingress_hosts(const Json& ingress) {
    std::vector<std::string> hosts;
    for (const auto& rule : list_at(ingress, {"spec", "rules"}))
        if (std::string host = text_at(rule, {"host"}); !host.empty())
            hosts.push_back(std::move(host));
    return hosts.empty() ? Json("*") : Json(join(hosts, ","));
}

Json ingress_address(const Json& ingress) {
    std::vector<std::string> addresses;
    for (const auto& item : list_at(ingress, {"status", "loadBalancer", "ingress"}))
        addresses.push_back(text_at(item, {"ip"}, text_at(item, {"hostname"})));
    return join(addresses, ",");
}

Json ingress_ports(const Json& ingress) {
    return list_at(ingress, {"spec", "tls"}).empty() ? "80" : "80, 443";
}

// The time itself; table.cpp turns it into an age.
Json event_last_seen(const Json& event) {
    for (const auto path : {"lastTimestamp", "eventTime", "firstTimestamp"})
        if (std::string when = text_at(event, {path}); !when.empty()) return when;
    return text_at(event, {"metadata", "creationTimestamp"});
}

Json event_object(const Json& event) {
    return concat(to_lower(text_at(event, {"involvedObject", "kind"})), "/",
                  text_at(event, {"involvedObject", "name"}));
}

Json node_status(const Json& node) {
    const Json* ready = condition(node, "Ready");
    if (!ready) return "Unknown";
    return text_at(*ready, {"status"}) == "True" ? "Ready" : "NotReady";
}

Json data_count(const Json& object) {
    size_t count = 0;
    for (const auto field : {"data", "binaryData"})
        if (const Json* data = find(object, {field})) count += data->size();
    return count;
}

Json slice_endpoints(const Json& slice) {
    std::vector<std::string> addresses;
    for (const auto& endpoint : list_at(slice, {"endpoints"}))
        for (const auto& address : list_at(endpoint, {"addresses"}))
            addresses.push_back(scalar_text(address));
    return none_if_empty(join(addresses, ","));
}

Json ready_condition(const Json& object) {
    const Json* ready = condition(object, "Ready");
    return ready ? Json(text_at(*ready, {"status"})) : Json("Unknown");
}

Json ready_message(const Json& object) {
    const Json* ready = condition(object, "Ready");
    return ready ? Json(text_at(*ready, {"message"})) : Json("");
}

}  // namespace sluice::standalone::apiserver
