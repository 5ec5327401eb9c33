// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/workload_cells.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/time.hpp"
#include "standalone/apiserver/table.hpp"

namespace sluice::standalone::apiserver {
namespace {

constexpr const char* nothing_there = "<none>";

Json joined_or_none(const std::vector<std::string>& parts) {
    return parts.empty() ? Json(nothing_there) : Json(join(parts, ","));
}

std::string plain_text(const Json& value) {
    return value.is_string() ? value.get<std::string>() : to_text(value);
}

const Json& items_at(const Json& object, std::initializer_list<std::string_view> path) {
    static const Json none = Json::array();
    const Json* list = find(object, path);
    return list && list->is_array() ? *list : none;
}

std::vector<std::string> container_texts(const Json& workload, const char* field) {
    std::vector<std::string> texts;
    for (const auto& container : items_at(workload, {"spec", "template", "spec", "containers"}))
        texts.push_back(text_at(container, {field}));
    return texts;
}

bool has_condition(const Json& object, std::string_view type) {
    for (const auto& condition : items_at(object, {"status", "conditions"}))
        if (text_at(condition, {"type"}) == type && text_at(condition, {"status"}) == "True")
            return true;
    return false;
}

Json text_or(const Json& object, std::initializer_list<std::string_view> path,
             const char* otherwise) {
    const Json* value = find(object, path);
    return value ? Json(plain_text(*value)) : Json(otherwise);
}

// "cpu: 12%/50%".
std::string metric_target(const Json& metric, const Json& autoscaler) {
    const std::string name = text_at(metric, {"resource", "name"});
    if (name.empty()) return "<unknown>";
    const Json* share = find(metric, {"resource", "target", "averageUtilization"});
    std::string now = "<unknown>";
    for (const auto& current : items_at(autoscaler, {"status", "currentMetrics"}))
        if (text_at(current, {"resource", "name"}) == name)
            if (const Json* value = find(current, {"resource", "current",
                                                   share ? "averageUtilization" : "averageValue"}))
                now = share ? plain_text(*value) + "%" : plain_text(*value);
    if (share) return concat(name, ": ", now, "/", plain_text(*share), "%");
    return concat(name, ": ", now, "/", text_at(metric, {"resource", "target", "averageValue"}));
}

}  // namespace

Json template_container_names(const Json& workload) {
    return join(container_texts(workload, "name"), ",");
}

Json template_container_images(const Json& workload) {
    return join(container_texts(workload, "image"), ",");
}

std::string label_selector_text(const Json& selector) {
    std::vector<std::string> parts;
    if (const Json* labels = find(selector, {"matchLabels"}); labels && labels->is_object())
        for (const auto& [key, value] : labels->items())
            parts.push_back(concat(key, "=", plain_text(value)));
    for (const auto& expression : items_at(selector, {"matchExpressions"})) {
        const std::string key = text_at(expression, {"key"});
        const std::string op = text_at(expression, {"operator"});
        std::vector<std::string> values;
        for (const auto& value : items_at(expression, {"values"}))
            values.push_back(plain_text(value));
        if (op == "Exists") parts.push_back(key);
        if (op == "DoesNotExist") parts.push_back("!" + key);
        if (op == "In") parts.push_back(concat(key, " in (", join(values, ","), ")"));
        if (op == "NotIn") parts.push_back(concat(key, " notin (", join(values, ","), ")"));
    }
    return join(parts, ",");
}

Json workload_selector(const Json& workload) {
    const Json* selector = find(workload, {"spec", "selector"});
    const std::string text = selector ? label_selector_text(*selector) : "";
    return text.empty() ? Json(nothing_there) : Json(text);
}

Json job_status(const Json& job) {
    if (has_condition(job, "Complete")) return "Complete";
    if (has_condition(job, "Failed")) return "Failed";
    if (find(job, {"metadata", "deletionTimestamp"})) return "Terminating";
    if (has_condition(job, "Suspended")) return "Suspended";
    return "Running";
}

Json job_completions(const Json& job) {
    const long done = integer_at(job, {"status", "succeeded"});
    if (const Json* wanted = find(job, {"spec", "completions"}))
        return concat(done, "/", plain_text(*wanted));
    const long parallel = integer_at(job, {"spec", "parallelism"});
    return parallel > 1 ? Json(concat(done, "/1 of ", parallel)) : Json(concat(done, "/1"));
}

// Of one that has ended: table cells know no clock, and upstream's running ones age as they stand.
Json job_duration(const Json& job) {
    const auto start = parse_rfc3339(text_at(job, {"status", "startTime"}));
    const auto end = parse_rfc3339(text_at(job, {"status", "completionTime"}));
    return start.ok() && end.ok() ? Json(human_duration(*end - *start)) : Json("");
}

Json budget_min_available(const Json& budget) {
    return text_or(budget, {"spec", "minAvailable"}, "N/A");
}
Json budget_max_unavailable(const Json& budget) {
    return text_or(budget, {"spec", "maxUnavailable"}, "N/A");
}

Json autoscaler_reference(const Json& autoscaler) {
    return concat(text_at(autoscaler, {"spec", "scaleTargetRef", "kind"}), "/",
                  text_at(autoscaler, {"spec", "scaleTargetRef", "name"}));
}

Json autoscaler_targets(const Json& autoscaler) {
    std::vector<std::string> targets;
    for (const auto& metric : items_at(autoscaler, {"spec", "metrics"}))
        targets.push_back(metric_target(metric, autoscaler));
    return joined_or_none(targets);
}

Json autoscaler_min_pods(const Json& autoscaler) {
    return text_or(autoscaler, {"spec", "minReplicas"}, "<unset>");
}

Json endpoints_addresses(const Json& endpoints) {
    std::vector<std::string> places;
    for (const auto& subset : items_at(endpoints, {"subsets"}))
        for (const auto& address : items_at(subset, {"addresses"})) {
            for (const auto& port : items_at(subset, {"ports"}))
                places.push_back(concat(text_at(address, {"ip"}), ":", integer_at(port, {"port"})));
            if (items_at(subset, {"ports"}).empty()) places.push_back(text_at(address, {"ip"}));
        }
    if (places.size() <= 3) return joined_or_none(places);
    const size_t more = places.size() - 3;
    places.resize(3);
    return concat(join(places, ","), " + ", more, " more...");
}

Json slice_ports(const Json& slice) {
    std::vector<std::string> ports;
    for (const auto& port : items_at(slice, {"ports"}))
        if (const Json* number = find(port, {"port"})) ports.push_back(plain_text(*number));
    return ports.empty() ? Json("<unset>") : Json(join(ports, ","));
}

Json node_roles(const Json& node) {
    constexpr std::string_view prefix = "node-role.kubernetes.io/";
    std::vector<std::string> roles;
    if (const Json* labels = find(node, {"metadata", "labels"}); labels && labels->is_object())
        for (const auto& [key, value] : labels->items())
            if (key.starts_with(prefix)) roles.push_back(key.substr(prefix.size()));
    return joined_or_none(roles);
}

Json event_source(const Json& event) {
    std::vector<std::string> parts{
        text_at(event, {"source", "component"}, text_at(event, {"reportingComponent"}))};
    if (std::string host = text_at(event, {"source", "host"}); !host.empty())
        parts.push_back(std::move(host));
    return join(parts, ", ");
}

}  // namespace sluice::standalone::apiserver
