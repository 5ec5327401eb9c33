// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/git_source_open.hpp"

#include <nlohmann/json.hpp>

#include "base/digest.hpp"
#include "base/text.hpp"

namespace sluice::shell {
namespace {

Result<git::Credentials> credentials_in(const Json& secret, const std::string& name) {
    const auto part = [&](const char* key) -> std::optional<std::string> {
        if (!find(secret, {"data", key})) return std::nullopt;
        return base64_decode(text_at(secret, {"data", key}));
    };
    const auto password = part("password");
    if (!password)
        return invalid(concat("secret ", name, ": expected the keys username and password"));
    return git::Credentials{part("username").value_or("git"), *password};
}

}  // namespace

Result<std::unique_ptr<git::Repository>> open_repository_of(const crds::GitSource& source,
                                                            const kube::Client& client,
                                                            const GitAccess& access, Log& log) {
    std::optional<git::Credentials> credentials;
    if (!source.spec.secret.empty()) {
        const auto secret = TRY(client.get({resources::secrets, source.ns, source.spec.secret}));
        credentials = TRY(credentials_in(secret, source.spec.secret));
    }
    // By URL too: what one server gave is never shown as another's.
    const std::string directory = concat(access.data_dir, "/git/", source.ns, "/", source.name, "/",
                                         sha256_hex(source.spec.url).substr(0, 12));
    return git::open_repository({.directory = directory,
                                 .url = source.spec.url,
                                 .credentials = std::move(credentials),
                                 .git_program = access.git_program,
                                 .network_deadline = source.spec.timeout,
                                 .stop = access.stop},
                                log);
}

}  // namespace sluice::shell
