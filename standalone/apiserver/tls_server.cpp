// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/tls_server.hpp"

#include <unistd.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/detect_ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <thread>

#include "base/text.hpp"
#include "standalone/apiserver/listener.hpp"
#include "standalone/apiserver/open_set.hpp"
#include "standalone/apiserver/tls_context.hpp"
#include "standalone/apiserver/wire_text.hpp"

namespace sluice::standalone::apiserver {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto handshake_deadline = std::chrono::seconds{10};
constexpr auto request_deadline = std::chrono::seconds{30};
constexpr auto idle_deadline = std::chrono::minutes{2};
constexpr auto write_deadline = std::chrono::seconds{30};
constexpr auto stop_deadline = std::chrono::seconds{1};
constexpr std::uint32_t max_header_bytes = 64U << 10;

// What all connections share.
struct Shared {
    Handler& handler;
    const Clock& clock;
    Log& log;
    Gate gate;
    size_t max_connections;
    asio::ssl::context tls;
    std::atomic<bool> stopping = false;
};

HttpRequest to_request(http::request<http::string_body>&& message) {
    HttpRequest request{.method = std::string(message.method_string()),
                        .url = std::string(message.target())};
    for (const auto& field : message)
        request.headers.push_back({std::string(field.name_string()), std::string(field.value())});
    request.body = std::move(message.body());
    return request;
}

// One connection; everything in it runs on its strand.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(tcp::socket socket, Shared& shared, OpenSet<Connection>& connections)
        : shared_(shared),
          connections_(connections),
          stream_(std::move(socket), shared.tls),
          timer_(stream_.get_executor()) {}
    ~Connection() { connections_.forget(this); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void start() {
        tcp_layer().expires_after(handshake_deadline);
        beast::async_detect_ssl(tcp_layer(), buffer_,
                                [self = shared_from_this()](error_code problem, bool is_tls) {
                                    if (problem) return;
                                    if (is_tls)
                                        self->handshake();
                                    else
                                        self->refuse_plain_http();
                                });
    }

    // From any thread: no new request; a stream gets its proper end.
    void end_soon() {
        asio::post(stream_.get_executor(), [self = shared_from_this()] {
            if (self->body_)
                self->finish_stream();
            else if (self->idle_)
                self->close();
        });
    }

private:
    beast::tcp_stream& tcp_layer() { return beast::get_lowest_layer(stream_); }

    void refuse_plain_http() {
        asio::async_write(tcp_layer(), asio::buffer(plain_http_answer),
                          [self = shared_from_this()](error_code, size_t) {
                              error_code ignored;
                              self->tcp_layer().socket().shutdown(tcp::socket::shutdown_both,
                                                                  ignored);
                          });
    }

    void handshake() {
        stream_.async_handshake(asio::ssl::stream_base::server, buffer_.data(),
                                [self = shared_from_this()](error_code problem, size_t used) {
                                    if (problem) return self->close();
                                    self->buffer_.consume(used);
                                    self->has_certificate_ =
                                        has_verified_peer(self->stream_.native_handle());
                                    self->read_request();
                                });
    }

    void read_request() {
        if (shared_.stopping) return close();
        parser_.emplace();
        parser_->header_limit(max_header_bytes);
        parser_->body_limit(max_body_bytes);
        idle_ = true;
        tcp_layer().expires_after(idle_deadline);
        http::async_read_header(stream_, buffer_, *parser_,
                                [self = shared_from_this()](error_code problem, size_t) {
                                    self->idle_ = false;
                                    if (problem) return self->refuse_broken(problem);
                                    self->continue_request();
                                });
    }

    // A client that asks before it sends a large body is told to go on.
    void continue_request() {
        tcp_layer().expires_after(request_deadline);
        if (!beast::iequals(parser_->get()[http::field::expect], "100-continue"))
            return read_body();
        static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        asio::async_write(stream_, asio::buffer(go_on),
                          [self = shared_from_this()](error_code problem, size_t) {
                              if (problem) return self->close();
                              self->read_body();
                          });
    }

    void read_body() {
        http::async_read(stream_, buffer_, *parser_,
                         [self = shared_from_this()](error_code problem, size_t) {
                             if (problem) return self->refuse_broken(problem);
                             self->answer();
                         });
    }

    void refuse_broken(error_code problem) {
        keep_alive_ = false;
        if (problem == http::error::body_limit) return write(to_response(status::body_too_large()));
        if (problem == http::error::header_limit)
            return write(to_response(status::headers_too_large()));
        // What remains of HTTP's errors is text that is none; the rest are broken connections.
        const bool text = problem.category() == error_code(http::error::bad_version).category();
        if (!text || problem == http::error::end_of_stream ||
            problem == http::error::partial_message)
            return close();
        write(to_response(status::bad_request(concat("not HTTP: ", problem.message()))));
    }

    void answer() {
        http::request<http::string_body> message = parser_->release();
        parser_.reset();
        keep_alive_ = message.keep_alive();
        head_ = message.method() == http::verb::head;
        const HttpRequest request = to_request(std::move(message));
        if (auto refused = shared_.gate.refuse(request, has_certificate_))
            return write(to_response(*refused));
        Answer answer = shared_.handler.answer(request);
        if (answer.stream) return begin_stream(std::move(answer));
        write(std::move(answer.response));
    }

    void write(HttpResponse response) {
        response_.emplace(static_cast<http::status>(response.status), 11);
        for (const auto& field : response.headers) response_->insert(field.name, field.value);
        response_->set("Cache-Control",
                       header(response.headers, "Cache-Control").value_or("no-cache, private"));
        const bool keep = keep_alive_ && !shared_.stopping;
        response_->keep_alive(keep);
        response_->content_length(response.body.size());
        if (!head_) response_->body() = std::move(response.body);
        tcp_layer().expires_after(write_deadline);
        http::async_write(stream_, *response_,
                          [self = shared_from_this(), keep](error_code problem, size_t) {
                              self->response_.reset();
                              if (problem) return self->close();
                              if (keep) return self->read_request();
                              self->shut_down();
                          });
    }

    // --- streams: chunks as they come, then the connection closes

    auto on_written() {
        return [self = shared_from_this()](error_code problem, size_t) { self->written(problem); };
    }

    void begin_stream(Answer answer) {
        body_ = std::move(answer.stream);
        // Only the strand touches the connection: the writer of the store must never be its last
        // owner.
        const auto pending = std::make_shared<std::atomic<bool>>(false);
        body_->on_ready([weak = weak_from_this(), executor = stream_.get_executor(), pending] {
            if (pending->exchange(true)) return;
            asio::post(executor, [weak, pending] {
                pending->store(false);
                if (const auto self = weak.lock()) self->pump();
            });
        });
        header_.emplace(static_cast<http::status>(answer.response.status), 11);
        for (const auto& field : answer.response.headers) header_->insert(field.name, field.value);
        header_->set("Cache-Control", "no-cache, private");
        header_->chunked(true);
        header_->keep_alive(false);
        serializer_.emplace(*header_);
        tcp_layer().expires_never();
        notice_disconnect();
        tcp_layer().expires_after(write_deadline);
        writing_ = true;
        http::async_write_header(stream_, *serializer_, on_written());
    }

    // The client has nothing more to say: whatever comes is its end.
    void notice_disconnect() {
        stream_.async_read_some(asio::buffer(spare_),
                                [self = shared_from_this()](error_code, size_t) { self->close(); });
    }

    void pump() {
        if (writing_ || !body_ || ended_) return;
        const TimePoint now = shared_.clock.now();
        BodyStream::Piece piece = body_->next(now);
        ended_ = piece.ended || shared_.stopping;
        if (piece.bytes.empty() && !ended_) return sleep_until(body_->due(), now);
        if (piece.bytes.empty()) return finish_stream();
        write_chunk(http_chunk(piece.bytes));
    }

    void write_chunk(std::string chunk) {
        chunk_ = std::move(chunk);
        writing_ = true;
        tcp_layer().expires_after(write_deadline);
        asio::async_write(
            stream_, asio::buffer(chunk_),
            [self = shared_from_this()](error_code problem, size_t) { self->written(problem); });
    }

    void written(error_code problem) {
        writing_ = false;
        if (problem || last_chunk_) return close();
        if (!ended_) return pump();
        finish_stream();
    }

    void finish_stream() {
        ended_ = true;
        if (writing_ || last_chunk_) return;
        last_chunk_ = true;
        write_chunk(std::string(last_http_chunk));
    }

    void sleep_until(std::optional<TimePoint> due, TimePoint now) {
        if (!due) return;
        timer_.expires_after(std::max(*due - now, Duration{1}));
        timer_.async_wait([weak = weak_from_this()](error_code problem) {
            if (problem) return;
            if (const auto self = weak.lock()) self->pump();
        });
    }

    void shut_down() {
        tcp_layer().expires_after(std::chrono::seconds{2});
        stream_.async_shutdown([self = shared_from_this()](error_code) { self->close(); });
    }

    void close() {
        body_.reset();
        timer_.cancel();
        error_code ignored;
        tcp_layer().socket().shutdown(tcp::socket::shutdown_both, ignored);
        tcp_layer().close();
    }

    Shared& shared_;
    OpenSet<Connection>& connections_;
    asio::ssl::stream<beast::tcp_stream> stream_;
    asio::steady_timer timer_;
    beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::string_body>> parser_;
    std::optional<http::response<http::string_body>> response_;
    bool has_certificate_ = false;
    bool keep_alive_ = false;
    bool head_ = false;
    bool idle_ = false;

    std::unique_ptr<BodyStream> body_;
    std::optional<http::response<http::empty_body>> header_;
    std::optional<http::response_serializer<http::empty_body>> serializer_;
    std::string chunk_;
    std::array<char, 1> spare_{};
    bool writing_ = false;
    bool ended_ = false;
    bool last_chunk_ = false;
};

}  // namespace

