// SPDX-License-Identifier: Apache-2.0
// A listening TCP socket and the loop that accepts from it.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "base/log.hpp"
#include "standalone/apiserver/gate.hpp"

namespace sluice::standalone::apiserver {

class Listener {
public:
    // Unavailable where the address is taken or not ours: "listen on 127.0.0.1:6443: Address
    // already in use".
    static Result<Listener> bind(const ListenAddress& address);
    ~Listener();
    Listener(Listener&& other) noexcept;
    Listener& operator=(Listener&&) = delete;

    [[nodiscard]] int port() const;
    // Blocks until `stop`; each accepted socket belongs to `on_accept`.
    void run(const std::stop_token& stop,
             const std::function<void(int socket, bool is_v6)>& on_accept, Log& log) const;

private:
    Listener(int socket, int wake, bool is_v6) : socket_(socket), wake_(wake), is_v6_(is_v6) {}

    int socket_;
    int wake_;  // eventfd: run() sleeps on both
    bool is_v6_;
};

}  // namespace sluice::standalone::apiserver
