// SPDX-License-Identifier: Apache-2.0
// platform/git against git's own smart HTTP server.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <thread>

#include "base/text.hpp"
#include "platform/git/repository.hpp"
#include "tests/support/git_server.hpp"

namespace sluice::git {
namespace {

using namespace std::chrono_literals;
using test::GitServer;
using test::shell;
using test::TemporaryFolder;

class Silent final : public Log {
    void write(LogLevel, std::string_view, const std::vector<LogField>&) override {}
};

class GitTest : public testing::Test {
protected:
    void SetUp() override { serve({}); }

    void serve(GitServer::Options options) {
        std::string why;
        server_ = GitServer::start(why, std::move(options));
        if (!server_) GTEST_SKIP() << why;
        url_ = server_->create("app");
    }

    std::unique_ptr<Repository> open(const std::string& folder,
                                     std::optional<Credentials> credentials = {},
                                     Duration deadline = 30s) {
        auto opened = open_repository({.directory = folder,
                                       .url = url_,
                                       .credentials = std::move(credentials),
                                       .network_deadline = deadline},
                                      log_);
        EXPECT_TRUE(opened.ok()) << opened.error().message;
        return std::move(opened).value();
    }
    std::unique_ptr<Repository> open() { return open(folder_.path() + "/mirror"); }

    std::string push(const std::string& path, const std::string& content,
                     const std::string& subject) {
        return server_->push_file("app", "main", path, content, subject);
    }

    static Signature author() { return {"Sluice", "sluice@example.com", TimePoint{1'000'000s}}; }

