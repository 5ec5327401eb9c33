// SPDX-License-Identifier: Apache-2.0
#include "platform/git/remote_text.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace sluice::git {
namespace remote_text_detail {
namespace {

struct UrlParts {
    std::string scheme;
    std::string authority;  // with user info
    std::string host;       // without port
};

std::optional<UrlParts> split_url(std::string_view url) {
    const auto mark = url.find("://");
    if (mark == std::string_view::npos) return std::nullopt;
    const auto rest = url.substr(mark + 3);
    const auto authority = rest.substr(0, rest.find('/'));
    auto host = authority.substr(authority.rfind('@') + 1);  // npos + 1 is 0
    if (host.starts_with('['))
        host = host.substr(0, host.find(']') + 1);
    else
        host = host.substr(0, host.find(':'));
    return UrlParts{to_lower(url.substr(0, mark)), std::string(authority), to_lower(host)};
}

bool is_loopback(std::string_view host) {
    return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

bool contains_any(std::string_view text, std::initializer_list<std::string_view> needles) {
    return std::any_of(needles.begin(), needles.end(),
                       [&](auto needle) { return text.find(needle) != std::string_view::npos; });
}

}  // namespace
}  // namespace remote_text_detail

bool tells_no_space(std::string_view words) {
    // strerror's words in the C locale, for ENOSPC, EDQUOT and EFBIG.
    return remote_text_detail::contains_any(
        words, {"No space left on device", "Disk quota exceeded", "File too large"});
}

std::string no_space_advice(std::string_view directory) {
    return concat("; the disk of ", directory,
                  " is full: free space there or raise the quota, it then goes on by itself");
}

Result<Oid> Oid::parse(std::string_view text) {
    const bool hex = std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    });
    if (text.size() != 40 || !hex)
        return invalid(concat("expected 40 lower-case hex digits, found \"", text, "\""));
    return Oid(std::string(text));
}

Result<void> check_url(std::string_view url, bool with_credentials) {
    using namespace remote_text_detail;
    const auto bad = [&](std::string_view why) {
        return invalid(concat("git url \"", url, "\": ", why));
    };
    const auto control = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; };
    if (std::any_of(url.begin(), url.end(), control))
        return invalid("git url: it holds a space or a control character");
    const auto parts = split_url(url);
    if (!parts) return bad("expected https://, http:// or ssh://");
    if (parts->scheme == "file")
        return bad("file:// is not supported: pushes over it can lose commits; serve it over http");
    if (parts->scheme != "https" && parts->scheme != "http" && parts->scheme != "ssh")
        return bad("expected https://, http:// or ssh://");
    if (parts->host.empty()) return bad("the host is missing");
    const auto user = parts->authority.rfind('@');
    if (user != std::string::npos && (parts->scheme != "ssh" || parts->authority.find(':') < user))
        return invalid("git url: credentials belong in a secret (spec.secretRef), not in the url");
    if (parts->scheme == "http" && with_credentials && !is_loopback(parts->host))
        return bad("credentials are not sent over plain http; use https");
    return {};
}

std::string origin_of(std::string_view url) {
    const auto parts = remote_text_detail::split_url(url);
    return parts ? concat(parts->scheme, "://", parts->authority) : std::string(url);
}

Result<void> check_branch(std::string_view branch) {
    const auto bad = [&](std::string_view why) {
        return invalid(concat("git branch \"", branch, "\": ", why));
    };
    if (branch.empty()) return bad("it is empty");
    if (branch.size() > 200) return bad("it is longer than 200 bytes");
    if (branch.front() == '-' || branch.front() == '/' || branch.back() == '/' ||
        branch.back() == '.' || branch == "@")
        return bad("it is not a valid branch name");
    for (const char c : branch)
        if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f ||
            std::string_view("~^:?*[\\").find(c) != std::string_view::npos)
            return bad("it holds a character that git does not allow");
    for (const std::string_view bad_part : {"..", "@{", "//", "/."})
        if (branch.find(bad_part) != std::string_view::npos)
            return bad(concat("it holds \"", bad_part, "\""));
    for (const auto& part : split(branch, '/'))
        if (part.starts_with('.') || part.ends_with(".lock"))
            return bad("it is not a valid branch name");
    return {};
}

Result<std::optional<Oid>> parse_tip(std::string_view answer, std::string_view branch) {
    const std::string wanted = concat("refs/heads/", branch);
    for (const auto& line : split(answer, '\n')) {
        const auto tab = line.find('\t');
        // ls-remote matches the end of a ref's name, so "main" answers "release/main" too.
        if (tab == std::string::npos || line.substr(tab + 1) != wanted) continue;
        return std::optional(TRY(Oid::parse(std::string_view(line).substr(0, tab))));
    }
    return std::optional<Oid>{};
}

std::vector<RefReport> parse_push_report(std::string_view porcelain) {
    std::vector<RefReport> reports;
    for (const auto& line : split(porcelain, '\n')) {
        const auto columns = split(line, '\t');
        if (columns.size() < 3 || columns[0].size() != 1) continue;
        const auto colon = columns[1].rfind(':');
        reports.push_back({columns[0][0], columns[1].substr(colon + 1), columns[2]});
    }
    return reports;
}

bool means_stale(std::string_view summary) {
    return remote_text_detail::contains_any(
        summary, {"stale info", "fetch first", "non-fast-forward", "cannot lock ref",
                  "incorrect old value", "failed to update ref", "failed to lock",
                  "reference already exists", "atomic push failed", "atomic transaction failed"});
}

std::string remote_words(std::string_view standard_error) {
    std::vector<std::string> words;
    for (const auto& line : split(standard_error, '\n')) {
        if (!std::string_view(line).starts_with("remote:")) continue;
        const auto text = trim(std::string_view(line).substr(7));
        if (!text.empty()) words.emplace_back(text);
    }
    return join(words, "; ").substr(0, 1000);
}

Error network_error(std::string_view standard_error, int exit_code) {
    using remote_text_detail::contains_any;
    std::string telling;
    for (const auto& line : split(standard_error, '\n')) {
        const auto text = trim(line);
        if (text.starts_with("fatal:") || text.starts_with("error:") || text.starts_with("remote:"))
            telling += concat(telling.empty() ? "" : "; ", text);
    }
    if (telling.empty()) telling = std::string(trim(standard_error));
    if (telling.empty()) telling = concat("git ended with code ", exit_code);
    telling = telling.substr(0, 1000);
    if (tells_no_space(telling)) return {ErrorKind::NoSpace, telling};
    if (contains_any(telling,
                     {"Authentication failed", "could not read Username", "could not read Password",
                      "returned error: 401", "returned error: 403", "Permission denied"}))
        return {ErrorKind::Denied, telling};
    if (contains_any(telling, {"' not found", "does not appear to be a git repository",
                               "returned error: 404"}))
        return {ErrorKind::NotFound, telling};
    return {ErrorKind::Unavailable, telling};
}

}  // namespace sluice::git
