// SPDX-License-Identifier: Apache-2.0
// HTTPS/1.1 in front of the Handler. Boost.Beast stays in the .cpp (DESIGN D4).
#pragma once

#include <memory>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "standalone/apiserver/gate.hpp"
#include "standalone/apiserver/handler.hpp"
#include "standalone/apiserver/pki.hpp"

namespace sluice::standalone::apiserver {

struct TlsServerOptions {
    ListenAddress listen;
    Pki pki;
    Gate gate;
    int threads = 2;
    int max_connections = 2000;
};

class TlsServer {
public:
    // Binds: the port is known after, nobody is served yet. Unavailable where the address is taken.
    static Result<std::unique_ptr<TlsServer>> bind(TlsServerOptions options, Handler& handler,
                                                   const Clock& clock, Log& log);
    // Stops.
    ~TlsServer();
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;

    [[nodiscard]] int port() const;
    void serve();
    // Ends every stream and connection, at the latest after a second.
    void stop();

private:
    struct Impl;
    explicit TlsServer(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::standalone::apiserver
