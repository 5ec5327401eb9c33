// SPDX-License-Identifier: Apache-2.0
#include "platform/kube/client.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::kube {
namespace {

constexpr std::string_view page_size = "500";
// A line of a watch stream holds one object; etcd refuses objects over 1.5 MiB, we allow 8.
constexpr size_t largest_event = 8U << 20;

ErrorKind kind_of(int status, std::string_view reason) {
    switch (status) {
        case 404: return ErrorKind::NotFound;
        case 409: return reason == "AlreadyExists" ? ErrorKind::AlreadyExists : ErrorKind::Conflict;
        case 410: return ErrorKind::Gone;
        case 401:
        case 403: return ErrorKind::Denied;
        case 429: return ErrorKind::Unavailable;
        case 408:
        case 504: return ErrorKind::Timeout;
        default: return status >= 500 ? ErrorKind::Unavailable : ErrorKind::Invalid;
    }
}

Error error_of(const HttpResponse& response) {
    std::string reason;
    std::string message = response.body.substr(0, 200);
    if (const auto status = parse_json(response.body); status.ok() && status->is_object()) {
        reason = text_at(*status, {"reason"});
        message = text_at(*status, {"message"}, message);
    }
    return {kind_of(response.status, reason), concat(response.status, ": ", message)};
}

void add_parameter(std::string& query, std::string_view name, std::string_view value) {
    if (value.empty()) return;
    query += query.empty() ? '?' : '&';
    query += concat(name, "=", percent_encode(value));
}

std::string list_query(const ListOptions& options) {
    std::string query;
    add_parameter(query, "labelSelector", options.label_selector);
    add_parameter(query, "fieldSelector", options.field_selector);
    return query;
}

// What an item of a list lacks upstream: its own apiVersion and kind.
void stamp(Json& object, const ResourceType& type) {
    if (!object.contains("apiVersion")) object["apiVersion"] = type.api_version();
    if (!object.contains("kind")) object["kind"] = type.kind;
}

std::string_view content_type(PatchType type) {
    switch (type) {
        case PatchType::Json: return "application/json-patch+json";
        case PatchType::Merge: return "application/merge-patch+json";
        case PatchType::StrategicMerge: return "application/strategic-merge-patch+json";
    }
    unreachable();
}

Result<Json> document_of(const HttpResponse& response) {
    if (response.status / 100 != 2) return error_of(response);
    return parse_json(response.body);
}

Result<WatchEvent> event_of(std::string_view line, const ResourceType& type) {
    Json event = TRY(parse_json(line));
    const std::string name = text_at(event, {"type"});
    Json object =
        event.is_object() && event.contains("object") ? std::move(event["object"]) : Json{};
    if (name == "ERROR") {
        const int code = static_cast<int>(integer_at(object, {"code"}, 500));
        return Error{kind_of(code, text_at(object, {"reason"})),
                     concat(code, ": ", text_at(object, {"message"}, "watch error"))};
    }
    if (!object.is_object()) return unavailable("a watch event without an object");
    stamp(object, type);
    if (name == "ADDED") return WatchEvent{WatchEventType::Added, std::move(object)};
    if (name == "MODIFIED") return WatchEvent{WatchEventType::Modified, std::move(object)};
    if (name == "DELETED") return WatchEvent{WatchEventType::Deleted, std::move(object)};
    if (name == "BOOKMARK") return WatchEvent{WatchEventType::Bookmark, std::move(object)};
    return unavailable(concat("a watch event of unknown type \"", name, "\""));
}

ObjectRef ref_of(const ResourceType& type, const Json& object) {
    return {type, text_at(object, {"metadata", "namespace"}),
            text_at(object, {"metadata", "name"})};
}

}  // namespace

std::string path_of(const ObjectRef& ref, std::string_view subresource) {
    const auto& type = ref.type;
    std::string path = type.group.empty() ? concat("/api/", type.version)
                                          : concat("/apis/", type.group, "/", type.version);
    if (type.namespaced && !ref.ns.empty()) path += "/namespaces/" + percent_encode(ref.ns);
    path += "/" + type.plural;
    if (!ref.name.empty()) path += "/" + percent_encode(ref.name);
    if (!subresource.empty()) path += concat("/", subresource);
    return path;
}

Client::Client(HttpTransport& transport, std::string user_agent, Duration deadline)
    : transport_(transport), user_agent_(std::move(user_agent)), deadline_(deadline) {}

Result<HttpResponse> Client::raw(HttpRequest request) const {
    request.headers.push_back({"User-Agent", user_agent_});
    if (!header(request.headers, "Accept"))
        request.headers.push_back({"Accept", "application/json"});
    request.deadline = deadline_;
    return transport_.send(request);
}

Result<Json> Client::get(const ObjectRef& ref) const {
    const auto attempt = "get " + to_text(ref);
    const auto response = TRY(raw({.url = path_of(ref)}).while_doing(attempt));
    return document_of(response).while_doing(attempt);
}

Result<ObjectList> Client::list(const ResourceType& type, const ListOptions& options) const {
    ObjectList list;
    list.resource_version =
        TRY(list_each(type, options, [&](Json&& item) { list.items.push_back(std::move(item)); }));
    return list;
}

