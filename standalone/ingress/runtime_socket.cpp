// SPDX-License-Identifier: Apache-2.0
#include "standalone/ingress/runtime_socket.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/text.hpp"

namespace sluice::standalone::ingress {
namespace {

constexpr int drain_flag = 0x08 | 0x10;  // SRV_ADMF_DRAIN, forced or inherited
constexpr int maint_flag = 0x01 | 0x02 | 0x04 | 0x20;

struct Socket {
    int fd = -1;
    ~Socket() {
        if (fd >= 0) ::close(fd);
    }
};

Error socket_error(const std::string& path, std::string_view what) {
    return unavailable(concat("haproxy runtime socket ", path, ": ", what, ": ", strerror(errno)));
}

// Lines of a reply, as words.
std::vector<std::vector<std::string>> reply_words(std::string_view reply) {
    std::vector<std::vector<std::string>> lines;
    for (const auto& line : split(reply, '\n')) {
        std::vector<std::string> words;
        for (auto& word : split(line, ' '))
            if (!word.empty()) words.push_back(std::move(word));
        if (!words.empty()) lines.push_back(std::move(words));
    }
    return lines;
}

}  // namespace

Result<std::string> RuntimeSocket::ask(const std::string& command) const {
    const auto until = std::chrono::steady_clock::now() + deadline_;
    const auto left = [&] {
        const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(
            until - std::chrono::steady_clock::now());
        return static_cast<int>(std::max<long>(rest.count(), 0));
    };
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof(address.sun_path))
        return invalid(
            concat("haproxy runtime socket ", path_, ": a path this long is no address"));
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    const Socket socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (socket.fd < 0) return socket_error(path_, "socket");
    if (::connect(socket.fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
        return socket_error(path_, "connect");
    const std::string line = command + "\n";
    size_t sent = 0;
    std::string reply;
    char buffer[16384];
    while (true) {
        pollfd poll{socket.fd, static_cast<short>(sent < line.size() ? POLLOUT : POLLIN), 0};
        if (::poll(&poll, 1, left()) <= 0)
            return Error{ErrorKind::Timeout,
                         concat("haproxy runtime socket ", path_, ": no reply to: ", command)};
        if (sent < line.size()) {
            const ssize_t n =
                ::send(socket.fd, line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
            if (n < 0 && errno != EAGAIN && errno != EINTR) return socket_error(path_, "send");
            if (n > 0) sent += static_cast<size_t>(n);
            continue;
        }
        const ssize_t n = ::recv(socket.fd, buffer, sizeof(buffer), 0);
        if (n == 0) break;
        if (n < 0 && errno != EAGAIN && errno != EINTR) return socket_error(path_, "receive");
        if (n > 0) reply.append(buffer, static_cast<size_t>(n));
    }
    while (!reply.empty() && reply.back() == '\n') reply.pop_back();
    return reply;
}

Result<void> RuntimeSocket::perform(const Command& command) const {
    const std::string reply = TRY(ask(command.text));
    if (reply == command.reply || command.may_fail) return {};
    return internal(concat("haproxy: ", command.text, ": ", reply));
}

Result<ProxyState> RuntimeSocket::read_state(const std::string& folder) const {
    const auto map = [&](std::string_view name) -> Result<std::map<std::string, std::string>> {
        const std::string reply = TRY(ask(concat("show map ", folder, "/", name, ".map")));
        if (!reply.empty() && !reply.starts_with("0x"))
            return internal(concat("haproxy: show map ", name, ": ", reply));
        return parse_map(reply);
    };
    ProxyState state;
    state.exact = TRY(map(exact_map));
    state.prefix = TRY(map(prefix_map));
    state.backends = TRY(map(backends_map));
    parse_servers_state(TRY(ask("show servers state")), state);
    parse_servers_conn(TRY(ask("show servers conn")), state);
    return state;
}

std::map<std::string, std::string> parse_map(std::string_view reply) {
    std::map<std::string, std::string> entries;
    for (const auto& words : reply_words(reply))
        if (words.size() >= 3) entries[words[1]] = words[2];
    return entries;
}

void parse_servers_state(std::string_view reply, ProxyState& state) {
    constexpr size_t backend = 1, name = 3, admin = 6;
    for (const auto& words : reply_words(reply)) {
        if (words.size() <= admin || words[0] == "#") continue;
        const long flags = parse_integer(words[admin]).value_or(0);
        auto& server = state.servers[words[backend]][words[name]];
        server.admin = (flags & maint_flag) != 0   ? ServerState::Admin::Maintenance
                       : (flags & drain_flag) != 0 ? ServerState::Admin::Drain
                                                   : ServerState::Admin::Ready;
    }
}

void parse_servers_conn(std::string_view reply, ProxyState& state) {
    constexpr size_t used = 6;  // bkname/svname bkid/svid addr port - purge_delay used_cur …
    for (const auto& words : reply_words(reply)) {
        if (words.size() <= used || words[0] == "#") continue;
        const auto slash = words[0].find('/');
        if (slash == std::string::npos) continue;
        const auto slot = state.servers.find(words[0].substr(0, slash));
        if (slot == state.servers.end()) continue;
        const auto server = slot->second.find(words[0].substr(slash + 1));
        if (server != slot->second.end())
            server->second.connections = static_cast<int>(parse_integer(words[used]).value_or(0));
    }
}

std::string info_field(std::string_view reply, std::string_view name) {
    for (const auto& line : split(reply, '\n'))
        if (line.starts_with(concat(name, ": "))) return line.substr(name.size() + 2);
    return {};
}

}  // namespace sluice::standalone::ingress
