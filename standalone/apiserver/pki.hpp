// SPDX-License-Identifier: Apache-2.0
// The server's own certificate authority (EC P-256, made once, ten years), and what it signs at
// each start.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace sluice::standalone::apiserver {

struct KeyPair {
    std::string certificate;  // PEM
    std::string key;          // PEM
};

Result<KeyPair> make_ca(TimePoint now);
// For `hosts`: DNS names and addresses.
Result<KeyPair> sign_server(const KeyPair& ca, const std::vector<std::string>& hosts,
                            TimePoint now);
// A client certificate of system:masters.
Result<KeyPair> sign_client(const KeyPair& ca, const std::string& user, TimePoint now);

struct Pki {
    std::string ca_certificate;
    std::string ca_path;
    KeyPair server;  // of this run: never on disk
};

// Reads or makes `folder`/ca.crt and ca.key, signs anew for the server and for admin.crt and
// admin.key.
Result<Pki> prepare_pki(const std::string& folder, const std::string& listen_host, TimePoint now);

// Reads or makes a token of 256 random bits.
Result<std::string> prepare_token(const std::string& path);

std::string kubeconfig_text(const std::string& url, const std::string& ca_certificate,
                            const std::string& token);

}  // namespace sluice::standalone::apiserver
