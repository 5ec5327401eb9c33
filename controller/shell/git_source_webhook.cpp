// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/git_source_webhook.hpp"

#include <nlohmann/json.hpp>

#include "base/digest.hpp"
#include "base/text.hpp"

namespace sluice::shell {
namespace {

HttpResponse answer(int status, std::string_view text) {
    return {.status = status,
            .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
            .body = concat(text, "\n")};
}

bool equal_in_constant_time(std::string_view one, std::string_view other) {
    if (one.size() != other.size()) return false;
    unsigned char difference = 0;
    for (size_t i = 0; i < one.size(); ++i)
        difference |= static_cast<unsigned char>(one[i] ^ other[i]);
    return difference == 0;
}

// "/hooks/git/shop/app" as "shop/app"; empty for anything else.
std::string key_in_path(std::string_view url) {
    const auto path = url.substr(0, url.find('?'));
    const auto parts = split(path, '/');
    if (parts.size() != 5 || !parts[0].empty() || parts[1] != "hooks" || parts[2] != "git")
        return {};
    if (parts[3].empty() || parts[4].empty()) return {};
    return key_of(parts[3], parts[4]);
}

}  // namespace

bool is_signed_with(const HttpRequest& request, std::string_view token) {
    if (token.empty()) return false;
    if (const auto signature = header(request.headers, "X-Hub-Signature-256"))
        return equal_in_constant_time(*signature,
                                      concat("sha256=", hmac_sha256_hex(token, request.body)));
    if (const auto given = header(request.headers, "X-Gitlab-Token"))
        return equal_in_constant_time(*given, token);
    return false;
}

HttpResponse WebhookHandler::handle(const HttpRequest& request) {
    const std::string key = key_in_path(request.url);
    if (key.empty()) return answer(404, "expected /hooks/git/<namespace>/<gitsource>");
    if (request.method != "POST") return answer(405, "expected POST");
    if (request.body.size() > max_body_bytes) return answer(413, "the body is too large");
    const auto [ns, name] = split_key(key);
    const auto document = client_.get({resources::git_sources, ns, name});
    if (document.failed_with(ErrorKind::NotFound)) return answer(404, "no such git source");
    if (!document.ok()) return answer(503, "the git source cannot be read now");
    const std::string secret_name = text_at(*document, {"spec", "webhook", "secretRef", "name"});
    if (!secret_name.empty()) {
        const auto secret = client_.get({resources::secrets, ns, secret_name});
        if (!secret.ok()) return answer(503, "the webhook's secret cannot be read now");
        const auto token = base64_decode(text_at(*secret, {"data", "token"}));
        if (!token || !is_signed_with(request, *token))
            return answer(401, "the signature is missing or wrong");
    }
    if (!take_(key).ok()) return answer(503, "the git source cannot be told now");
    return answer(202, "the branch will be looked at");
}

}  // namespace sluice::shell
