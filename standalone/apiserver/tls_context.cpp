// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/tls_context.hpp"

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <memory>

namespace sluice::standalone::apiserver {
namespace {

using PemBio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using PemCertificate = std::unique_ptr<X509, decltype(&X509_free)>;
using PemKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

PemBio pem_bio(const std::string& pem) {
    return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free};
}
PemCertificate pem_certificate(const std::string& pem) {
    return {PEM_read_bio_X509(pem_bio(pem).get(), nullptr, nullptr, nullptr), X509_free};
}
PemKey pem_key(const std::string& pem) {
    return {PEM_read_bio_PrivateKey(pem_bio(pem).get(), nullptr, nullptr, nullptr), EVP_PKEY_free};
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

}  // namespace

Result<ssl_ctx_st*> make_tls_context(const Pki& pki) {
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()),
                                                              SSL_CTX_free);
    const PemCertificate certificate = pem_certificate(pki.server.certificate);
    const PemCertificate ca = pem_certificate(pki.ca_certificate);
    const PemKey key = pem_key(pki.server.key);
    const bool ready = context && certificate && ca && key &&
                       SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) == 1 &&
                       SSL_CTX_use_certificate(context.get(), certificate.get()) == 1 &&
                       SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1 &&
                       X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), ca.get()) == 1 &&
                       SSL_CTX_add_client_CA(context.get(), ca.get()) == 1;
    if (!ready) return internal("set up TLS: the certificates do not fit together");
    // A client need not show a certificate; one that is not ours ends the handshake.
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
    // Nothing to resume: a certificate is asked for on each connection.
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
    return context.release();
}

bool has_verified_peer(ssl_st* connection) {
    const PemCertificate shown(SSL_get1_peer_certificate(connection), X509_free);
    return shown && SSL_get_verify_result(connection) == X509_V_OK;
}

}  // namespace sluice::standalone::apiserver
