// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/aws.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "analysis/providers/replies.hpp"
#include "base/digest.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace aws {
namespace {

// "20150830T123600Z"
std::string stamp_of(TimePoint now) {
    std::string text = format_rfc3339(std::chrono::floor<std::chrono::seconds>(now));
    std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
    return text;
}

std::string from_hex(std::string_view hex) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    std::string bytes;
    for (size_t i = 0; i + 1 < hex.size(); i += 2)
        bytes += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
    return bytes;
}

std::string hmac(std::string_view key, std::string_view text) {
    return from_hex(hmac_sha256_hex(key, text));
}

struct Url {
    std::string host, path, query;
};

Url parts_of(const std::string& url) {
    const auto scheme = url.find("://");
    const size_t host = scheme == std::string::npos ? 0 : scheme + 3;
    const size_t path = std::min(url.find_first_of("/?", host), url.size());
    const size_t query = std::min(url.find('?', path), url.size());
    Url parts{url.substr(host, path - host), url.substr(path, query - path),
              query < url.size() ? url.substr(query + 1) : ""};
    if (parts.path.empty()) parts.path = "/";
    return parts;
}

std::string canonical_path(const std::string& path) {
    std::vector<std::string> segments;
    for (const auto& segment : split(path, '/')) segments.push_back(percent_encode(segment));
    return join(segments, "/");
}

std::string canonical_query(const std::string& query) {
    if (query.empty()) return "";
    std::vector<std::pair<std::string, std::string>> parameters;
    const auto encoded = [](std::string_view text) {
        return percent_encode(percent_decode(text).value_or(std::string(text)));
    };
    for (const std::string_view pair : split(query, '&')) {
        const auto sign = std::min(pair.find('='), pair.size());
        const auto value = pair.substr(std::min(sign + 1, pair.size()));
        parameters.emplace_back(encoded(pair.substr(0, sign)), encoded(value));
    }
    std::sort(parameters.begin(), parameters.end());
    std::vector<std::string> texts;
    for (const auto& [name, value] : parameters) texts.push_back(concat(name, "=", value));
    return join(texts, "&");
}

// Without blanks around, and with one for each run of them.
std::string folded(std::string_view text) {
    std::string one;
    for (const char c : trim(text))
        if (c != ' ' || one.back() != ' ') one += c;
    return one;
}

struct Signed {
    std::string headers;  // "host:…\nx-amz-date:…\n"
    std::string names;    // "host;x-amz-date"
};

Signed signed_headers(const HttpRequest& request, const std::string& host) {
    std::map<std::string, std::string> all{{"host", host}};
    for (const auto& header : request.headers) {
        const std::string name = to_lower(header.name);
        if (name == "authorization") continue;
        auto [at, fresh] = all.try_emplace(name, folded(header.value));
        if (!fresh && name != "host") at->second += "," + folded(header.value);
    }
    Signed result;
    for (const auto& [name, value] : all) {
        result.headers += concat(name, ":", value, "\n");
        result.names += concat(result.names.empty() ? "" : ";", name);
    }
    return result;
}

std::string entry(const Credentials& given, const char* name) {
    const auto found = given.find(name);
    return found == given.end() ? std::string() : std::string(trim(found->second));
}

// ---- where keys come from ----

enum class Source { Given, WebIdentity, Container, Nothing };

Source source_of(const Credentials& given) {
    if (!entry(given, "access-key-id").empty()) return Source::Given;
    if (!entry(given, "web-identity-token").empty()) return Source::WebIdentity;
    if (!entry(given, "container-url").empty()) return Source::Container;
    return Source::Nothing;
}

std::string sts_url(const AwsAccess& access) {
    const std::string own = entry(access.given, "sts-url");
    if (!own.empty()) return own;
    return concat("https://sts.", access.region, ".amazonaws.com",
                  access.region.starts_with("cn-") ? ".cn" : "", "/");
}

std::string session_name(const AwsAccess& access) {
    const std::string name = entry(access.given, "role-session-name");
    return name.empty() ? "sluice" : name;
}

Query sts_query(const AwsAccess& access, const std::string& form) {
    return Query{.request = {.method = "POST",
                             .url = sts_url(access),
                             .headers = {{"Content-Type",
                                          "application/x-www-form-urlencoded; charset=utf-8"},
                                         {"Accept", "application/json"}},
                             .body = form,
                             .deadline = std::chrono::seconds{10}}};
}

Query web_identity_query(const AwsAccess& access) {
    return sts_query(access, concat("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=",
                                    percent_encode(entry(access.given, "role-arn")),
                                    "&RoleSessionName=", percent_encode(session_name(access)),
                                    "&WebIdentityToken=",
                                    percent_encode(entry(access.given, "web-identity-token"))));
}

Query role_query(const AwsAccess& access, const AwsKeys& keys) {
    Query query = sts_query(
        access, concat("Action=AssumeRole&Version=2011-06-15&RoleArn=", percent_encode(access.role),
                       "&RoleSessionName=", percent_encode(session_name(access))));
    sign_aws(query.request, keys, access.region, "sts", access.now);
    return query;
}

