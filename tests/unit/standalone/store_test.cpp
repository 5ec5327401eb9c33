// SPDX-License-Identifier: Apache-2.0
#include "standalone/store/store.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/text.hpp"
#include "tests/unit/standalone/support.hpp"

namespace sluice::standalone::store {
namespace {

struct TempFolder {
    TempFolder() {
        std::string pattern = ::testing::TempDir() + "/sluice-store-XXXXXX";
        path = ::mkdtemp(pattern.data());
    }
    ~TempFolder() { std::filesystem::remove_all(path); }
    [[nodiscard]] std::string file() const { return path + "/store.db"; }
    std::string path;
};

Json document(const std::string& value) {
    return {{"metadata", {{"name", "x"}}}, {"value", value}};
}
Key key(const std::string& name, const std::string& ns = "default",
        const std::string& type = "things") {
    return {type, ns, name};
}
std::unique_ptr<Store> in_memory(ChangeLimits limits = {}) {
    return Store::open({.path = ":memory:", .change_limits = limits}).value();
}

TEST(Store, EveryWriteRaisesOneVersionThatTheDocumentCarries) {
    const auto store = in_memory();
    const auto a = store->create(key("a"), document("1")).value();
    const auto b = store->create(key("b", "default", "others"), document("1")).value();
    const auto c = store->update(key("a"), a->version, document("2")).value();
    EXPECT_LT(a->version, b->version);
    EXPECT_LT(b->version, c->version);
    EXPECT_EQ(text_at(parse_json(c->text).value(), {"metadata", "resourceVersion"}),
              std::to_string(c->version));
    EXPECT_EQ(store->version(), c->version);
}

TEST(Store, WritesAreComparedWithTheVersionTheyWereBasedOn) {
    const auto store = in_memory();
    const auto made = store->create(key("a"), document("1")).value();
    EXPECT_TRUE(store->create(key("a"), document("1")).failed_with(ErrorKind::AlreadyExists));
    EXPECT_TRUE(
        store->update(key("a"), made->version + 1, document("2")).failed_with(ErrorKind::Conflict));
    EXPECT_TRUE(store->remove(key("a"), made->version + 1).failed_with(ErrorKind::Conflict));
    EXPECT_TRUE(store->update(key("b"), 1, document("2")).failed_with(ErrorKind::NotFound));
    EXPECT_EQ(store->get(key("a"))->text, made->text);
    EXPECT_TRUE(store->remove(key("a"), made->version).ok());
    EXPECT_EQ(store->get(key("a")), nullptr);
}

TEST(Store, ListsAreByNamespaceAndName) {
    const auto store = in_memory();
    for (const auto& [ns, name] : {std::pair{"b", "1"}, {"a", "2"}, {"a", "1"}, {"ab", "0"}})
        store->create(key(name, ns), document("")).value();
    store->create(key("0", "a", "thing"), document("")).value();
    std::string all;
    for (const auto& record : store->list("things").records)
        all += record->key.ns + record->key.name + " ";
    EXPECT_EQ(all, "a1 a2 ab0 b1 ");
    EXPECT_EQ(store->list("things", "a").records.size(), 2U);
    EXPECT_EQ(store->list("things", "c").records.size(), 0U);
}

TEST(Store, ReopenedStoreHasEveryObjectAndGoesOnCounting) {
    const TempFolder folder;
    long version = 0;
    {
        const auto store = Store::open({.path = folder.file()}).value();
        const auto a = store->create(key("a"), document("1")).value();
        store->create(key("b"), document("1")).value();
        store->update(key("a"), a->version, document("2")).value();
        version = store->remove(key("b"), store->get(key("b"))->version).value()->version;
    }
    const auto store = Store::open({.path = folder.file()}).value();
    EXPECT_EQ(store->version(), version);
    EXPECT_EQ(text_at(parse_json(store->get(key("a"))->text).value(), {"value"}), "2");
    EXPECT_EQ(store->get(key("b")), nullptr);
    EXPECT_GT(store->create(key("c"), document("")).value()->version, version);
}

TEST(Store, AcknowledgedWritesSurviveKill) {
    const TempFolder folder;
    int acknowledged[2];
    ASSERT_EQ(::pipe(acknowledged), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        const auto store = Store::open({.path = folder.file()}).value();
        for (int i = 0;; ++i) {
            store->create(key(std::to_string(i)), document("x")).value();
            if (::write(acknowledged[1], &i, sizeof i) != sizeof i) ::_exit(1);
        }
    }
    ::close(acknowledged[1]);
    int last = -1;
    while (last < 200)
        ASSERT_EQ(::read(acknowledged[0], &last, sizeof last), static_cast<ssize_t>(sizeof last));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    for (int i = 0; ::read(acknowledged[0], &i, sizeof i) == sizeof i;) last = i;
    ::close(acknowledged[0]);
    const auto store = Store::open({.path = folder.file()}).value();
    for (int i = 0; i <= last; ++i) ASSERT_NE(store->get(key(std::to_string(i))), nullptr) << i;
}

TEST(Store, SecondServerOnTheSameFileIsRefused) {
    const TempFolder folder;
    const auto first = Store::open({.path = folder.file()}).value();
    const auto second = Store::open({.path = folder.file()});
    ASSERT_FALSE(second.ok());
    EXPECT_NE(second.error().message.find("another process has this data folder open"),
              std::string::npos)
        << second.error().message;
}

TEST(Store, FilesAreForTheirOwnerOnly) {
    const TempFolder folder;
    const auto store = Store::open({.path = folder.file()}).value();
    for (const auto& entry : std::filesystem::directory_iterator(folder.path)) {
        struct stat facts {};
        ASSERT_EQ(::stat(entry.path().c_str(), &facts), 0);
        EXPECT_EQ(facts.st_mode & 0777, 0600U) << entry.path();
    }
}

TEST(Store, ChangesOfOneTypeComeInOrderWithBothSides) {
    const auto store = in_memory();
    const auto a = store->create(key("a"), document("1")).value();
    store->create(key("z", "default", "others"), document("1")).value();
    const auto b = store->update(key("a"), a->version, document("2")).value();
    const auto c = store->remove(key("a"), b->version).value();
    const auto changes = store->changes("things", 0, 10).value();
    ASSERT_EQ(changes.items.size(), 3U);
    EXPECT_EQ(changes.items[0]->kind, ChangeKind::Added);
    EXPECT_EQ(changes.items[1]->kind, ChangeKind::Modified);
    EXPECT_EQ(changes.items[1]->previous->text, a->text);
    EXPECT_EQ(changes.items[2]->kind, ChangeKind::Deleted);
    EXPECT_EQ(changes.items[2]->object->version, c->version);
    EXPECT_EQ(changes.up_to, c->version);
    EXPECT_EQ(store->changes("things", a->version, 1).value().items[0]->version, b->version);
    EXPECT_EQ(store->changes("things", a->version, 1).value().up_to, b->version);
}

TEST(Store, ForgottenChangesAreGoneForTheirTypeAlone) {
    const auto store = in_memory({.count = 3, .bytes = 1 << 20});
    const auto quiet = store->create(key("q", "default", "quiet"), document("")).value();
    const auto first = store->create(key("0"), document("")).value();
    for (int i = 1; i < 5; ++i) store->create(key(std::to_string(i)), document("")).value();
    EXPECT_TRUE(store->changes("things", first->version, 10).failed_with(ErrorKind::Gone));
    EXPECT_TRUE(store->changes("things", first->version + 1, 10).ok());
    EXPECT_TRUE(store->changes("quiet", quiet->version - 1, 10).failed_with(ErrorKind::Gone));
    EXPECT_TRUE(store->changes("quiet", quiet->version, 10).ok());
    EXPECT_TRUE(store->changes("things", store->version() + 1, 10).failed_with(ErrorKind::Gone));
}

TEST(Store, ChangeLogIsBoundedInBytes) {
    const auto store = in_memory({.count = 1000, .bytes = 1000});
    for (int i = 0; i < 20; ++i)
        store->create(key(std::to_string(i)), document(std::string(200, 'x'))).value();
    EXPECT_TRUE(store->changes("things", 1, 100).failed_with(ErrorKind::Gone));
    EXPECT_TRUE(store->changes("things", store->version() - 1, 100).ok());
}

TEST(Store, ChangesGrowOldUnlessNothingTellsTheTime) {
    apiserver::testing::SetClock clock;
    const auto aging = Store::open({.path = ":memory:", .clock = &clock}).value();
    const auto timeless = in_memory();
    for (const auto& store : {aging.get(), timeless.get()}) {
        store->create(key("a"), document("")).value();
        store->create(key("b"), document("")).value();
    }
    clock.advance(std::chrono::minutes{5});
    EXPECT_EQ(aging->changes("things", 0, 10).value().items.size(), 2U);
    clock.advance(std::chrono::milliseconds{1});
    aging->create(key("c"), document("")).value();
    EXPECT_TRUE(aging->changes("things", 1, 10).failed_with(ErrorKind::Gone));
    EXPECT_EQ(aging->changes("things", 2, 10).value().items.size(), 1U);
    EXPECT_EQ(timeless->changes("things", 0, 10).value().items.size(), 2U);
}

TEST(Store, ChangesBeforeARestartAreGone) {
    const TempFolder folder;
    long version = 0;
    {
        const auto store = Store::open({.path = folder.file()}).value();
        version = store->create(key("a"), document("")).value()->version;
        store->create(key("b"), document("")).value();
    }
    const auto store = Store::open({.path = folder.file()}).value();
    EXPECT_TRUE(store->changes("things", version, 10).failed_with(ErrorKind::Gone));
    EXPECT_TRUE(store->changes("things", store->version(), 10).ok());
}

TEST(Store, ListenersHearOfTheirTypeUntilTheHandleEnds) {
    const auto store = in_memory();
    int heard = 0;
    auto handle = store->listen("things", [&] { ++heard; });
    store->create(key("a"), document("")).value();
    store->create(key("a", "default", "others"), document("")).value();
    EXPECT_EQ(heard, 1);
    handle.reset();
    store->create(key("b"), document("")).value();
    EXPECT_EQ(heard, 1);
}

TEST(Store, ConcurrentIncrementsAreAllCounted) {
    const auto store = in_memory();
    store->create(key("n"), {{"metadata", {{"name", "n"}}}, {"n", 0}}).value();
    const auto add_hundred = [&] {
        for (int done = 0; done < 100;) {
            const auto live = store->get(key("n"));
            Json next = parse_json(live->text).value();
            next["n"] = integer_at(next, {"n"}) + 1;
            if (store->update(key("n"), live->version, next).ok()) ++done;
        }
    };
    { const std::jthread one(add_hundred), two(add_hundred), three(add_hundred); }
    EXPECT_EQ(integer_at(parse_json(store->get(key("n"))->text).value(), {"n"}), 300);
}

}  // namespace
}  // namespace sluice::standalone::store
