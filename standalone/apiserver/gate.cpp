// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/gate.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>

#include "base/digest.hpp"
#include "base/text.hpp"

namespace sluice::standalone::apiserver {
namespace {

// Nothing may tell from the time it takes how much of a guess was right; digests have equal
// lengths.
bool same_secret(std::string_view left, std::string_view right) {
    const std::string a = sha256_hex(left);
    const std::string b = sha256_hex(right);
    return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool is_ip_literal(std::string_view host) {
    if (host.find(':') != std::string_view::npos) return true;
    const auto parts = split(host, '.');
    return parts.size() == 4 && std::ranges::all_of(parts, [](const std::string& part) {
               const auto number = parse_integer(part);
               return number && *number >= 0 && *number <= 255;
           });
}

bool is_public_path(std::string_view url) {
    const std::string_view path = url.substr(0, url.find('?'));
    return path == "/readyz" || path == "/livez" || path == "/healthz" || path == "/version";
}

StatusError refused(std::string message) {
    return {.code = 403, .reason = "Forbidden", .message = std::move(message)};
}

}  // namespace

std::string host_without_port(std::string_view authority) {
    if (authority.starts_with('[')) {
        const auto close = authority.find(']');
        return std::string(
            authority.substr(1, close == std::string_view::npos ? close : close - 1));
    }
    return std::string(authority.substr(0, authority.find(':')));
}

bool is_known_host(std::string_view host, std::string_view listen_host) {
    static constexpr std::array names = {std::string_view("localhost"),
                                         std::string_view("::1"),
                                         std::string_view("kubernetes"),
                                         std::string_view("kubernetes.default"),
                                         std::string_view("kubernetes.default.svc"),
                                         std::string_view("kubernetes.default.svc.cluster.local")};
    const std::string lower = to_lower(host);
    if (std::ranges::find(names, lower) != names.end() || lower == to_lower(listen_host))
        return true;
    if (!is_ip_literal(lower)) return false;
    // An address cannot be rebound; with no address of its own to compare, the server takes any.
    const bool listens_everywhere = listen_host == "0.0.0.0" || listen_host == "::";
    return lower.starts_with("127.") || listens_everywhere;
}

std::optional<StatusError> Gate::refuse(const HttpRequest& request,
                                        bool has_client_certificate) const {
    const std::string authority = header(request.headers, "Host").value_or("");
    if (!is_known_host(host_without_port(authority), listen_host))
        return refused(
            concat("the Host header names \"", authority, "\", which this server is not"));
    const auto origin = header(request.headers, "Origin");
    if (origin && to_lower(*origin) != to_lower(concat("https://", authority)))
        return refused("cross-origin requests are not served");
    if (is_public_path(request.url) || has_client_certificate) return std::nullopt;
    const std::string authorization = header(request.headers, "Authorization").value_or("");
    constexpr std::string_view scheme = "bearer ";
    const bool bearer =
        authorization.size() > scheme.size() &&
        to_lower(std::string_view(authorization).substr(0, scheme.size())) == scheme;
    if (bearer && same_secret(trim(std::string_view(authorization).substr(scheme.size())), token))
        return std::nullopt;
    return status::unauthorized();
}

Result<ListenAddress> parse_listen(std::string_view text) {
    const auto colon = text.rfind(':');
    const auto port =
        colon == std::string_view::npos ? std::nullopt : parse_integer(text.substr(colon + 1));
    const std::string host =
        colon == std::string_view::npos
            ? ""
            : host_without_port(text.substr(0, colon + (text.starts_with('[') ? 1 : 0)));
    if (!port || *port < 0 || *port > 65535 || host.empty())
        return invalid(concat("expected an address such as 127.0.0.1:6443, found \"", text, "\""));
    return ListenAddress{host, static_cast<int>(*port)};
}

}  // namespace sluice::standalone::apiserver
