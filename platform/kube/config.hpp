// SPDX-License-Identifier: Apache-2.0
// How to reach an API server, from where kubectl looks too: a kubeconfig, or the pod we run in.
#pragma once

#include <memory>
#include <string>

#include "base/http.hpp"

namespace sluice::kube {

struct Access {
    std::string server;  // "https://127.0.0.1:6443"
    std::string ca_pem;
    std::string token;
    std::string token_file;  // where the token stands and is replaced; empty: it stays as it is
    std::string client_certificate_pem;
    std::string client_key_pem;
    std::string default_namespace = "default";
};

// `path` empty: $KUBECONFIG's first file, else ~/.kube/config, else the pod's service account.
// `context` empty: the current one. Invalid names the file and what is wrong in it; NotFound where
// there is nothing to read.
Result<Access> load_access(const std::string& path, const std::string& context);

// A verified-TLS transport to that server, which waits when it is told to and reads its token
// again.
std::unique_ptr<HttpTransport> connect(const Access& access);

}  // namespace sluice::kube
