// SPDX-License-Identifier: Apache-2.0
// The API server as an HttpTransport: the embedded cluster's own controllers speak to it without
// sockets.
#pragma once

#include "base/clock.hpp"
#include "base/http.hpp"
#include "standalone/apiserver/handler.hpp"

namespace sluice::standalone::apiserver {

// Threads: any. The handler must outlive it, and every stream under way.
class InProcessTransport final : public HttpTransport {
public:
    InProcessTransport(Handler& handler, const Clock& clock) : handler_(handler), clock_(clock) {}

    Result<HttpResponse> send(const HttpRequest& request) override;
    // Blocks until the stream ends; wakes for changes, for the stop token and for deadlines only.
    Result<HttpResponse> stream(const HttpRequest& request, const OnChunk& on_chunk,
                                std::stop_token stop) override;

    // Ends every stream, and each later one at once: the server is stopping.
    void close();

private:
    Handler& handler_;
    const Clock& clock_;
    std::stop_source closed_;
};

}  // namespace sluice::standalone::apiserver
