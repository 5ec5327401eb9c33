// SPDX-License-Identifier: Apache-2.0
// A small inbound HTTP/1.1 server for metrics, health and webhooks: whole requests in, whole
// answers out.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/http.hpp"

namespace sluice::http {

struct ServerOptions {
    std::string listen;                        // "127.0.0.1:8090"; port 0 picks a free one
    size_t largest_body = 3U << 20;            // a larger request is answered 413
    Duration idle = std::chrono::seconds{30};  // for a request to arrive whole
    int threads = 1;
};

// Called from the server's threads; must not block for long. The request's url is its target.
using Handler = std::function<HttpResponse(const HttpRequest&)>;

class Server {
public:
    virtual ~Server() = default;                            // stops and joins
    [[nodiscard]] virtual std::string address() const = 0;  // "127.0.0.1:34567"
};

// Unavailable: "listen on 127.0.0.1:8090: Address already in use".
Result<std::unique_ptr<Server>> serve(ServerOptions options, Handler handler);

// "127.0.0.1:8090" or "[::1]:8090" → host and port; Invalid otherwise.
struct HostPort {
    std::string host;
    unsigned short port = 0;
};
Result<HostPort> parse_host_port(std::string_view text);

}  // namespace sluice::http
