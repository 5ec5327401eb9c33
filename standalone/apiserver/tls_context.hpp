// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "standalone/apiserver/pki.hpp"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX
struct ssl_st;      // OpenSSL's SSL

namespace sluice::standalone::apiserver {

// TLS 1.2 and newer, HTTP/1.1 by ALPN, client certificates asked for and verified when shown. The
// caller owns it (SSL_CTX_free).
Result<ssl_ctx_st*> make_tls_context(const Pki& pki);

// After the handshake: the client showed a certificate, and it is one of ours.
bool has_verified_peer(ssl_st* connection);

}  // namespace sluice::standalone::apiserver
