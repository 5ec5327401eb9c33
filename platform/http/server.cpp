// SPDX-License-Identifier: Apache-2.0
#include "platform/http/server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <thread>
#include <vector>

#include "base/text.hpp"

namespace sluice::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using tcp = asio::ip::tcp;

// One connection; it lives as long as an operation of its own is under way.
class Session final : public std::enable_shared_from_this<Session> {
public:
    Session(tcp::socket socket, const ServerOptions& options, const Handler& handler)
        : stream_(std::move(socket)), options_(options), handler_(handler) {}

    void read() {
        parser_.emplace();
        parser_->body_limit(options_.largest_body);
        parser_->header_limit(16384);
        stream_.expires_after(options_.idle);
        bhttp::async_read(stream_, buffer_, *parser_,
                          [self = shared_from_this()](beast::error_code problem, size_t) {
                              self->on_read(problem);
                          });
    }

private:
    void on_read(beast::error_code problem) {
        if (problem == bhttp::error::body_limit)
            return answer({413, {{"Content-Type", "text/plain"}}, "the request is too large\n"},
                          false);
        if (problem) return;
        const auto& message = parser_->get();
        HttpRequest request;
        request.method = std::string(message.method_string());
        request.url = std::string(message.target());
        for (const auto& h : message)
            request.headers.push_back({std::string(h.name_string()), std::string(h.value())});
        request.body = message.body();
        answer(handler_(request), message.keep_alive());
    }

    void answer(const HttpResponse& response, bool keep_alive) {
        response_ = {};
        response_.version(11);
        response_.result(static_cast<unsigned>(response.status));
        for (const auto& h : response.headers) response_.set(h.name, h.value);
        response_.body() = response.body;
        response_.keep_alive(keep_alive);
        response_.prepare_payload();
        stream_.expires_after(options_.idle);
        bhttp::async_write(
            stream_, response_,
            [self = shared_from_this(), keep_alive](beast::error_code problem, size_t) {
                if (!problem && keep_alive)
                    self->read();
                else
                    self->close();
            });
    }

    void close() {
        beast::error_code ignored;
        stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    }

    beast::tcp_stream stream_;
    const ServerOptions& options_;
    const Handler& handler_;
    beast::flat_buffer buffer_;
    std::optional<bhttp::request_parser<bhttp::string_body>> parser_;
    bhttp::response<bhttp::string_body> response_;
};

class BeastServer final : public Server {
public:
    BeastServer(ServerOptions options, Handler handler)
        : options_(std::move(options)), handler_(std::move(handler)), acceptor_(io_) {}

    ~BeastServer() override { io_.stop(); }

    Result<void> start() {
        const auto where = TRY(parse_host_port(options_.listen));
        beast::error_code problem;
        const auto address = asio::ip::make_address(where.host, problem);
        const tcp::endpoint endpoint(address, where.port);
        if (!problem) acceptor_.open(endpoint.protocol(), problem);
        if (!problem) acceptor_.set_option(asio::socket_base::reuse_address(true), problem);
        if (!problem) acceptor_.bind(endpoint, problem);
        if (!problem) acceptor_.listen(asio::socket_base::max_listen_connections, problem);
        if (problem)
            return unavailable(concat("listen on ", options_.listen, ": ", problem.message()));
        accept();
        for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { io_.run(); });
        return {};
    }

    std::string address() const override {
        const auto endpoint = acceptor_.local_endpoint();
        const std::string host = endpoint.address().to_string();
        return endpoint.address().is_v6() ? concat("[", host, "]:", endpoint.port())
                                          : concat(host, ":", endpoint.port());
    }

private:
    void accept() {
        acceptor_.async_accept([this](beast::error_code problem, tcp::socket socket) {
            if (problem == asio::error::operation_aborted) return;
            if (!problem) std::make_shared<Session>(std::move(socket), options_, handler_)->read();
            accept();
        });
    }

    ServerOptions options_;
    Handler handler_;
    asio::io_context io_;
    tcp::acceptor acceptor_;
    std::vector<std::jthread> threads_;  // last: joined before io_ goes
};

}  // namespace

Result<HostPort> parse_host_port(std::string_view text) {
    const auto colon = text.rfind(':');
    const auto port =
        colon == std::string_view::npos ? std::nullopt : parse_integer(text.substr(colon + 1));
    if (!port || *port < 0 || *port > 65535)
        return invalid(concat("expected an address such as 127.0.0.1:8080, found \"", text, "\""));
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return HostPort{std::string(host), static_cast<unsigned short>(*port)};
}

Result<std::unique_ptr<Server>> serve(ServerOptions options, Handler handler) {
    auto server = std::make_unique<BeastServer>(std::move(options), std::move(handler));
    TRY(server->start());
    return std::unique_ptr<Server>(std::move(server));
}

}  // namespace sluice::http
