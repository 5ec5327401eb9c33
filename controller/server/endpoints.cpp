// SPDX-License-Identifier: Apache-2.0
#include "controller/server/endpoints.hpp"

namespace sluice::server {
namespace {

HttpResponse plain(int status, std::string body) {
    return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(body)};
}

HttpResponse answer(const Endpoints& endpoints, const HttpRequest& request) {
    if (request.method != "GET" && request.method != "HEAD") return plain(405, "only GET\n");
    const std::string path = request.url.substr(0, request.url.find('?'));
    if (path == "/healthz" || path == "/livez") return plain(200, "ok\n");
    if (path == "/readyz") {
        if (!endpoints.ready()) return plain(503, "still starting\n");
        if (!endpoints.well) return plain(200, "ok\n");
        const auto well = endpoints.well();
        return well.ok() ? plain(200, "ok\n") : plain(503, well.error().message + "\n");
    }
    if (path == "/metrics")
        return {200, {{"Content-Type", "text/plain; version=0.0.4"}}, endpoints.metrics()};
    if (path == "/targets" && endpoints.targets) {
        auto targets = endpoints.targets();
        if (!targets.ok()) return plain(503, targets.error().message + "\n");
        return {200, {{"Content-Type", "application/json"}}, std::move(*targets)};
    }
    return plain(404, "not found: there are /metrics, /healthz and /readyz\n");
}

}  // namespace

Result<std::unique_ptr<http::Server>> serve_endpoints(const std::string& listen,
                                                      Endpoints endpoints) {
    return http::serve({.listen = listen},
                       [endpoints = std::move(endpoints)](const HttpRequest& request) {
                           return answer(endpoints, request);
                       });
}

Result<std::unique_ptr<http::Server>> serve_webhooks(const std::string& listen,
                                                     http::Handler handle) {
    return http::serve(
        {.listen = listen}, [handle = std::move(handle)](const HttpRequest& request) {
            return request.method == "POST" ? handle(request) : plain(404, "webhooks are POSTed\n");
        });
}

}  // namespace sluice::server
