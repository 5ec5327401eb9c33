// SPDX-License-Identifier: Apache-2.0
// POST /hooks/git/<namespace>/<gitsource>: what Git hosts call after a push. Only ever a hint:
// nothing in the body is believed, the branch is asked. Where the GitSource names a secret, the
// call must be signed with it: X-Hub-Signature-256 (GitHub, Gitea, Forgejo, Gogs) or
// X-Gitlab-Token.
#pragma once

#include <functional>
#include <string>

#include <functional>

#include "base/http.hpp"
#include "controller/shell/git_sources.hpp"
#include "platform/kube/client.hpp"

namespace sluice::shell {

// Any thread.
class WebhookHandler {
public:
    static constexpr size_t max_body_bytes = 1U << 20U;

    // Who hears of a push to a GitSource ("namespace/name") that is there. Must not block for long.
    using Take = std::function<Result<void>(const std::string& key)>;

    // Both must outlive it.
    WebhookHandler(GitSources& sources, const kube::Client& client)
        : take_([&sources](const std::string& key) -> Result<void> {
              sources.hint(key);
              return {};
          }),
          client_(client) {}
    WebhookHandler(Take take, const kube::Client& client)
        : take_(std::move(take)), client_(client) {}

    // 202 for a hint taken; 401, 404, 405, 413, 503 otherwise. Never slow but for the API server.
    HttpResponse handle(const HttpRequest& request);

private:
    Take take_;
    const kube::Client& client_;
};

// Whether the request proves that it knows `token`. Compared in constant time. Pure.
bool is_signed_with(const HttpRequest& request, std::string_view token);

}  // namespace sluice::shell
