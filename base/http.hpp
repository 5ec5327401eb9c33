// SPDX-License-Identifier: Apache-2.0
// HTTP as values, and the port through which requests leave. Whoever builds requests and parses
// responses (the Kubernetes client, metric providers) never performs them; so the same code runs
// over libcurl, in process against the embedded API server, and in the simulator.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace sluice {

struct HttpHeader {
    std::string name;
    std::string value;
    bool operator==(const HttpHeader&) const = default;
};

struct HttpRequest {
    std::string method = "GET";
    // Absolute ("https://host:6443/api/v1/pods?watch=true"), or origin-form ("/api/v1/pods") for a
    // transport that is bound to one server.
    std::string url;
    std::vector<HttpHeader> headers;
    std::string body;
    // From the call to the last byte of the answer; a stream is bound by its stop token instead.
    Duration deadline = std::chrono::seconds{30};
};

struct HttpResponse {
    int status = 0;  // 100..599
    std::vector<HttpHeader> headers;
    std::string body;
};

// The first header of that name, compared without case.
std::optional<std::string> header(const std::vector<HttpHeader>& headers, std::string_view name);

// Called with each piece of a 2xx body as it arrives; false ends the stream without an error.
using OnChunk = std::function<bool(std::string_view)>;

// Threads: every method may be called from any thread at the same time.
class HttpTransport {
public:
    virtual ~HttpTransport() = default;

    // Any status is a success here. Unavailable: no connection or a broken one; Timeout: deadline.
    virtual Result<HttpResponse> send(const HttpRequest& request) = 0;

    // A response whose 2xx body goes to `on_chunk` piece by piece until it ends or breaks (who
    // follows it resumes it either way), `on_chunk` says false or `stop` is asked for. The body of
    // any other status is in the response returned.
    virtual Result<HttpResponse> stream(const HttpRequest& request, const OnChunk& on_chunk,
                                        std::stop_token stop) = 0;
};

}  // namespace sluice