    Silent log_;
    TemporaryFolder folder_;
    std::unique_ptr<GitServer> server_;
    std::string url_;
};

TEST_F(GitTest, ABranchThatIsNotThereIsNothing) {
    auto repository = open();
    EXPECT_EQ(*repository->remote_tip("main"), std::nullopt);
    EXPECT_EQ(*repository->fetch("main"), std::nullopt);
}

TEST_F(GitTest, FetchesCommitsFirstAndBlobsWhenTheyAreRead) {
    push("apps/a.yaml", "a: 1\n", "first");
    const auto tip_text = push("apps/deep/b.yaml", "b: 2\n", "second");
    auto repository = open();
    const auto tip = repository->fetch("main")->value();
    EXPECT_EQ(tip.text(), tip_text);
    EXPECT_EQ(*repository->remote_tip("main"), tip);

    const std::string count = "git -C " + folder_.path() +
                              "/mirror cat-file --batch-all-objects "
                              "--batch-check | grep -c ' blob ' || true";
    EXPECT_EQ(shell(count), "0");
    const auto files = *repository->files(tip, {"apps"});
    ASSERT_EQ(files.size(), 2U);
    EXPECT_EQ(files[0].path, "apps/a.yaml");
    EXPECT_EQ(files[1].path, "apps/deep/b.yaml");
    EXPECT_EQ(*repository->read(files[1].blob), "b: 2\n");
    // Both came at once, and are here now.
    EXPECT_EQ(shell(count), "2");
    server_->stop();
    EXPECT_EQ(*repository->read(files[0].blob), "a: 1\n");
    EXPECT_TRUE(repository->read(files[0].blob, 2).failed_with(ErrorKind::Invalid));
}

TEST_F(GitTest, AMirrorThatIsFetchedForMonthsStaysSmallAndReadable) {
    const auto first = *Oid::parse(push("a.yaml", "a: 0\n", "0"));
    auto repository = open();
    ASSERT_TRUE(repository->fetch("main").ok());
    const auto ours = *repository->commit(first, {{.path = "b", .content = "b"}}, author(), "ours");
    for (int i = 1; i <= 60; ++i) {
        push("a.yaml", concat("a: ", i, "\n"), std::to_string(i));
        ASSERT_TRUE(repository->fetch("main").ok());
    }
    const std::string packs = "ls " + folder_.path() + "/mirror/objects/pack/*.pack | wc -l";
    EXPECT_LT(parse_integer(shell(packs)).value_or(1000), 20);
    const auto tip = repository->fetch("main")->value();
    EXPECT_EQ(repository->commit_info(tip)->subject, "60");
    EXPECT_EQ(*repository->read(repository->blob_at(first, "a.yaml")->value()), "a: 0\n");
    // What is about to be pushed is referred to by nothing yet.
    EXPECT_EQ(repository->commit_info(ours)->subject, "ours");
}

TEST_F(GitTest, ReadsFromAServerThatKnowsNoFilter) {
    serve({.filter = false});
    push("a.yaml", "a: 1\n", "first");
    auto repository = open();
    const auto tip = repository->fetch("main")->value();
    EXPECT_EQ(*repository->read(repository->blob_at(tip, "a.yaml")->value()), "a: 1\n");
}

TEST_F(GitTest, SpeaksToAServerThatWantsAPassword) {
    serve({.username = "robot", .password = "s3cret"});
    const auto tip = push("a.yaml", "a: 1\n", "first");
    auto repository = open(folder_.path() + "/good", Credentials{"robot", "s3cret"});
    EXPECT_EQ(repository->fetch("main")->value().text(), tip);
    EXPECT_EQ(*repository->read(repository->blob_at(*Oid::parse(tip), "a.yaml")->value()),
              "a: 1\n");
    const auto made =
        *repository->commit(*Oid::parse(tip), {{.path = "b", .content = "b"}}, author(), "write");
    EXPECT_EQ(repository->push({{"main", *Oid::parse(tip), made}})->outcome, PushOutcome::Accepted);

    EXPECT_TRUE(open(folder_.path() + "/bad", Credentials{"robot", "wrong"})
                    ->fetch("main")
                    .failed_with(ErrorKind::Denied));
    const auto nobody = open(folder_.path() + "/none")->fetch("main");
    EXPECT_TRUE(nobody.failed_with(ErrorKind::Denied));
    // No secret reaches the disk.
    EXPECT_EQ(shell("grep -rl s3cret " + folder_.path() + " || true"), "");
}

TEST_F(GitTest, FindsTheNewestChangeOfAPath) {
    const auto first = push("apps/a.yaml", "a: 1\n", "add a");
    push("other/x", "x\n", "something else");
    const auto third = push("apps/b.yaml", "b: 1\n", "add b");
    auto repository = open();
    const auto tip = repository->fetch("main")->value();
    const auto change = *repository->last_change(tip, "apps/a.yaml");
    EXPECT_EQ(change.id.text(), first);
    EXPECT_EQ(change.subject, "add a");
    EXPECT_EQ(change.author, "Dev <dev@example.com>");
    EXPECT_EQ(change.first_parent, std::nullopt);
    EXPECT_EQ(repository->last_change(tip, "apps")->id.text(), third);
    EXPECT_TRUE(repository->last_change(tip, "nowhere").failed_with(ErrorKind::NotFound));
    EXPECT_TRUE(repository->last_change(tip, "apps/a.yaml", 2).failed_with(ErrorKind::NotFound));
}

TEST_F(GitTest, WritesCommitsWithoutAWorkTree) {
    const auto good = push("apps/a.yaml", "a: good\n", "good");
    push("apps/only/one.yaml", "x\n", "one");
    push("apps/a.yaml", "a: bad\n", "bad");
    auto repository = open();
    const auto tip = repository->fetch("main")->value();
    const auto good_blob = repository->blob_at(*Oid::parse(good), "apps/a.yaml")->value();
    const std::vector<TreeChange> changes{{.path = "apps/a.yaml", .blob = good_blob},
                                          {.path = "apps/only/one.yaml"},
                                          {.path = "apps/never/was.yaml"},
                                          {.path = "new/deep/file.txt", .content = "fresh\n"}};
    const auto made = *repository->commit(tip, changes, author(), "Revert \"bad\"\n\nbecause\n");
    EXPECT_EQ(made, *repository->commit(tip, changes, author(), "Revert \"bad\"\n\nbecause\n"));
    ASSERT_EQ(repository->push({{"main", tip, made}})->outcome, PushOutcome::Accepted);

    const std::string git = "git -C " + server_->directory("app") + " ";
    EXPECT_EQ(shell(git + "rev-parse main"), made.text());
    EXPECT_EQ(shell(git + "show main:apps/a.yaml"), "a: good");
    EXPECT_EQ(shell(git + "ls-tree -r --name-only main"), "apps/a.yaml\nnew/deep/file.txt");
    EXPECT_EQ(shell(git + "fsck --strict --full 2>&1 | grep -v '^dangling' || true"), "");
}

TEST_F(GitTest, MakesABranchThatMustNotExistYet) {
    auto repository = open();
    const auto root = *repository->commit(std::nullopt, {{.path = "README.md", .content = "hi\n"}},
                                          author(), "records");
    EXPECT_EQ(repository->push({{"records", std::nullopt, root}})->outcome, PushOutcome::Accepted);
    const auto other = *repository->commit(std::nullopt, {{.path = "README.md", .content = "no\n"}},
                                           author(), "records");
    EXPECT_EQ(repository->push({{"records", std::nullopt, other}})->outcome, PushOutcome::Stale);
    // What has landed already is told so, however often it is pushed.
    EXPECT_EQ(repository->push({{"records", std::nullopt, root}})->outcome, PushOutcome::Accepted);
}

TEST_F(GitTest, MovesTwoBranchesOrNone) {
    const auto first = push("a", "1\n", "first");
    auto repository = open();
    const auto tip = repository->fetch("main")->value();
    const auto on_main = *repository->commit(tip, {{.path = "a", .content = "2\n"}}, author(), "m");
    const auto record =
        *repository->commit(std::nullopt, {{.path = "r", .content = "r\n"}}, author(), "r");
    push("b", "b\n", "somebody was first");
    EXPECT_EQ(
        repository->push({{"main", tip, on_main}, {"records", std::nullopt, record}})->outcome,
        PushOutcome::Stale);
    EXPECT_EQ(*repository->remote_tip("records"), std::nullopt);
    const auto fresh = repository->fetch("main")->value();
    const auto again = *repository->commit(fresh, {{.path = "a", .content = "2\n"}}, author(), "m");
    EXPECT_EQ(
        repository->push({{"main", fresh, again}, {"records", std::nullopt, record}})->outcome,
        PushOutcome::Accepted);
    EXPECT_EQ(**repository->remote_tip("records"), record);
}

TEST_F(GitTest, TellsTheServersReasonForARefusal) {
    push("a", "1\n", "first");
    auto repository = open();
    const auto tip = repository->fetch("main")->value();
    const auto made = *repository->commit(tip, {{.path = "a", .content = "2\n"}}, author(), "m");
    const std::string hook = server_->directory("app") + "/hooks/pre-receive";
    std::ofstream(hook) << "#!/bin/sh\necho 'main is protected, open a request' >&2\nexit 1\n";
    shell("chmod +x " + hook);
    const auto answer = *repository->push({{"main", tip, made}});
    EXPECT_EQ(answer.outcome, PushOutcome::Refused);
    EXPECT_EQ(answer.message,
              "refs/heads/main [remote rejected] (pre-receive hook declined): main is protected, "
              "open a request");
}

TEST_F(GitTest, APushWhoseAnswerIsLostHasLandedAllTheSame) {
    push("a", "1\n", "first");
    auto repository = open();
    const auto tip = repository->fetch("main")->value();
    const auto made = *repository->commit(tip, {{.path = "a", .content = "2\n"}}, author(), "m");
    // The server dies between moving the ref and saying so.
    const std::string hook = server_->directory("app") + "/hooks/reference-transaction";
    std::ofstream(hook) << "#!/bin/sh\n[ \"$1\" = committed ] && kill -9 $PPID\nexit 0\n";
    shell("chmod +x " + hook);
    const auto answer = repository->push({{"main", tip, made}});
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->outcome, PushOutcome::Accepted);
    EXPECT_EQ(shell("git -C " + server_->directory("app") + " rev-parse main"), made.text());
}

TEST_F(GitTest, NeverRewritesHistory) {
    push("a", "1\n", "first");
    auto repository = open();
    const auto tip = repository->fetch("main")->value();
    const auto orphan =
        *repository->commit(std::nullopt, {{.path = "a", .content = "2\n"}}, author(), "m");
    EXPECT_TRUE(repository->push({{"main", tip, orphan}}).failed_with(ErrorKind::Invalid));
}

TEST_F(GitTest, FollowsABranchThatWasRewritten) {
    push("a", "1\n", "first");
    auto repository = open();
    ASSERT_TRUE(repository->fetch("main").ok());
    shell("git -C " + server_->directory("app") + " update-ref -d refs/heads/main");
    const auto other = push("b", "2\n", "other root");
    EXPECT_EQ(repository->fetch("main")->value().text(), other);
}

TEST_F(GitTest, AServerThatIsDownIsUnavailable) {
    push("a", "1\n", "first");
    auto repository = open();
    const auto tip = repository->fetch("main")->value();
    server_->stop();
    EXPECT_TRUE(repository->remote_tip("main").failed_with(ErrorKind::Unavailable));
    EXPECT_TRUE(repository->fetch("main").failed_with(ErrorKind::Unavailable));
    const auto made = *repository->commit(tip, {{.path = "a", .content = "2\n"}}, author(), "m");
    EXPECT_TRUE(repository->push({{"main", tip, made}}).failed_with(ErrorKind::Unavailable));
    server_->restart();
    EXPECT_EQ(repository->push({{"main", tip, made}})->outcome, PushOutcome::Accepted);
}

TEST_F(GitTest, LocksLeftByAKilledGitAreNoObstacle) {
    push("a", "1\n", "first");
    auto repository = open();
    ASSERT_TRUE(repository->fetch("main").ok());
    const auto second = push("a", "2\n", "second");
    std::ofstream(folder_.path() + "/mirror/refs/remotes/origin/main.lock") << "";
    EXPECT_EQ(repository->fetch("main")->value().text(), second);
}

// Each writer adds its files one commit at a time, always on the newest tip.
void write_all(Repository& repository, const std::string& who, int count, const Signature& author) {
    for (int i = 0; i < count; ++i) {
        const std::string path = concat("records/", who, "-", i);
        for (int attempt = 0;; ++attempt) {
            ASSERT_LT(attempt, 1000);
            const auto tip = repository.fetch("main");
            ASSERT_TRUE(tip.ok()) << tip.error().message;
            if (repository.blob_at(**tip, path)->has_value()) break;
            const auto made = repository.commit(**tip, {{.path = path, .content = path}}, author,
                                                concat("record ", path));
            ASSERT_TRUE(made.ok()) << made.error().message;
            const auto answer = repository.push({{"main", **tip, *made}});
            ASSERT_TRUE(answer.ok()) << answer.error().message;
            if (answer->outcome == PushOutcome::Accepted) break;
            ASSERT_EQ(answer->outcome, PushOutcome::Stale) << answer->message;
        }
    }
}

TEST_F(GitTest, TwoWritersLoseNothingAndDoubleNothing) {
    push("README", "hello\n", "first");
    // One shares its directory with nobody, two share one: both must hold.
    auto one = open(folder_.path() + "/shared");
    auto two = open(folder_.path() + "/shared");
    constexpr int count = 20;
    {
        std::jthread first([&] { write_all(*one, "one", count, author()); });
        std::jthread second([&] { write_all(*two, "two", count, author()); });
    }
    const std::string git = "git -C " + server_->directory("app") + " ";
    EXPECT_EQ(shell(git + "rev-list --count main"), "41");
    EXPECT_EQ(shell(git + "log --format=%s main | sort | uniq -d"), "");
    EXPECT_EQ(shell(git + "ls-tree --name-only main records/ | wc -l"), "40");
}

}  // namespace
}  // namespace sluice::git
