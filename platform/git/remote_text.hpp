// SPDX-License-Identifier: Apache-2.0
// What the git program is told and what it says, as text: pure. Sources: git-ls-remote(1),
// git-push(1) OUTPUT and --porcelain, git-check-ref-format(1); the wordings met in the field are
// listed in gitops.md 3.2.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "platform/git/repository.hpp"

namespace sluice::git {

// Invalid for what we do not speak or must not: file://, credentials in the URL, plain http with
// credentials to another machine.
Result<void> check_url(std::string_view url, bool with_credentials);
// "https://example.com:8443": what credentials are bound to.
std::string origin_of(std::string_view url);
// A name that is safe in a refspec (git-check-ref-format rules, and no leading dash).
Result<void> check_branch(std::string_view branch);

// The tip of `branch` in the answer to `ls-remote --heads`.
Result<std::optional<Oid>> parse_tip(std::string_view answer, std::string_view branch);

struct RefReport {
    char flag = '!';  // ' ' moved on, '+' forced, '*' new, '=' nothing to do, '!' refused
    std::string ref;  // "refs/heads/main"
    std::string summary;
    bool operator==(const RefReport&) const = default;
};
std::vector<RefReport> parse_push_report(std::string_view porcelain);
// A refusal that says another push was first, in one of its many wordings.
bool means_stale(std::string_view summary);
// The server's own words: the lines behind "remote: ".
std::string remote_words(std::string_view standard_error);

// Whether a program's or the system's words say that our disk or quota is full.
bool tells_no_space(std::string_view words);
// What to do about it, to be put behind the words.
std::string no_space_advice(std::string_view directory);

// Which kind of failure a network command's stderr tells of; its last telling line is the message.
Error network_error(std::string_view standard_error, int exit_code);

}  // namespace sluice::git
