// SPDX-License-Identifier: Apache-2.0
// HttpTransport over libcurl's easy interface: blocking, one handle a call, connections reused.
#pragma once

#include <memory>
#include <string>

#include "base/http.hpp"

namespace sluice::http {

struct CurlOptions {
    // In front of origin-form URLs: "https://127.0.0.1:6443". Empty: every URL must be absolute.
    std::string base_url;
    // The CA that signs the server; empty: the system's. TLS is always verified.
    std::string ca_pem;
    // A client certificate with its key; both or neither.
    std::string client_certificate_pem;
    std::string client_key_pem;
    // Sent as "Authorization: Bearer …"; never logged.
    std::string bearer_token;
    // No proxy, whatever the environment says: for what is on this machine.
    bool direct = false;
    Duration connect_deadline = std::chrono::seconds{5};
    // A larger answer body is an error; streams are not bound by it.
    size_t largest_body = 64U << 20;
};

// Any thread; concurrent calls use handles of their own.
std::unique_ptr<HttpTransport> make_curl_transport(CurlOptions options);

}  // namespace sluice::http
