// SPDX-License-Identifier: Apache-2.0
// The disk of the Git mirrors is full: it is said, rollouts go on, and all is written later.
#include "tests/integration/full_disk.hpp"
#include "tests/integration/write_back_fixture.hpp"

namespace sluice::shell {
namespace {

// Enough for a ref, too little for a pack or a commit.
constexpr rlim_t almost_nothing = 64;

class FullDiskOfGit : public WriteBackTest {
protected:
    Json condition(const ResourceType& type, const std::string& name, std::string_view which) {
        const Json document = get(type, name);
        const Json* conditions = find(document, {"status", "conditions"});
        if (conditions)
            for (const auto& one : *conditions)
                if (text_at(one, {"type"}) == which) return one;
        return {};
    }
    // "…; the disk of FOLDER is full: free space there or raise the quota, it then goes on by …".
    void expect_advice(const Json& condition) {
        EXPECT_EQ(text_at(condition, {"reason"}), "NoSpace");
        const auto message = text_at(condition, {"message"});
        EXPECT_NE(message.find("File too large"), std::string::npos) << message;
        EXPECT_NE(message.find(concat("; the disk of ", folder_.path(), "/git/shop/app/")),
                  std::string::npos)
            << message;
        EXPECT_NE(message.find(" is full: free space there or raise the quota, it then goes on by "
                               "itself"),
                  std::string::npos)
            << message;
    }
};

TEST_F(FullDiskOfGit, AFetchThatFindsNoRoomSaysSoAndIsDoneWhenThereIsSome) {
    deliver_v1();
    git_->push_file("shop", "main", "shop.yaml", shop_manifest("shop:v2"), "shop: bump to v2");
    test::FullDisk full(almost_nothing);
    sources_->hint("shop/app");
    ASSERT_TRUE(eventually(
        [&] { return !condition(resources::git_sources, "app", "FetchFailed").is_null(); }));
    expect_advice(condition(resources::git_sources, "app", "FetchFailed"));
    EXPECT_EQ(image(), "shop:v1");
    full.make_room();
    EXPECT_TRUE(eventually([&] { return image() == "shop:v2"; })) << "by itself";
    EXPECT_TRUE(eventually(
        [&] { return condition(resources::git_sources, "app", "FetchFailed").is_null(); }));
}

TEST_F(FullDiskOfGit, ARollbackGoesOnAndIsWrittenBackWhenThereIsRoom) {
    deliver_v1();
    try_v2();
    test::FullDisk full(almost_nothing);
    reject_v2();
    ASSERT_TRUE(eventually(
        [&] { return !condition(resources::deliveries, "shop-2", "WriteBackPending").is_null(); }));
    expect_advice(condition(resources::deliveries, "shop-2", "WriteBackPending"));
    EXPECT_EQ(text_at(delivery_status("shop-2"), {"phase"}), "RolledBack")
        << "users do not wait for git";
    full.make_room();
    ASSERT_TRUE(eventually(
        [&] { return delivery_status("shop-2").value("outbox", Json()) == Json::array(); }));
    EXPECT_FALSE(delivery_status("shop-2").contains("conditions"));
    EXPECT_EQ(subjects("main"),
              "Revert \"shop: bump to v2\" [sluice rollback]\nshop: bump to v2\nshop: bump to v1");
}

}  // namespace
}  // namespace sluice::shell