Query container_query(const AwsAccess& access) {
    Query query{.request = {.url = entry(access.given, "container-url"),
                            .deadline = std::chrono::seconds{10}}};
    const std::string token = entry(access.given, "container-token");
    if (!token.empty()) query.request.headers.push_back({"Authorization", token});
    return query;
}

// The text of the first <name>…</name>; STS speaks XML to whoever does not insist on JSON.
std::string element(std::string_view xml, const std::string& name) {
    const auto open = xml.find(concat("<", name, ">"));
    if (open == std::string_view::npos) return "";
    const auto from = open + name.size() + 2;
    const auto close = xml.find(concat("</", name, ">"), from);
    return close == std::string_view::npos ? "" : std::string(xml.substr(from, close - from));
}

// The first object below that holds the keys.
const Json* keys_object(const Json& json, int depth = 0) {
    if (!json.is_object() || depth > 4) return nullptr;
    if (json.contains("AccessKeyId")) return &json;
    for (const auto& inner : json)
        if (const auto* found = keys_object(inner, depth + 1)) return found;
    return nullptr;
}

Result<AwsKeys> keys_in(const HttpResponse& response) {
    const auto json = parse_json(response.body);
    if (response.status != 200) {
        const std::string code =
            json.ok() ? text_at(*json, {"Error", "Code"}) : element(response.body, "Code");
        return unavailable(concat("no AWS keys: answered ", response.status,
                                  code.empty() ? "" : " ", code, retry_after_text(response)));
    }
    AwsKeys keys;
    if (const Json* object = json.ok() ? keys_object(*json) : nullptr) {
        const std::string session = text_at(*object, {"SessionToken"});
        keys = {text_at(*object, {"AccessKeyId"}), text_at(*object, {"SecretAccessKey"}),
                session.empty() ? text_at(*object, {"Token"}) : session};
    } else if (!json.ok()) {
        keys = {element(response.body, "AccessKeyId"), element(response.body, "SecretAccessKey"),
                element(response.body, "SessionToken")};
    }
    if (keys.id.empty() || keys.secret.empty())
        return unavailable("no AWS keys: the answer holds none");
    return keys;
}

}  // namespace
}  // namespace aws

using namespace aws;

void sign_aws(HttpRequest& request, const AwsKeys& keys, const std::string& region,
              const std::string& service, TimePoint now) {
    const std::string stamp = stamp_of(now);
    const std::string day = stamp.substr(0, 8);
    request.headers.push_back({"X-Amz-Date", stamp});
    if (!keys.token.empty()) request.headers.push_back({"X-Amz-Security-Token", keys.token});
    const auto url = parts_of(request.url);
    const auto all = signed_headers(request, url.host);
    const std::string canonical =
        concat(request.method, "\n", canonical_path(url.path), "\n", canonical_query(url.query),
               "\n", all.headers, "\n", all.names, "\n", sha256_hex(request.body));
    const std::string scope = concat(day, "/", region, "/", service, "/aws4_request");
    const std::string to_sign =
        concat("AWS4-HMAC-SHA256\n", stamp, "\n", scope, "\n", sha256_hex(canonical));
    const std::string key =
        hmac(hmac(hmac(hmac("AWS4" + keys.secret, day), region), service), "aws4_request");
    request.headers.push_back(
        {"Authorization",
         concat("AWS4-HMAC-SHA256 Credential=", keys.id, "/", scope, ", SignedHeaders=", all.names,
                ", Signature=", hmac_sha256_hex(key, to_sign))});
}

Result<Query> first_aws_query(const AwsAccess& access, const AskWithKeys& ask) {
    switch (source_of(access.given)) {
        case Source::WebIdentity: return web_identity_query(access);
        case Source::Container: return container_query(access);
        case Source::Given: break;
        case Source::Nothing:
            return invalid(
                "no AWS keys: none of AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE and "
                "AWS_CONTAINER_CREDENTIALS_FULL_URI is set");
    }
    const AwsKeys keys{entry(access.given, "access-key-id"),
                       entry(access.given, "secret-access-key"),
                       entry(access.given, "session-token")};
    if (!access.role.empty()) return role_query(access, keys);
    return ask(keys);
}

Result<std::optional<Query>> next_aws_query(const AwsAccess& access, const AskWithKeys& ask,
                                            const HttpResponse& response, int step) {
    const int for_keys = source_of(access.given) == Source::Given ? 0 : 1;
    const int before_ask = for_keys + (access.role.empty() ? 0 : 1);
    if (step >= before_ask) return std::optional<Query>{};
    const auto keys = TRY(keys_in(response));
    if (step + 1 < before_ask) return std::optional(role_query(access, keys));
    return std::optional(TRY(ask(keys)));
}

}  // namespace sluice::analysis
