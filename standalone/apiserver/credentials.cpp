// SPDX-License-Identifier: Apache-2.0
// What lies in the data folder: CA, token, kubeconfig.
#include <openssl/rand.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/yaml.hpp"
#include "standalone/apiserver/pki.hpp"
#include "standalone/apiserver/private_file.hpp"

namespace sluice::standalone::apiserver {
namespace {

Result<KeyPair> read_or_make_ca(const std::string& folder, TimePoint now) {
    const auto certificate = TRY(read_file_if_there(folder + "/ca.crt"));
    const auto key = TRY(read_file_if_there(folder + "/ca.key"));
    if (certificate && key) return KeyPair{*certificate, *key};
    KeyPair ca = TRY(make_ca(now));
    // The key first: a certificate without its key would be trusted for nothing.
    TRY(write_private_file(folder + "/ca.key", ca.key));
    TRY(write_private_file(folder + "/ca.crt", ca.certificate));
    return ca;
}

}  // namespace

Result<Pki> prepare_pki(const std::string& folder, const std::string& listen_host, TimePoint now) {
    TRY(make_private_folder(folder));
    const KeyPair ca = TRY(read_or_make_ca(folder, now).while_doing(concat("prepare ", folder)));
    std::vector<std::string> hosts = {"127.0.0.1",
                                      "::1",
                                      "localhost",
                                      "kubernetes",
                                      "kubernetes.default",
                                      "kubernetes.default.svc",
                                      "kubernetes.default.svc.cluster.local"};
    if (listen_host != "0.0.0.0" && listen_host != "::") hosts.push_back(listen_host);
    KeyPair server = TRY(sign_server(ca, hosts, now).while_doing(concat("prepare ", folder)));
    const KeyPair admin = TRY(sign_client(ca, "sluice-admin", now));
    TRY(write_private_file(folder + "/admin.key", admin.key));
    TRY(write_private_file(folder + "/admin.crt", admin.certificate));
    return Pki{ca.certificate, folder + "/ca.crt", std::move(server)};
}

Result<std::string> prepare_token(const std::string& path) {
    if (const auto found = TRY(read_file_if_there(path))) {
        std::string token(trim(*found));
        if (token.size() < 32)
            return invalid(concat("read ", path, ": shorter than 32 characters"));
        return token;
    }
    unsigned char bytes[32] = {};
    if (RAND_bytes(bytes, sizeof bytes) != 1) return internal("make a token: no random bytes");
    std::string token;
    for (const unsigned char byte : bytes) {
        token += "0123456789abcdef"[byte >> 4];
        token += "0123456789abcdef"[byte & 15];
    }
    TRY(write_private_file(path, token));
    return token;
}

std::string kubeconfig_text(const std::string& url, const std::string& ca_certificate,
                            const std::string& token) {
    return to_yaml(
        {{"apiVersion", "v1"},
         {"kind", "Config"},
         {"clusters",
          {{{"name", "sluice"},
            {"cluster",
             {{"server", url}, {"certificate-authority-data", base64_encode(ca_certificate)}}}}}},
         {"users", {{{"name", "sluice-admin"}, {"user", {{"token", token}}}}}},
         {"contexts",
          {{{"name", "sluice"},
            {"context",
             {{"cluster", "sluice"}, {"user", "sluice-admin"}, {"namespace", "default"}}}}}},
         {"current-context", "sluice"}});
}

}  // namespace sluice::standalone::apiserver