Result<std::string> Client::list_each(const ResourceType& type, const ListOptions& options,
                                      const std::function<void(Json&&)>& take) const {
    const auto attempt = concat("list ", type.plural, options.ns.empty() ? "" : " in ", options.ns);
    const auto stamp_and_take = [&](Json&& item) {
        stamp(item, type);
        take(std::move(item));
    };
    std::string version;
    std::string next;
    do {
        std::string query = list_query(options);
        add_parameter(query, "limit", page_size);
        add_parameter(query, "continue", next);
        const auto response =
            TRY(raw({.url = path_of({type, options.ns, ""}) + query}).while_doing(attempt));
        if (response.status / 100 != 2) return error_of(response).while_doing(attempt);
        const Json page =
            TRY(parse_json_items(response.body, "items", stamp_and_take).while_doing(attempt));
        if (!page.is_object() || !page.contains("items"))
            return unavailable(attempt + ": the answer has no items");
        version = text_at(page, {"metadata", "resourceVersion"});
        next = text_at(page, {"metadata", "continue"});
    } while (!next.empty());
    return version;
}

Result<Json> Client::create(const ResourceType& type, const Json& object) const {
    ObjectRef ref = ref_of(type, object);
    const auto attempt = "create " + to_text(ref);
    ref.name.clear();
    const auto response =
        TRY(raw({.method = "POST",
                 .url = path_of(ref) + "?fieldManager=" + percent_encode(user_agent_),
                 .headers = {{"Content-Type", "application/json"}},
                 .body = to_text(object)})
                .while_doing(attempt));
    return document_of(response).while_doing(attempt);
}

Result<Json> Client::replace(const ResourceType& type, const Json& object,
                             std::string_view subresource) const {
    const ObjectRef ref = ref_of(type, object);
    const auto attempt = "replace " + to_text(ref);
    const auto response =
        TRY(raw({.method = "PUT",
                 .url = path_of(ref, subresource) + "?fieldManager=" + percent_encode(user_agent_),
                 .headers = {{"Content-Type", "application/json"}},
                 .body = to_text(object)})
                .while_doing(attempt));
    return document_of(response).while_doing(attempt);
}

Result<Json> Client::patch(const ObjectRef& ref, PatchType patch_type, const Json& patch,
                           std::string_view subresource) const {
    const auto attempt = "patch " + to_text(ref);
    const auto response =
        TRY(raw({.method = "PATCH",
                 .url = path_of(ref, subresource) + "?fieldManager=" + percent_encode(user_agent_),
                 .headers = {{"Content-Type", std::string(content_type(patch_type))}},
                 .body = to_text(patch)})
                .while_doing(attempt));
    return document_of(response).while_doing(attempt);
}

Result<void> Client::remove(const ObjectRef& ref, const DeleteOptions& options) const {
    const auto attempt = "delete " + to_text(ref);
    Json body = {{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
    if (!options.uid.empty()) body["preconditions"]["uid"] = options.uid;
    if (!options.resource_version.empty())
        body["preconditions"]["resourceVersion"] = options.resource_version;
    if (!options.propagation.empty()) body["propagationPolicy"] = options.propagation;
    if (options.grace_period) body["gracePeriodSeconds"] = options.grace_period->count();
    const auto response = TRY(raw({.method = "DELETE",
                                   .url = path_of(ref),
                                   .headers = {{"Content-Type", "application/json"}},
                                   .body = to_text(body)})
                                  .while_doing(attempt));
    if (response.status / 100 != 2) return error_of(response).while_doing(attempt);
    return {};
}

Result<bool> Client::evict(const ObjectRef& pod, const std::string& uid) const {
    const auto attempt = "evict " + to_text(pod);
    const Json body = {{"apiVersion", "policy/v1"},
                       {"kind", "Eviction"},
                       {"metadata", {{"name", pod.name}, {"namespace", pod.ns}}},
                       {"deleteOptions", {{"preconditions", {{"uid", uid}}}}}};
    const auto response = TRY(raw({.method = "POST",
                                   .url = path_of(pod, "eviction"),
                                   .headers = {{"Content-Type", "application/json"}},
                                   .body = to_text(body)})
                                  .while_doing(attempt));
    if (response.status == 429) return false;
    if (response.status / 100 != 2) return error_of(response).while_doing(attempt);
    return true;
}

Result<void> Client::watch(const ResourceType& type, const ListOptions& options,
                           std::string_view resource_version,
                           const std::function<void(WatchEvent)>& on_event,
                           std::stop_token stop) const {
    const auto attempt =
        concat("watch ", type.plural, options.ns.empty() ? "" : " in ", options.ns);
    std::string query = list_query(options);
    add_parameter(query, "watch", "true");
    add_parameter(query, "allowWatchBookmarks", "true");
    add_parameter(query, "resourceVersion", resource_version);
    std::string pending;
    std::optional<Error> problem;
    const auto on_chunk = [&](std::string_view chunk) {
        pending += chunk;
        size_t start = 0;
        for (size_t end = 0; (end = pending.find('\n', start)) != std::string::npos;
             start = end + 1) {
            const auto line = trim(std::string_view(pending).substr(start, end - start));
            if (line.empty()) continue;
            auto event = event_of(line, type);
            if (!event.ok()) {
                problem = event.error();
                return false;
            }
            on_event(std::move(*event));
        }
        pending.erase(0, start);
        if (pending.size() > largest_event) problem = unavailable("a watch event is too large");
        return !problem;
    };
    HttpRequest request{.url = path_of({type, options.ns, ""}) + query,
                        .headers = {{"User-Agent", user_agent_}, {"Accept", "application/json"}}};
    const auto response =
        TRY(transport_.stream(request, on_chunk, std::move(stop)).while_doing(attempt));
    if (problem) return std::move(*problem).while_doing(attempt);
    if (response.status != 0 && response.status / 100 != 2)
        return error_of(response).while_doing(attempt);
    return {};
}

}  // namespace sluice::kube