struct TlsServer::Impl {
    Impl(TlsServerOptions options, Listener bound, ssl_ctx_st* tls, Handler& handler,
         const Clock& clock, Log& log)
        : threads(options.threads),
          shared{.handler = handler,
                 .clock = clock,
                 .log = log,
                 .gate = std::move(options.gate),
                 .max_connections = static_cast<size_t>(options.max_connections),
                 .tls = asio::ssl::context(tls)},
          listener(std::move(bound)) {}

    void take(int socket, bool is_v6) {
        tcp::socket owned(asio::make_strand(io));
        error_code problem;
        owned.assign(is_v6 ? tcp::v6() : tcp::v4(), socket, problem);
        if (problem) ::close(socket);
        if (problem || connections.count() >= shared.max_connections) return;
        const auto connection = std::make_shared<Connection>(std::move(owned), shared, connections);
        connections.add(connection);
        connection->start();
    }

    void serve() {
        for (int i = 0; i < threads; ++i) workers.emplace_back([this] { io.run(); });
        acceptor = std::jthread([this](const std::stop_token& stop) {
            listener.run(
                stop, [this](int socket, bool is_v6) { take(socket, is_v6); }, shared.log);
        });
    }

    void stop() {
        if (shared.stopping.exchange(true)) return;
        acceptor = {};
        connections.end_all();
        if (!workers.empty()) connections.wait_until_none(stop_deadline);
        io.stop();
        workers.clear();
    }

    int threads;
    // Both outlive the connections, which io's handlers own.
    Shared shared;
    OpenSet<Connection> connections;
    asio::io_context io;
    // The threads wait for connections even while there is none.
    asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
    Listener listener;
    std::vector<std::jthread> workers;
    std::jthread acceptor;
};

TlsServer::TlsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsServer::~TlsServer() {
    stop();
}

Result<std::unique_ptr<TlsServer>> TlsServer::bind(TlsServerOptions options, Handler& handler,
                                                   const Clock& clock, Log& log) {
    Listener listener = TRY(Listener::bind(options.listen));
    ssl_ctx_st* tls = TRY(make_tls_context(options.pki));
    return std::unique_ptr<TlsServer>(new TlsServer(
        std::make_unique<Impl>(std::move(options), std::move(listener), tls, handler, clock, log)));
}

int TlsServer::port() const {
    return impl_->listener.port();
}
void TlsServer::serve() {
    impl_->serve();
}
void TlsServer::stop() {
    impl_->stop();
}

}  // namespace sluice::standalone::apiserver
