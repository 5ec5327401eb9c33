// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/tls_server.hpp"

#include <atomic>
#include <boost/asio/bind_executor.hpp>
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
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "base/text.hpp"

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
constexpr std::string_view plain_http_answer =
    "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    "this port speaks HTTPS: use https:// in the address\n";

// What all connections share.
struct Shared {
    Handler& handler;
    const Clock& clock;
    Log& log;
    Gate gate;
    int max_connections;
    asio::ssl::context tls{asio::ssl::context::tls_server};
    std::atomic<bool> stopping = false;
};

class Connection;

// The open connections, so that stop() can end them.
class Connections {
public:
    void add(const std::shared_ptr<Connection>& connection);
    void forget(Connection* connection);
    [[nodiscard]] size_t count() const {
        const std::lock_guard lock(mutex_);
        return open_.size();
    }
    void end_all();
    void wait_until_none(std::chrono::milliseconds at_most) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, at_most, [&] { return open_.empty(); });
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::map<Connection*, std::weak_ptr<Connection>> open_;  // guarded by mutex_
};

HttpRequest to_request(http::request<http::string_body>&& message) {
    HttpRequest request{.method = std::string(message.method_string()),
                        .url = std::string(message.target())};
    for (const auto& field : message)
        request.headers.push_back({std::string(field.name_string()), std::string(field.value())});
    request.body = std::move(message.body());
    return request;
}

// One buffer, so that it becomes one TLS record.
std::string http_chunk(std::string_view bytes) {
    char size[20] = {};
    std::snprintf(size, sizeof size, "%zx", bytes.size());
    return concat(size, "\r\n", bytes, "\r\n");
}

// One connection; everything in it runs on its strand.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(tcp::socket socket, Shared& shared, Connections& connections)
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
                                    self->has_certificate_ = self->verified_certificate();
                                    self->read_request();
                                });
    }

    // The context verifies what the client shows; here remains whether it showed one.
    bool verified_certificate() {
        SSL* tls = stream_.native_handle();
        X509* shown = SSL_get1_peer_certificate(tls);
        const bool good = shown && SSL_get_verify_result(tls) == X509_V_OK;
        X509_free(shown);
        return good;
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
        if (problem == http::error::body_limit)
            return write(to_response(
                status::too_large(concat("Request entity too large: limit is ", max_body_bytes))));
        if (problem == http::error::header_limit)
            return write(
                to_response(StatusError{.code = 431,
                                        .reason = "BadRequest",
                                        .message = "the request's headers are too large"}));
        if (problem.category() == http::make_error_code(http::error::bad_version).category() &&
            problem != http::error::end_of_stream && problem != http::error::partial_message)
            return write(to_response(
                status::bad_request(concat("the request is not HTTP: ", problem.message()))));
        close();
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
        http::async_write_header(
            stream_, *serializer_,
            [self = shared_from_this()](error_code problem, size_t) { self->written(problem); });
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
        write_chunk("0\r\n\r\n");
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
    Connections& connections_;
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

void Connections::add(const std::shared_ptr<Connection>& connection) {
    const std::lock_guard lock(mutex_);
    open_[connection.get()] = connection;
}

void Connections::forget(Connection* connection) {
    const std::lock_guard lock(mutex_);
    open_.erase(connection);
    changed_.notify_all();
}

void Connections::end_all() {
    std::vector<std::shared_ptr<Connection>> all;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [address, weak] : open_)
            if (auto connection = weak.lock()) all.push_back(std::move(connection));
    }
    for (const auto& connection : all) connection->end_soon();
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
    static constexpr unsigned char ours[] = "\x08http/1.1";
    unsigned char* out = nullptr;
    const int found =
        SSL_select_next_proto(&out, chosen_size, ours, sizeof ours - 1, offered, offered_size);
    *chosen = out;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

