// SPDX-License-Identifier: Apache-2.0
#include "examples/story/sabotage.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.hpp"

namespace story {
namespace {

using sluice::concat;
using sluice::Result;

constexpr std::chrono::milliseconds again{50};

// One command of HAProxy's runtime API, one connection.
Result<std::string> ask(const std::string& path, const std::string& command) {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const timeval patience{2, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const std::string line = command + "\n";
    std::string reply;
    if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::write(socket, line.data(), line.size()) < 0) {
        ::close(socket);
        return sluice::not_found(concat(path, ": ", std::strerror(errno)));
    }
    std::array<char, 4096> bytes{};
    for (ssize_t got = 0; (got = ::read(socket, bytes.data(), bytes.size())) > 0;)
        reply.append(bytes.data(), static_cast<size_t>(got));
    ::close(socket);
    return reply;
}

// "500:b001:10000:b000" gives b001 5 %. The smaller of two shares is the canary's; it gets
// `percent`. Nothing where it is not a pair of shares.
std::string with_share(std::string_view shares, int percent) {
    const auto parts = sluice::split(shares, ':');
    if (parts.size() != 4) return {};
    const auto bound = sluice::parse_integer(parts[0]);
    if (!bound) return {};
    const int wanted = *bound <= 5000 ? percent * 100 : 10000 - percent * 100;
    return concat(wanted, ":", parts[1], ":", parts[2], ":", parts[3]);
}

Result<int> change_maps(const std::string& path, int percent) {
    int changed = 0;
    for (const auto& map : sluice::split(TRY(ask(path, "show map")), '\n')) {
        const auto open = map.find('(');
        const auto close = map.find(')', open);
        if (map.empty() || map[0] == '#' || open == std::string::npos) continue;
        const auto file = map.substr(open + 1, close - open - 1);
        const auto entries = ask(path, "show map " + file);
        if (!entries.ok()) return entries.error();
        for (const auto& entry : sluice::split(*entries, '\n')) {
            const auto words = sluice::split(entry, ' ');
            if (words.size() != 3) continue;
            const auto shares = with_share(words[2], percent);
            if (shares.empty()) continue;
            const auto set = ask(path, concat("set map ", file, " ", words[1], " ", shares));
            if (set.ok()) ++changed;
        }
    }
    return changed;
}

}  // namespace

Result<void> Saboteur::hold_proxy_at(const std::string& data, int percent) {
    const std::string path = data + "/ingress/haproxy.sock";
    // The route has its new weight; the proxy follows within a moment.
    int changed = 0;
    for (int looks = 0; looks < 40 && changed == 0; ++looks) {
        if (looks > 0) std::this_thread::sleep_for(again);
        changed = TRY(change_maps(path, percent));
    }
    if (changed == 0) return sluice::not_found(concat("no pair of shares in the maps of ", path));
    // Sluice may put it right: again and again.
    thread_ = std::jthread([path, percent](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            (void)change_maps(path, percent);
            std::this_thread::sleep_for(again);
        }
    });
    return {};
}

}  // namespace story
