// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/apiserver.hpp"

#include "base/text.hpp"
#include "standalone/apiserver/handler.hpp"
#include "standalone/apiserver/in_process_transport.hpp"
#include "standalone/apiserver/private_file.hpp"
#include "standalone/apiserver/tls_server.hpp"

namespace sluice::standalone::apiserver {
namespace {

class RunningApiServer final : public ApiServer {
public:
    RunningApiServer(std::unique_ptr<store::Store> store, std::string data_dir, const Clock& clock,
                     Log& log)
        : data_dir_(std::move(data_dir)),
          store_(std::move(store)),
          handler_(*store_, clock, log),
          transport_(handler_, clock),
          clock_(clock),
          log_(log) {}
    ~RunningApiServer() override { end(); }

    Result<void> start(const ApiServerOptions& options) {
        TRY(handler_.prepare());
        const ListenAddress listen = TRY(parse_listen(options.listen));
        Pki pki = TRY(prepare_pki(data_dir_ + "/pki", listen.host, clock_.now()));
        const std::string token = TRY(prepare_token(token_path()));
        ca_path_ = pki.ca_path;
        const std::string ca_certificate = pki.ca_certificate;
        server_ = TRY(TlsServer::bind({.listen = listen,
                                       .pki = std::move(pki),
                                       .gate = {.listen_host = listen.host, .token = token},
                                       .threads = options.threads,
                                       .max_connections = options.max_connections},
                                      handler_, clock_, log_));
        url_ = url_of(listen.host);
        TRY(write_private_file(kubeconfig_path(), kubeconfig_text(url_, ca_certificate, token)));
        server_->serve();
        log_.info("API server listens", {{"url", url_}, {"kubeconfig", kubeconfig_path()}});
        return {};
    }

    HttpTransport& transport() override { return transport_; }
    [[nodiscard]] std::string url() const override { return url_; }
    [[nodiscard]] std::string kubeconfig_path() const override { return data_dir_ + "/kubeconfig"; }
    [[nodiscard]] std::string ca_path() const override { return ca_path_; }
    [[nodiscard]] std::string token_path() const override { return data_dir_ + "/token"; }
    void set_log_source(LogSource* source) override { handler_.set_log_source(source); }
    void set_ready_check(std::function<bool()> check) override {
        handler_.set_ready_check(std::move(check));
    }
    [[nodiscard]] Result<void> takes_writes() override { return store_->check(); }
    [[nodiscard]] long refused_writes() const override { return store_->refused(); }
    void stop() override { end(); }

private:
    void end() {
        transport_.close();
        if (server_) server_->stop();
    }

    // How a client on this machine reaches it.
    [[nodiscard]] std::string url_of(const std::string& listen_host) const {
        std::string host = listen_host;
        if (host == "0.0.0.0") host = "127.0.0.1";
        if (host == "::") host = "::1";
        const bool is_v6 = host.find(':') != std::string::npos;
        return concat("https://", is_v6 ? concat("[", host, "]") : host, ":", server_->port());
    }

    std::string data_dir_;
    std::unique_ptr<store::Store> store_;
    Handler handler_;
    InProcessTransport transport_;
    const Clock& clock_;
    Log& log_;
    std::string url_;
    std::string ca_path_;
    std::unique_ptr<TlsServer> server_;
};

}  // namespace

Result<std::unique_ptr<ApiServer>> start_api_server(const ApiServerOptions& options, Log& log,
                                                    const Clock& clock) {
    TRY(make_private_folder(options.data_dir));
    auto store = TRY(store::Store::open({.path = options.data_dir + "/store.db",
                                         .durability = options.durability,
                                         .clock = &clock,
                                         .log = &log}));
    auto server =
        std::make_unique<RunningApiServer>(std::move(store), options.data_dir, clock, log);
    TRY(server->start(options).while_doing("start the API server"));
    return std::unique_ptr<ApiServer>(std::move(server));
}

}  // namespace sluice::standalone::apiserver