void set_up_tls(asio::ssl::context& tls, const Pki& pki) {
    tls.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                    asio::ssl::context::no_tlsv1_1);
    tls.use_certificate_chain(asio::buffer(pki.server.certificate));
    tls.use_private_key(asio::buffer(pki.server.key), asio::ssl::context::pem);
    tls.add_certificate_authority(asio::buffer(pki.ca_certificate));
    tls.set_verify_mode(
        asio::ssl::verify_peer);  // a client may show a certificate; a bad one is refused
    SSL_CTX_set_alpn_select_cb(tls.native_handle(), choose_protocol, nullptr);
    // A certificate is asked for anew on each connection: no state to resume one with.
    SSL_CTX_set_session_cache_mode(tls.native_handle(), SSL_SESS_CACHE_OFF);
    static constexpr unsigned char context_id[] = "sluice";
    SSL_CTX_set_session_id_context(tls.native_handle(), context_id, sizeof context_id - 1);
}

}  // namespace

struct TlsServer::Impl {
    Impl(TlsServerOptions options, Handler& handler, const Clock& clock, Log& log)
        : threads(options.threads),
          shared{.handler = handler,
                 .clock = clock,
                 .log = log,
                 .gate = std::move(options.gate),
                 .max_connections = options.max_connections},
          acceptor(io) {
        set_up_tls(shared.tls, options.pki);
    }

    Result<void> bind(const ListenAddress& listen) {
        const std::string place = concat(listen.host, ":", listen.port);
        error_code problem;
        tcp::resolver resolver(io);
        const auto found = resolver.resolve(listen.host, std::to_string(listen.port),
                                            tcp::resolver::passive, problem);
        if (problem || found.empty())
            return unavailable(concat("listen on ", place, ": ", problem.message()));
        const tcp::endpoint endpoint = found.begin()->endpoint();
        acceptor.open(endpoint.protocol(), problem);
        if (!problem) acceptor.set_option(tcp::acceptor::reuse_address(true), problem);
        if (!problem) acceptor.bind(endpoint, problem);
        if (!problem) acceptor.listen(asio::socket_base::max_listen_connections, problem);
        if (problem) return unavailable(concat("listen on ", place, ": ", problem.message()));
        return {};
    }

    void accept() {
        acceptor.async_accept(
            asio::make_strand(io), [this](error_code problem, tcp::socket socket) {
                if (shared.stopping) return;
                if (problem) {
                    // Out of descriptors, most likely: try again when some may have closed.
                    shared.log.warning("accept failed", {{"problem", problem.message()}});
                    retry.expires_after(std::chrono::milliseconds{100});
                    retry.async_wait([this](error_code) { accept(); });
                    return;
                }
                if (connections.count() < static_cast<size_t>(shared.max_connections)) {
                    error_code ignored;
                    socket.set_option(tcp::no_delay(true), ignored);
                    const auto connection =
                        std::make_shared<Connection>(std::move(socket), shared, connections);
                    connections.add(connection);
                    connection->start();
                }
                accept();
            });
    }

    void stop() {
        if (shared.stopping.exchange(true)) return;
        asio::post(io, [this] {
            error_code ignored;
            acceptor.close(ignored);
            retry.cancel();
        });
        connections.end_all();
        if (!workers.empty()) connections.wait_until_none(stop_deadline);
        io.stop();
        workers.clear();
    }

    int threads;
    // Outlive the connections that io's handlers own.
    Shared shared;
    Connections connections;
    asio::io_context io;
    tcp::acceptor acceptor;
    asio::steady_timer retry{io};
    std::vector<std::jthread> workers;
};

TlsServer::TlsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsServer::~TlsServer() {
    stop();
}

Result<std::unique_ptr<TlsServer>> TlsServer::bind(TlsServerOptions options, Handler& handler,
                                                   const Clock& clock, Log& log) {
    try {
        const ListenAddress listen = options.listen;
        auto impl = std::make_unique<Impl>(std::move(options), handler, clock, log);
        TRY(impl->bind(listen));
        return std::unique_ptr<TlsServer>(new TlsServer(std::move(impl)));
    } catch (const boost::system::system_error& problem) {
        return internal(concat("set up TLS: ", problem.what()));
    }
}

int TlsServer::port() const {
    error_code ignored;
    return impl_->acceptor.local_endpoint(ignored).port();
}

void TlsServer::serve() {
    impl_->accept();
    for (int i = 0; i < impl_->threads; ++i)
        impl_->workers.emplace_back([impl = impl_.get()] { impl->io.run(); });
}

void TlsServer::stop() {
    impl_->stop();
}

}  // namespace sluice::standalone::apiserver
