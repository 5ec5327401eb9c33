// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/handler.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/yaml.hpp"
#include "standalone/apiserver/call.hpp"
#include "standalone/apiserver/discovery.hpp"
#include "standalone/apiserver/schema/protobuf.hpp"

namespace sluice::standalone::apiserver {

Answer json_answer(int status, std::string body) {
    return {{.status = status,
             .headers = {{"Content-Type", "application/json"}},
             .body = std::move(body) + "\n"},
            nullptr};
}

Answer text_answer(int status, std::string body) {
    return {{.status = status,
             .headers = {{"Content-Type", "text/plain; charset=utf-8"},
                         {"X-Content-Type-Options", "nosniff"}},
             .body = std::move(body)},
            nullptr};
}

ApiResult<Json> read_body(const HttpRequest& request) {
    const std::string content_type = header(request.headers, "Content-Type").value_or("");
    const std::string type =
        to_lower(trim(std::string_view(content_type).substr(0, content_type.find(';'))));
    if (type == "application/yaml") {
        auto documents = parse_yaml(request.body, "body");
        if (!documents.ok()) return status::bad_request(documents.error().message);
        if (documents->size() != 1)
            return status::bad_request("the body of the request must be one object");
        auto document = parse_json((*documents)[0].text);
        if (!document.ok()) return status::bad_request(document.error().message);
        return std::move(document).value();
    }
    if (type == "application/vnd.kubernetes.protobuf") {
        auto document = read_protobuf(request.body);
        if (!document.ok()) return status::bad_request(document.error().message);
        return std::move(document).value();
    }
    if (!type.empty() && type != "application/json" && !type.ends_with("+json"))
        return status::unsupported_media_type(
            "the body of the request was in an unknown format - accepted media types include: "
            "application/json, application/yaml, application/vnd.kubernetes.protobuf");
    auto document = parse_json(request.body);
    if (!document.ok())
        return status::bad_request(concat("the body of the request is ", document.error().message));
    return std::move(document).value();
}

namespace {

bool serves_group(const Registry& registry, std::string_view group) {
    const auto all = registry.all();
    return std::ranges::any_of(
        all, [&](const ResourcePtr& resource) { return resource->type.group == group; });
}

}  // namespace

Handler::Handler(store::Store& store, const Clock& clock, Log& log, Identities identities)
    : store_(store),
      clock_(clock),
      log_(log),
      objects_(store, registry_, clock, std::move(identities), log) {}

void Handler::set_ready_check(std::function<bool()> check) {
    const std::lock_guard lock(ready_mutex_);
    ready_check_ = std::move(check);
}

Answer Handler::health(std::string_view name) {
    bool ready = true;
    if (name == "readyz") {
        // Reads and traffic go on, so it is not the liveness that suffers.
        if (const auto store = store_.check(); !store.ok())
            return text_answer(
                503, concat("[-]store failed: ", store.error().message, "\nreadyz check failed\n"));
        const std::lock_guard lock(ready_mutex_);
        ready = !ready_check_ || ready_check_();
    }
    return ready ? text_answer(200, "ok") : text_answer(503, "not ready");
}

Answer Handler::answer(const HttpRequest& request) {
    try {
        return answer_call(request);
    } catch (const Json::exception& problem) {
        // A document of an unexpected shape got past the checks: a bug of ours, not the end of the
        // server.
        log_.error("request failed", {{"method", request.method}, {"problem", problem.what()}});
        return {to_response(status::internal(problem.what())), nullptr};
    }
}

Answer Handler::answer_call(const HttpRequest& request) {
    if (request.body.size() > max_body_bytes)
        return {to_response(status::body_too_large()), nullptr};
    const auto target = parse_target(request.url);
    if (!target.ok()) return {to_response(target.error()), nullptr};
    auto answer = route(request, target.value());
    if (answer.ok()) return std::move(answer).value();
    return {to_response(answer.error()), nullptr};
}

ApiResult<Answer> Handler::route(const HttpRequest& request, const Target& target) {
    const auto& parts = target.parts;
    const std::string first = parts.empty() ? "" : parts[0];
    if (first == "readyz" || first == "livez" || first == "healthz") return health(first);
    if (parts.size() >= 3 && is_review(parts.back())) return review(request, target);
    const std::string accept = header(request.headers, "Accept").value_or("");
    if (auto found = discovery_answer(registry_, parts, accept)) {
        if (request.method != "GET" && request.method != "HEAD")
            return status::method_not_allowed();
        return Answer{std::move(*found), nullptr};
    }
    return object_request(request, target);
}

ApiResult<Answer> Handler::object_request(const HttpRequest& request, const Target& target) {
    auto path = parse_object_path(target.parts);
    if (!path) return status::no_such_path();
    Call call{request, target.query, *path,
              registry_.find(path->group, path->version, path->plural)};
    if (!call.resource && !path->group.empty() && !serves_group(registry_, path->group))
        return text_answer(404, "404 page not found\n");
    if (!call.resource) return status::no_such_path();
    if (!call.resource->type.namespaced && !path->ns.empty()) return status::no_such_path();
    if (path->name.empty()) return collection(call);
    if (call.resource->type.namespaced && path->ns.empty()) return status::no_such_path();
    return single(call);
}

ApiResult<Answer> Handler::collection(const Call& call) {
    const std::string& method = call.request.method;
    if (method == "GET" || method == "HEAD")
        return call.query.flag("watch") ? watch(call) : list(call);
    if (call.resource->type.namespaced && call.path.ns.empty()) return status::method_not_allowed();
    if (call.resource->unrun) return status::method_not_allowed();
    if (method == "POST") return create(call);
    if (method == "DELETE") return remove_collection(call);
    return status::method_not_allowed();
}

ApiResult<Answer> Handler::single(const Call& call) {
    const std::string& method = call.request.method;
    const std::string& subresource = call.path.subresource;
    if (call.resource->unrun && method != "GET" && method != "HEAD")
        return status::method_not_allowed();
    if (subresource == "log" && call.resource->type == resources::pods)
        return method == "GET" ? pod_log(call) : status::method_not_allowed();
    if (subresource == "eviction" && call.resource->type == resources::pods)
        return method == "POST" ? evict(call) : status::method_not_allowed();
    if (subresource == "scale" && call.resource->scale) return scale(call);
    const bool known = subresource.empty() || (subresource == "status" && call.resource->status);
    if (!known) {
        // Upgrades such as exec fail at once instead of looking like a missing object.
        if (call.resource->type == resources::pods &&
            (subresource == "exec" || subresource == "attach" || subresource == "portforward"))
            return status::method_not_allowed();
        return status::no_such_path();
    }
    if (method == "GET" || method == "HEAD") {
        if (call.query.flag("watch")) return watch(call);
        return get(call);
    }
    if (method == "PUT") return replace(call);
    if (method == "PATCH") return patch(call);
    if (method == "DELETE" && subresource.empty()) return remove(call);
    return status::method_not_allowed();
}

}  // namespace sluice::standalone::apiserver
