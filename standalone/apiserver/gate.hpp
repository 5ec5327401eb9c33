// SPDX-License-Identifier: Apache-2.0
// Who may speak to the TLS server: the Host and Origin that a browser cannot be tricked out of, and
// the one user's token or client certificate. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/http.hpp"
#include "standalone/apiserver/api_result.hpp"

namespace sluice::standalone::apiserver {

struct Gate {
    std::string listen_host;  // as in --listen, without brackets
    std::string token;

    // Why this request is refused; nothing where it may pass.
    [[nodiscard]] std::optional<StatusError> refuse(const HttpRequest& request,
                                                    bool has_client_certificate) const;
};

// "[::1]:6443" → "::1"; "localhost" → "localhost".
std::string host_without_port(std::string_view authority);
// A name that resolves elsewhere tomorrow could be a page that attacks its reader's machine (DNS
// rebinding).
bool is_known_host(std::string_view host, std::string_view listen_host);

struct ListenAddress {
    std::string host;
    int port = 0;
};
// "127.0.0.1:6443", "[::1]:0".
Result<ListenAddress> parse_listen(std::string_view text);

}  // namespace sluice::standalone::apiserver
