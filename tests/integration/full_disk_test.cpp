// SPDX-License-Identifier: Apache-2.0
// The disk of `sluice standalone` is full: the real program, with a real proxy and real pods.
#include "tests/integration/full_disk.hpp"

#include <gtest/gtest.h>
#include <sys/mount.h>

#include <filesystem>

#include "platform/kube/config.hpp"
#include "standalone/store/store.hpp"
#include "tests/integration/child.hpp"
#include "tests/support/git_server.hpp"
#include "tests/support/web_pods.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

Json config_map(const std::string& name, const std::string& text) {
    return {{"apiVersion", "v1"},
            {"kind", "ConfigMap"},
            {"metadata", {{"name", name}, {"namespace", "shop"}}},
            {"data", {{"text", text}}}};
}

class FullDiskOfStandalone : public ::testing::Test {
protected:
    void SetUp() override {
        const char* tools = std::getenv("SLUICE_TOOLS");
        haproxy_ = tools ? concat(tools, "/usr/sbin/haproxy") : "/usr/sbin/haproxy";
        if (!fs::exists(haproxy_)) GTEST_SKIP() << "no haproxy at " << haproxy_;
        const auto image = folder_.path() + "/images/web/v1";
        fs::create_directories(image);
        std::ofstream(image + "/run") << web_server;
        fs::permissions(image + "/run", fs::perms{0755});
        start();
        make(resources::namespaces, {{"metadata", {{"name", "shop"}}}});
        make(resources::services, web_service());
        make(resources::replica_sets, replica_set(1, web_container()));
        make(resources::ingresses,
             {{"metadata", {{"name", "web"}, {"namespace", "shop"}}},
              {"spec",
               {{"ingressClassName", "nginx"},
                {"rules",
                 {{{"http",
                    {{"paths",
                      {{{"path", "/"},
                        {"pathType", "Prefix"},
                        {"backend",
                         {{"service", {{"name", "web"}, {"port", {{"number", 80}}}}}}}}}}}}}}}}}});
        ASSERT_TRUE(eventually([&] { return fetch(ingress_) == "ok\n"; }, 30s));
    }

    // Pods and proxy end with it.
    void TearDown() override {
        if (!child_) return;
        ::kill(child_->pid(), SIGTERM);
        EXPECT_EQ(child_->wait(40s).status, 0);
    }

    void start() {
        child_ = std::make_unique<sluice::testing::Child>(
            std::vector<std::string>{
                SLUICE_PROGRAM, "standalone", "--data", folder_.path() + "/data", "--images",
                folder_.path() + "/images", "--listen", "127.0.0.1:0", "--ingress-listen",
                "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--webhook-listen", "127.0.0.1:0",
                "--haproxy", haproxy_},
            std::vector<std::string>{"PATH=/usr/bin:/bin", "HOME=/tmp"});
        std::string kubeconfig;
        while (const auto line = child_->read_line()) {
            const auto word = [&](std::string_view name) -> std::optional<std::string> {
                if (!line->starts_with(name)) return std::nullopt;
                return std::string(trim(std::string_view(*line).substr(name.size())));
            };
            if (const auto text = word("kubeconfig ")) kubeconfig = *text;
            if (const auto text = word("ingress ")) ingress_ = *text;
            if (const auto text = word("metrics ")) metrics_ = *text;
            if (line->starts_with("webhooks ")) break;
        }
        transport_ = kube::connect(kube::load_access(kubeconfig, "").value());
        client_ = std::make_unique<kube::Client>(*transport_, "test");
    }

    void make(const ResourceType& type, Json object) {
        object["apiVersion"] = type.api_version();
        object["kind"] = type.kind;
        const auto made = client_->create(type, object);
        ASSERT_TRUE(made.ok()) << made.error().message;
    }
    std::string readiness() {
        return fetch(concat(metrics_.substr(0, metrics_.rfind('/')), "/readyz"));
    }

    ClusterFolder folder_;
    std::string haproxy_, ingress_, metrics_;
    std::unique_ptr<sluice::testing::Child> child_;
    std::unique_ptr<HttpTransport> transport_;
    std::unique_ptr<kube::Client> client_;
};

