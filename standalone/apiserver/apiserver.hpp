// SPDX-License-Identifier: Apache-2.0
// The embedded Kubernetes API server: a store, the API's semantics, and HTTPS for kubectl,
// Prometheus and everybody else on the machine.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/http.hpp"
#include "base/log.hpp"
#include "standalone/apiserver/log_source.hpp"
#include "standalone/store/store.hpp"

namespace sluice::standalone::apiserver {

struct ApiServerOptions {
    // Gets store.db, pki/ (CA and server key), token and kubeconfig; made where missing, mode 0700.
    std::string data_dir;
    std::string listen = "127.0.0.1:6443";  // port 0: any free one
    store::Durability durability = store::Durability::Process;
    int threads = 2;
    int max_connections = 2000;
};

// Threads: any.
class ApiServer {
public:
    virtual ~ApiServer() = default;

    // Without sockets and without authentication: for what runs in this process. Lives as long as
    // this.
    virtual HttpTransport& transport() = 0;

    [[nodiscard]] virtual std::string url() const = 0;              // "https://127.0.0.1:6443"
    [[nodiscard]] virtual std::string kubeconfig_path() const = 0;  // mode 0600
    [[nodiscard]] virtual std::string ca_path() const = 0;
    [[nodiscard]] virtual std::string token_path() const = 0;  // mode 0600

    // Must outlive the server.
    virtual void set_log_source(LogSource* source) = 0;
    // GET /readyz answers 503 until it says true. Called from the server's threads.
    virtual void set_ready_check(std::function<bool()> check) = 0;

    // Ok where the store takes writes; else why not and what to do. GET /readyz says so too.
    [[nodiscard]] virtual Result<void> takes_writes() = 0;
    // Writes that the disk has refused since the start.
    [[nodiscard]] virtual long refused_writes() const = 0;

    // Ends watches, in process too, and every connection; returns once no thread is left. Requests
    // through transport() fail with Unavailable after.
    virtual void stop() = 0;
};

// Unavailable: the folder or the address is not to be had, the message says which and why.
Result<std::unique_ptr<ApiServer>> start_api_server(const ApiServerOptions& options, Log& log,
                                                    const Clock& clock);

}  // namespace sluice::standalone::apiserver
