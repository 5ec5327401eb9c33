// SPDX-License-Identifier: Apache-2.0
#include "platform/git/remote_text.hpp"

#include <gtest/gtest.h>

namespace sluice::git {
namespace {

const std::string some_id = "0123456789abcdef0123456789abcdef01234567";

TEST(GitOid, IsFortyLowerCaseHexDigits) {
    EXPECT_EQ(Oid::parse(some_id)->text(), some_id);
    for (const auto* text :
         {"", "0123", "0123456789ABCDEF0123456789abcdef01234567",
          "0123456789abcdef0123456789abcdef0123456g", "0123456789abcdef0123456789abcdef012345678"})
        EXPECT_FALSE(Oid::parse(text).ok()) << text;
}

TEST(GitUrl, SaysWhyItIsRefused) {
    const auto why = [](std::string_view url, bool with_credentials) -> std::string {
        const auto answer = check_url(url, with_credentials);
        return answer.ok() ? "" : answer.error().message;
    };
    EXPECT_EQ(why("https://example.com/a.git", true), "");
    EXPECT_EQ(why("http://example.com/a.git", false), "");
    EXPECT_EQ(why("http://127.0.0.1:8080/a.git", true), "");
    EXPECT_EQ(why("ssh://git@example.com/a.git", false), "");
    EXPECT_EQ(why("http://example.com/a.git", true),
              "git url \"http://example.com/a.git\": credentials are not sent over plain http; use "
              "https");
    EXPECT_EQ(why("file:///srv/a.git", false),
              "git url \"file:///srv/a.git\": file:// is not supported: pushes over it can lose "
              "commits; serve it over http");
    EXPECT_EQ(why("/srv/a.git", false),
              "git url \"/srv/a.git\": expected https://, http:// or ssh://");
    EXPECT_EQ(why("ext::sh -c x", false), "git url: it holds a space or a control character");
    // The secret is not repeated in the message.
    EXPECT_EQ(why("https://me:secret@example.com/a.git", false),
              "git url: credentials belong in a secret (spec.secretRef), not in the url");
    EXPECT_EQ(why("ssh://me:secret@example.com/a.git", false),
              "git url: credentials belong in a secret (spec.secretRef), not in the url");
}

TEST(GitUrl, BindsCredentialsToItsOrigin) {
    EXPECT_EQ(origin_of("https://example.com:8443/a/b.git"), "https://example.com:8443");
}

TEST(GitBranch, FollowsTheRulesOfGit) {
    for (const auto* name : {"main", "feature/x", "sluice-records", "v1.2"})
        EXPECT_TRUE(check_branch(name).ok()) << name;
    for (const auto* name : {"", "-x", "a..b", "a b", "a:b", "a~1", "/a", "a/", "a//b", "a.lock/b",
                             "x.lock", ".a", "a/.b", "a@{1}", "@", "a\\b", "a\n"})
        EXPECT_FALSE(check_branch(name).ok()) << name;
}

TEST(GitTip, IsThatOfTheBranchItself) {
    const std::string other(40, 'f');
    const std::string answer =
        other + "\trefs/heads/release/refs/heads/main\n" + some_id + "\trefs/heads/main\n";
    EXPECT_EQ(parse_tip(answer, "main")->value().text(), some_id);
    EXPECT_FALSE(parse_tip("", "main")->has_value());
    EXPECT_FALSE(parse_tip("nonsense\trefs/heads/main\n", "main").ok());
}

TEST(GitPushReport, ReadsEachRef) {
    const auto reports = parse_push_report(
        "To http://127.0.0.1/a.git\n"
        " \tabc:refs/heads/main\t1..2\n"
        "*\tabc:refs/heads/new\t[new branch]\n"
        "!\tabc:refs/heads/x\t[remote rejected] (pre-receive hook declined)\n"
        "Done\n");
    const std::vector<RefReport> expected{
        {' ', "refs/heads/main", "1..2"},
        {'*', "refs/heads/new", "[new branch]"},
        {'!', "refs/heads/x", "[remote rejected] (pre-receive hook declined)"}};
    EXPECT_EQ(reports, expected);
}

TEST(GitPushReport, KnowsTheManyWordsForTooLate) {
    for (const auto* summary :
         {"[rejected] (stale info)", "[rejected] (fetch first)", "[rejected] (non-fast-forward)",
          "[remote rejected] (cannot lock ref 'refs/heads/main': is at a but expected b)",
          "[remote rejected] (incorrect old value provided)",
          "[remote rejected] (failed to update ref)",
          "[remote rejected] (reference already exists)", "[rejected] (atomic push failed)"})
        EXPECT_TRUE(means_stale(summary)) << summary;
    EXPECT_FALSE(means_stale("[remote rejected] (pre-receive hook declined)"));
    EXPECT_FALSE(means_stale("[remote rejected] (protected branch hook declined)"));
}

TEST(GitPushReport, KeepsTheServersWords) {
    EXPECT_EQ(remote_words("remote: error: GH006: Protected branch update failed.   \nremote:\n"
                           "remote: ask an owner        \nerror: failed to push\n"),
              "error: GH006: Protected branch update failed.; ask an owner");
}

TEST(GitNetworkError, SaysWhatTheCallerDoesNext) {
    const auto kind = [](std::string_view text) { return network_error(text, 128).kind; };
    EXPECT_EQ(kind("fatal: Authentication failed for 'https://x/'"), ErrorKind::Denied);
    EXPECT_EQ(kind("fatal: could not read Username for 'http://x': terminal prompts disabled"),
              ErrorKind::Denied);
    EXPECT_EQ(kind("fatal: unable to access 'http://x/': The requested URL returned error: 403"),
              ErrorKind::Denied);
    EXPECT_EQ(kind("fatal: repository 'http://x/' not found"), ErrorKind::NotFound);
    EXPECT_EQ(kind("fatal: unable to access 'http://x/': Failed to connect to x port 1"),
              ErrorKind::Unavailable);
    EXPECT_EQ(kind("error: RPC failed; HTTP 502"), ErrorKind::Unavailable);
    EXPECT_EQ(network_error("", 3).message, "git ended with code 3");
}

}  // namespace
}  // namespace sluice::git