TEST_F(FullDiskOfStandalone, ReadsAndTrafficGoOnAndWritesComeBackByThemselves) {
    ASSERT_TRUE(eventually([&] { return readiness() == "ok\n"; }, 30s)) << readiness();
    make(resources::config_maps, config_map("before", "kept"));
    {
        const FullDisk full(0, child_->pid());
        const auto refused =
            client_->create(resources::config_maps, config_map("during", "not kept"));
        ASSERT_FALSE(refused.ok());
        EXPECT_EQ(refused.error().kind, ErrorKind::Unavailable);
        const std::string why = concat(folder_.path(),
                                       "/data/store.db: write to the store: disk I/O error (File "
                                       "too large); nothing was changed; free space there or raise "
                                       "the quota, writes then go on by themselves");
        EXPECT_EQ(refused.error().message, concat("create configmap shop/during: 507: ", why));
        EXPECT_EQ(readiness(), why + "\n");
        const auto health = client_->raw({.url = "/readyz"});
        ASSERT_TRUE(health.ok());
        EXPECT_EQ(health->status, 503);
        EXPECT_EQ(health->body, concat("[-]store failed: ", why, "\nreadyz check failed\n"));
        EXPECT_EQ(client_->raw({.url = "/livez"})->status, 200) << "no reason to restart it";
        EXPECT_TRUE(client_->get({resources::config_maps, "shop", "before"}).ok());
        EXPECT_EQ(fetch(ingress_), "ok\n");
        EXPECT_TRUE(client_->get({resources::config_maps, "shop", "during"})
                        .failed_with(ErrorKind::NotFound));
    }
    EXPECT_TRUE(eventually([&] { return readiness() == "ok\n"; })) << readiness();
    make(resources::config_maps, config_map("after", "kept"));
    child_->kill();
    start();
    ASSERT_TRUE(eventually([&] { return readiness() == "ok\n"; }, 30s)) << readiness();
    EXPECT_TRUE(client_->get({resources::config_maps, "shop", "before"}).ok());
    EXPECT_TRUE(client_->get({resources::config_maps, "shop", "after"}).ok());
    EXPECT_TRUE(eventually([&] { return fetch(ingress_) == "ok\n"; }));
}

// A file system of 24 MiB that somebody else fills to the last byte.
class SmallDisk {
public:
    static std::unique_ptr<SmallDisk> make() {
        std::unique_ptr<SmallDisk> disk(new SmallDisk());
        disk->mounted_ =
            ::mount("none", disk->folder_.path().c_str(), "tmpfs", 0, "size=24m,mode=0700") == 0;
        return disk->mounted_ ? std::move(disk) : nullptr;
    }
    ~SmallDisk() {
        if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
    }
    [[nodiscard]] std::string path() const { return folder_.path(); }
    void fill() const {
        std::ofstream file(path() + "/ballast", std::ios::binary);
        const std::string piece(4096, 'x');
        while (file.write(piece.data(), 4096).flush()) {
        }
    }
    void make_room() const { fs::remove(path() + "/ballast"); }

private:
    SmallDisk() = default;
    TemporaryFolder folder_;
    bool mounted_ = false;
};

// What a rollback writes still fits: the store took its room in advance.
TEST(FullDiskOfStore, OnAFullDiskARollbackCanStillBeWritten) {
    const auto disk = SmallDisk::make();
    if (!disk) GTEST_SKIP() << "a file system can only be mounted with more rights";
    using standalone::store::Key;
    const auto key = [](int i) { return Key{"things", "shop", concat("thing-", i)}; };
    std::map<int, long> acknowledged;
    {
        const auto store =
            standalone::store::Store::open({.path = disk->path() + "/store.db"}).value();
        for (int i = 0; i < 50; ++i)
            acknowledged[i] = store->create(key(i), config_map(concat(i), std::string(2000, 'a')))
                                  .value()
                                  ->version;
        disk->fill();
        // A rollout's worth of writes, and many more.
        for (int round = 0; round < 20; ++round)
            for (int i = 0; i < 50; ++i) {
                const auto written = store->update(key(i), acknowledged[i],
                                                   config_map(concat(i), std::string(2000, 'b')));
                ASSERT_TRUE(written.ok()) << round << ": " << written.error().message;
                acknowledged[i] = (*written)->version;
            }
        // In the end that is used up too.
        Result<standalone::store::RecordPtr> last = standalone::store::RecordPtr{};
        int made = 50;
        for (;; ++made) {
            last = store->create(key(made), config_map("more", std::string(200'000, 'c')));
            if (!last.ok()) break;
            acknowledged[made] = (*last)->version;
            ASSERT_LT(made, 1000);
        }
        EXPECT_EQ(last.error().kind, ErrorKind::NoSpace);
        EXPECT_EQ(last.error().message,
                  concat(disk->path(),
                         "/store.db: write to the store: database or disk is full; nothing was "
                         "changed; free space there or raise the quota, writes then go on by "
                         "themselves"));
        EXPECT_EQ(store->get(key(made)), nullptr);
        EXPECT_EQ(store->refused(), 1);
        disk->make_room();
        EXPECT_TRUE(store->check().ok());
        acknowledged[made] = store->create(key(made), config_map("more", std::string(200'000, 'c')))
                                 .value()
                                 ->version;
    }
    const auto store = standalone::store::Store::open({.path = disk->path() + "/store.db"}).value();
    for (const auto& [i, version] : acknowledged) {
        ASSERT_NE(store->get(key(i)), nullptr) << i;
        EXPECT_EQ(store->get(key(i))->version, version) << i;
    }
}

}  // namespace
}  // namespace sluice::test
