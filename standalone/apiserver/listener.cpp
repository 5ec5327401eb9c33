// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/listener.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "base/text.hpp"

namespace sluice::standalone::apiserver {
namespace {

// While descriptors are short: some connection may close meanwhile.
constexpr int accept_pause_milliseconds = 100;

}  // namespace

Result<Listener> Listener::bind(const ListenAddress& address) {
    const auto failed = [&](std::string_view why) {
        return unavailable(concat("listen on ", address.host, ":", address.port, ": ", why));
    };
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(address.port);
    if (const int problem = ::getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found))
        return failed(::gai_strerror(problem));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, ::freeaddrinfo);
    const int socket = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (socket < 0 || wake < 0) return failed(std::strerror(errno));
    Listener listener(socket, wake, found->ai_family == AF_INET6);
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(socket, found->ai_addr, found->ai_addrlen) != 0 || ::listen(socket, SOMAXCONN) != 0)
        return failed(std::strerror(errno));
    return listener;
}

Listener::Listener(Listener&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      wake_(std::exchange(other.wake_, -1)),
      is_v6_(other.is_v6_) {}

Listener::~Listener() {
    if (socket_ >= 0) ::close(socket_);
    if (wake_ >= 0) ::close(wake_);
}

int Listener::port() const {
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&bound), &size);
    const in_port_t port = bound.ss_family == AF_INET6
                               ? reinterpret_cast<const sockaddr_in6*>(&bound)->sin6_port
                               : reinterpret_cast<const sockaddr_in*>(&bound)->sin_port;
    return ntohs(port);
}

void Listener::run(const std::stop_token& stop,
                   const std::function<void(int socket, bool is_v6)>& on_accept, Log& log) const {
    const std::stop_callback on_stop(stop, [this] { ::eventfd_write(wake_, 1); });
    while (!stop.stop_requested()) {
        pollfd ready[] = {{socket_, POLLIN, 0}, {wake_, POLLIN, 0}};
        ::poll(ready, 2, -1);
        const int accepted = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (accepted >= 0) {
            const int yes = 1;
            ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            on_accept(accepted, is_v6_);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log.warning("accept failed", {{"problem", std::strerror(errno)}});
            pollfd stopped{wake_, POLLIN, 0};
            ::poll(&stopped, 1, accept_pause_milliseconds);
        }
    }
}

}  // namespace sluice::standalone::apiserver
