// SPDX-License-Identifier: Apache-2.0
#include "examples/shop/server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <csignal>
#include <memory>
#include <optional>

#include "examples/shop/metrics.hpp"

namespace shop {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;
using Time = std::chrono::steady_clock;
using boost::system::error_code;

// Longer than any balancer keeps an idle connection, so that it is never us who closes one that a
// request is already on its way to.
constexpr std::chrono::seconds idle_timeout{90};
constexpr std::chrono::seconds drain_limit{5};
constexpr std::chrono::milliseconds drain_quiet{1000};
constexpr size_t body_limit = 64 << 10;

struct Context {
    asio::io_context& io;
    const ServerOptions& options;
    Service& service;
    Metrics metrics;
    bool draining = false;
    int in_flight = 0;
    Time::time_point last_request = Time::now();
};

class Session : public std::enable_shared_from_this<Session> {
public:
    Session(Tcp::socket socket, Context& context)
        : stream_(std::move(socket)), timer_(context.io), context_(context) {}

    void read() {
        parser_.emplace();
        parser_->body_limit(body_limit);
        stream_.expires_after(idle_timeout);
        http::async_read(stream_, buffer_, *parser_,
                         [self = shared_from_this()](error_code failed, size_t) {
                             if (!failed) self->handle();
                         });
    }

private:
    void handle() {
        began_ = Time::now();
        ++context_.in_flight;
        const auto& request = parser_->get();
        const std::string_view path(request.target().data(), request.target().size());
        // What a crashed worker looks like from outside: no answer at all. For the tests that ask
        // whether a lost request is seen.
        if (path == "/drop") return finish();
        if (path == "/metrics") return write({200, context_.metrics.text(), false}, "text/plain");
        const std::string_view method(request.method_string().data(),
                                      request.method_string().size());
        auto answer = context_.service.answer(method, path, request.body());
        if (answer.business) context_.last_request = began_;
        if (!answer.business || context_.options.latency.count() == 0)
            return write(std::move(answer), "application/json");
        timer_.expires_after(context_.options.latency);
        timer_.async_wait(
            [self = shared_from_this(), answer = std::move(answer)](error_code) mutable {
                self->write(std::move(answer), "application/json");
            });
    }

    void write(Answer answer, const char* type) {
        const auto& request = parser_->get();
        response_ = {};
        response_.version(request.version());
        response_.result(static_cast<unsigned>(answer.status));
        response_.set(http::field::content_type, type);
        response_.set("x-version", context_.service.version());
        response_.keep_alive(request.keep_alive() && !context_.draining);
        response_.body() = std::move(answer.body);
        response_.prepare_payload();
        if (request.method() == http::verb::head) response_.body().clear();
        if (answer.business)
            context_.metrics.count({request.method_string().data(), request.method_string().size()},
                                   answer.status, Time::now() - began_);
        http::async_write(stream_, response_,
                          [self = shared_from_this()](error_code failed, size_t) {
                              --self->context_.in_flight;
                              if (!failed && self->response_.keep_alive()) return self->read();
                              self->close();
                          });
    }

    void finish() {
        --context_.in_flight;
        close();
    }

    void close() {
        error_code ignored;
        stream_.socket().shutdown(Tcp::socket::shutdown_send, ignored);
    }

    beast::tcp_stream stream_;
    asio::steady_timer timer_;
    beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::string_body>> parser_;
    http::response<http::string_body> response_;
    Time::time_point began_;
    Context& context_;
};

void accept_next(Tcp::acceptor& acceptor, Context& context) {
    acceptor.async_accept([&](error_code failed, Tcp::socket socket) {
        if (failed == asio::error::operation_aborted) return;
        if (!failed) {
            error_code ignored;
            socket.set_option(Tcp::no_delay(true), ignored);
            std::make_shared<Session>(std::move(socket), context)->read();
        }
        accept_next(acceptor, context);
    });
}

// The load balancer learns of our end at the same time as we do, so requests still come for a
// moment; they are served. Quiet for a second, or five seconds at most: gone.
void drain(asio::steady_timer& timer, Context& context, Time::time_point since) {
    const auto now = Time::now();
    const auto quiet_since = std::max(since, context.last_request);
    if (now - since >= drain_limit ||
        (context.in_flight == 0 && now - quiet_since >= drain_quiet)) {
        context.io.stop();
        return;
    }
    timer.expires_after(std::chrono::milliseconds{50});
    timer.async_wait([&timer, &context, since](error_code) { drain(timer, context, since); });
}

}  // namespace

void serve(const ServerOptions& options, Service& service) {
    asio::io_context io{1};
    Context context{io, options, service};
    Tcp::acceptor acceptor(io, {asio::ip::make_address(options.address), options.port});
    accept_next(acceptor, context);

    asio::steady_timer timer(io);
    asio::signal_set signals(io, SIGTERM, SIGINT);
    signals.async_wait([&](error_code failed, int) {
        if (failed) return;
        context.draining = true;
        drain(timer, context, Time::now());
    });
    io.run();
}

}  // namespace shop
