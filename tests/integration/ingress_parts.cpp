// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/ingress_parts.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

#include "base/text.hpp"

namespace sluice::ingress_parts {
namespace {

constexpr int server_threads = 8;

sockaddr_in address_of(const std::string& host, int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
    return address;
}

// A connection that reads whole HTTP messages.
class Wire {
public:
    explicit Wire(int fd) : fd_(fd) {
        const timeval deadline{20, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
        const int on = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    ~Wire() { ::close(fd_); }
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    bool send(const std::string& text) const {
        size_t sent = 0;
        while (sent < text.size()) {
            const auto n = ::send(fd_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
            if (n <= 0) return false;
            sent += static_cast<size_t>(n);
        }
        return true;
    }
    // Head and body; false where the connection ended before both were whole.
    bool receive(std::string& head, std::string& body) {
        size_t end = std::string::npos;
        while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
            if (!more()) return false;
        head = to_lower(buffer_.substr(0, end + 2));
        buffer_.erase(0, end + 4);
        const size_t size =
            static_cast<size_t>(parse_integer(field("content-length", head)).value_or(0));
        while (buffer_.size() < size)
            if (!more()) return false;
        body = buffer_.substr(0, size);
        buffer_.erase(0, size);
        return true;
    }
    static std::string field(const std::string& name, const std::string& head) {
        const auto at = head.find("\r\n" + name + ":");
        if (at == std::string::npos) return {};
        const auto from = at + name.size() + 3;
        return std::string(trim(head.substr(from, head.find("\r\n", from) - from)));
    }

private:
    bool more() {
        char bytes[4096];
        const auto n = ::recv(fd_, bytes, sizeof(bytes), 0);
        if (n > 0) buffer_.append(bytes, static_cast<size_t>(n));
        return n > 0;
    }

    int fd_;
    std::string buffer_;
};

std::unique_ptr<Wire> dial(int port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = address_of("127.0.0.1", port);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0)
        return std::make_unique<Wire>(fd);
    ::close(fd);
    return nullptr;
}

// The connection is empty after a request that was lost, or that the other side ended.
Reply exchange(std::unique_ptr<Wire>& wire, int port, const std::string& request) {
    if (!wire) wire = dial(port);
    std::string head, body;
    if (!wire || !wire->send(request) || !wire->receive(head, body)) {
        wire.reset();
        return {};
    }
    if (Wire::field("connection", head) == "close") wire.reset();
    return {static_cast<int>(parse_integer(split(head, ' ').at(1)).value_or(0)),
            Wire::field("x-version", head), body};
}

std::string request_text(const std::string& host, bool post) {
    return concat(post ? "POST" : "GET", " /a HTTP/1.1\r\nHost: ", host,
                  post ? "\r\nContent-Length: 4\r\n\r\nbody" : "\r\n\r\n");
}

void count(Counts& counts, const Reply& reply) {
    if (reply.code == 0 || (reply.code == 200 && reply.body != "answer of " + reply.version))
        ++counts.lost;
    else
        ++counts.by_code[reply.code];
    if (reply.code == 200) ++counts.by_version[reply.version];
}

}  // namespace

TinyServer::TinyServer(std::string address, int port, std::string version)
    : version_(std::move(version)) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    auto bound = address_of(address, port);
    socklen_t size = sizeof(bound);
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&bound), size) != 0 || ::listen(fd_, 1024) != 0)
        throw std::runtime_error("bind " + address);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&bound), &size);
    port_ = ntohs(bound.sin_port);
    for (int i = 0; i < server_threads; ++i) threads_.emplace_back([this] { serve(); });
}

TinyServer::~TinyServer() {
    release();
    ::shutdown(fd_, SHUT_RDWR);
    for (auto& thread : threads_) thread.join();
    ::close(fd_);
}

void TinyServer::serve() const {
    while (true) {
        const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) return;
        answer(fd);
    }
}

void TinyServer::answer(int fd) const {
    Wire wire(fd);
    std::string head, body;
    while (wire.receive(head, body)) {
        if (head.find(" /held ") != std::string::npos) {
            ++held_;
            released_.wait(false);
        }
        const std::string text = "answer of " + version_;
        if (!wire.send(concat("HTTP/1.1 200 OK\r\nX-Version: ", version_,
                              "\r\nContent-Length: ", text.size(), "\r\n\r\n", text)) ||
            Wire::field("connection", head) == "close")
            return;
    }
}

int Counts::all() const {
    int sum = lost;
    for (const auto& [code, number] : by_code) sum += number;
    return sum;
}

void Counts::add(const Counts& other) {
    for (const auto& [version, number] : other.by_version) by_version[version] += number;
    for (const auto& [code, number] : other.by_code) by_code[code] += number;
    lost += other.lost;
}

Reply fetch(int port, const std::string& host, const std::string& path) {
    std::unique_ptr<Wire> wire;
    return exchange(
        wire, port,
        concat("GET ", path, " HTTP/1.1\r\nHost: ", host, "\r\nConnection: close\r\n\r\n"));
}

Counts send_requests(int port, const std::string& host, int number) {
    Counts counts;
    std::unique_ptr<Wire> wire;
    for (int i = 0; i < number; ++i)
        count(counts, exchange(wire, port, request_text(host, i % 2 == 1)));
    return counts;
}

Counts send_by_many(int port, const std::string& host, int clients, int number) {
    Counts all;
    std::mutex mutex;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < clients; ++i)
            threads.emplace_back([&] {
                const Counts some = send_requests(port, host, number / clients);
                const std::lock_guard lock(mutex);
                all.add(some);
            });
    }
    return all;
}

Load::Load(int port, const std::string& host, int clients) {
    for (int i = 0; i < clients; ++i)
        threads_.emplace_back([this, port, host] {
            Counts counts;
            std::unique_ptr<Wire> wire;
            for (int n = 0; !stopped_; ++n, ++done_)
                count(counts, exchange(wire, port, request_text(host, n % 2 == 1)));
            const std::lock_guard lock(mutex_);
            counts_.add(counts);
        });
}

Counts Load::stop() {
    stopped_ = true;
    threads_.clear();
    return counts_;
}

}  // namespace sluice::ingress_parts
