// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/pki.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <memory>
#include <set>

#include "base/text.hpp"

namespace sluice::standalone::apiserver {
namespace {

struct FreeOpenSsl {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeOpenSsl>;
using Certificate = std::unique_ptr<X509, FreeOpenSsl>;
using Bio = std::unique_ptr<BIO, FreeOpenSsl>;

constexpr long day_seconds = 24L * 60 * 60;
constexpr long ca_days = 3650;
constexpr long leaf_days = 825;  // what clients still accept of a server certificate

Error crypto_error(std::string_view attempt) {
    char text[256] = {};
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    return internal(concat(attempt, ": ", text));
}

std::string bio_text(BIO* bio) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio, &bytes);
    return {bytes, static_cast<size_t>(size)};
}

Result<KeyPair> to_pem(X509* certificate, EVP_PKEY* key) {
    const Bio certificate_bio(BIO_new(BIO_s_mem()));
    const Bio key_bio(BIO_new(BIO_s_mem()));
    if (PEM_write_bio_X509(certificate_bio.get(), certificate) != 1 ||
        PEM_write_bio_PrivateKey(key_bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
        return crypto_error("write a certificate");
    return KeyPair{bio_text(certificate_bio.get()), bio_text(key_bio.get())};
}

Result<Certificate> read_certificate(const std::string& pem) {
    const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!certificate) return crypto_error("read the CA certificate");
    return certificate;
}

Result<Key> read_key(const std::string& pem) {
    const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
    if (!key) return crypto_error("read the CA key");
    return key;
}

bool add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, FreeOpenSsl> extension(
        X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

struct Request {
    std::string common_name;
    std::string organization;
    long days;
    std::vector<std::pair<int, std::string>> extensions;
};

// A certificate with a key of its own, signed by `issuer`; by itself without one.
Result<KeyPair> issue(const Request& request, X509* issuer, EVP_PKEY* issuer_key, TimePoint now) {
    const Key key(EVP_EC_gen("P-256"));
    const Certificate certificate(X509_new());
    if (!key || !certificate) return crypto_error("make a key");
    unsigned char serial[16] = {};
    if (RAND_bytes(serial, sizeof serial) != 1) return crypto_error("make a serial number");
    serial[0] &= 0x7f;  // positive
    const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(
        BN_bin2bn(serial, sizeof serial, nullptr), BN_free);
    BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate.get()));
    X509_set_version(certificate.get(), X509_VERSION_3);
    const time_t seconds =
        std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    // An hour of slack for clocks that differ.
    ASN1_TIME_set(X509_getm_notBefore(certificate.get()), seconds - day_seconds);
    ASN1_TIME_set(X509_getm_notAfter(certificate.get()), seconds + request.days * day_seconds);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* name = X509_get_subject_name(certificate.get());
    const auto add_name = [&](const char* field, const std::string& value) {
        X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(value.c_str()), -1, -1,
                                   0);
    };
    if (!request.organization.empty()) add_name("O", request.organization);
    add_name("CN", request.common_name);
    X509* signer = issuer ? issuer : certificate.get();
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer));
    for (const auto& [id, value] : request.extensions)
        if (!add_extension(certificate.get(), signer, id, value))
            return crypto_error(concat("add \"", value, "\" to a certificate"));
    if (X509_sign(certificate.get(), issuer_key ? issuer_key : key.get(), EVP_sha256()) == 0)
        return crypto_error("sign a certificate");
    return to_pem(certificate.get(), key.get());
}

Result<KeyPair> sign(const KeyPair& ca, const Request& request, TimePoint now) {
    const Certificate issuer = TRY(read_certificate(ca.certificate));
    const Key key = TRY(read_key(ca.key));
    return issue(request, issuer.get(), key.get(), now);
}

bool is_address(const std::string& host) {
    unsigned char bytes[16];
    return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
           inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

}  // namespace

Result<KeyPair> make_ca(TimePoint now) {
    return issue({.common_name = "sluice-ca",
                  .organization = {},
                  .days = ca_days,
                  .extensions = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                                 {NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature"},
                                 {NID_subject_key_identifier, "hash"}}},
                 nullptr, nullptr, now);
}

Result<KeyPair> sign_server(const KeyPair& ca, const std::vector<std::string>& hosts,
                            TimePoint now) {
    std::vector<std::string> names;
    for (const auto& host : std::set<std::string>(hosts.begin(), hosts.end()))
        names.push_back(concat(is_address(host) ? "IP:" : "DNS:", host));
    return sign(ca,
                {.common_name = "sluice-apiserver",
                 .organization = {},
                 .days = leaf_days,
                 .extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                                {NID_key_usage, "critical,digitalSignature"},
                                {NID_ext_key_usage, "serverAuth"},
                                {NID_subject_key_identifier, "hash"},
                                {NID_authority_key_identifier, "keyid"},
                                {NID_subject_alt_name, join(names, ",")}}},
                now);
}

Result<KeyPair> sign_client(const KeyPair& ca, const std::string& user, TimePoint now) {
    return sign(ca,
                {.common_name = user,
                 .organization = "system:masters",
                 .days = leaf_days,
                 .extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                                {NID_key_usage, "critical,digitalSignature"},
                                {NID_ext_key_usage, "clientAuth"},
                                {NID_subject_key_identifier, "hash"},
                                {NID_authority_key_identifier, "keyid"}}},
                now);
}

}  // namespace sluice::standalone::apiserver
