// SPDX-License-Identifier: Apache-2.0
#include "examples/load/client.hpp"

#include <sys/socket.h>

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <optional>

namespace load {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;
using Time = std::chrono::steady_clock;
using boost::system::error_code;

namespace {

constexpr std::chrono::milliseconds tick_interval{2};

const char* why_lost(error_code failed, const char* stage) {
    if (failed == beast::error::timeout) return "timeout";
    if (failed == http::error::partial_message) return "short answer";
    if (failed == http::error::end_of_stream) return "closed without an answer";
    if (failed == asio::error::connection_reset || failed == asio::error::broken_pipe)
        return "reset";
    return stage;
}

}  // namespace

// Carries one request at a time and opens its socket when it needs one.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(asio::io_context& io, Client& client) : io_(io), client_(client) {}

    void send(http::verb method, std::string_view path, std::string body) {
        request_ = {};
        request_.version(11);
        request_.method(method);
        request_.target({path.data(), path.size()});
        request_.set(http::field::host, client_.options_.host);
        if (!body.empty()) request_.set(http::field::content_type, "application/json");
        request_.body() = std::move(body);
        request_.prepare_payload();
        began_ = Time::now();
        client_.tally_.sent();
        if (usable()) return write();
        connect();
    }

private:
    // False for a socket that the other side has closed while it was idle: no request was on it, so
    // none is lost, and any HTTP client opens another.
    bool usable() {
        if (!stream_) return false;
        char byte = 0;
        const auto got =
            ::recv(stream_->socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    }

    void connect() {
        stream_.emplace(io_);
        buffer_.clear();
        stream_->expires_after(client_.options_.timeout);
        stream_->async_connect(client_.options_.target,
                               [self = shared_from_this()](error_code failed) {
                                   if (failed) return self->lose(why_lost(failed, "connect"));
                                   error_code ignored;
                                   self->stream_->socket().set_option(Tcp::no_delay(true), ignored);
                                   self->write();
                               });
    }

    void write() {
        stream_->expires_after(client_.options_.timeout);
        http::async_write(*stream_, request_,
                          [self = shared_from_this()](error_code failed, size_t) {
                              if (failed) return self->lose(why_lost(failed, "write"));
                              self->read();
                          });
    }

    void read() {
        response_ = {};
        http::async_read(*stream_, buffer_, response_,
                         [self = shared_from_this()](error_code failed, size_t) {
                             if (failed) return self->lose(why_lost(failed, "read"));
                             self->count();
                         });
    }

    void count() {
        const auto version = response_["x-version"];
        if (version.empty())
            client_.tally_.lost("answered by the proxy: " + std::to_string(response_.result_int()));
        else
            client_.tally_.answered({version.data(), version.size()},
                                    static_cast<int>(response_.result_int()), Time::now() - began_);
        if (!response_.keep_alive()) stream_.reset();
        client_.released(shared_from_this());
    }

    void lose(const char* why) {
        client_.tally_.lost(why);
        stream_.reset();
        client_.released(shared_from_this());
    }

    asio::io_context& io_;
    Client& client_;
    std::optional<beast::tcp_stream> stream_;
    beast::flat_buffer buffer_;
    http::request<http::string_body> request_;
    http::response<http::string_body> response_;
    Time::time_point began_;
};

Client::Client(asio::io_context& io, ClientOptions options)
    : io_(io), options_(std::move(options)), timer_(io) {
    for (int i = 0; i < options_.connections; ++i)
        idle_.push_back(std::make_shared<Connection>(io_, *this));
}

Client::~Client() = default;

void Client::start() {
    scheduled_from_ = Time::now();
    tick();
}

void Client::stop(std::function<void()> done) {
    stopping_ = true;
    done_ = std::move(done);
    if (busy_ == 0) done_();
}

void Client::set_rate(double rate) {
    options_.rate = rate;
    scheduled_from_ = Time::now();
    scheduled_ = 0;
}

Tally Client::take() {
    return std::exchange(tally_, Tally{});
}

void Client::tick() {
    if (stopping_) return;
    send_due();
    timer_.expires_after(tick_interval);
    timer_.async_wait([this](error_code failed) {
        if (!failed) tick();
    });
}

void Client::send_due() {
    const double elapsed = std::chrono::duration<double>(Time::now() - scheduled_from_).count();
    const auto due = static_cast<std::uint64_t>(elapsed * options_.rate);
    for (; scheduled_ < due && !idle_.empty(); ++scheduled_) {
        // First in, first out: all connections stay in use.
        const auto connection = idle_.front();
        idle_.pop_front();
        ++busy_;
        ++number_;
        if (drops_ > 0) {
            --drops_;
            connection->send(http::verb::get, "/drop", {});
        } else if (number_ % 2 == 0) {
            connection->send(http::verb::get, "/", {});
        } else {
            connection->send(
                http::verb::post, "/order",
                R"({"item":"tea","quantity":)" + std::to_string(1 + number_ % 9) + "}");
        }
    }
    if (scheduled_ < due) {
        tally_.late(due - scheduled_);
        scheduled_ = due;
    }
}

void Client::released(std::shared_ptr<Connection> connection) {
    idle_.push_back(std::move(connection));
    --busy_;
    if (stopping_ && busy_ == 0 && done_) done_();
}

}  // namespace load
