// SPDX-License-Identifier: Apache-2.0
// The roles of deploy/ let the controller do what it does, and nothing else. Two controllers, of
// which one stands by, live through everything that they do to a cluster, behind a transport that
// forbids what the roles do not name; at the end both are compared.
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/yaml.hpp"
#include "controller/shell/leading_app.hpp"
#include "platform/clock.hpp"
#include "platform/kube/client.hpp"
#include "standalone/cluster.hpp"
#include "tests/integration/roles_manifests.hpp"
#include "tests/support/cluster.hpp"
#include "tests/support/git_server.hpp"
#include "tests/support/prometheus.hpp"
#include "tests/support/roles.hpp"

namespace sluice::shell {
namespace roles_test {

using namespace std::chrono_literals;
using test::Permission;

// Named in the roles, and never asked of the API server as a request: it is what admission checks
// of whoever sets an owner that blocks deletion.
const std::set<Permission> asked_by_admission = {{"argoproj.io", "rollouts/finalizers", "update"}};

// As after a kill between a write and what followed from it: the first run and the first event are
// there already when they are made.
class TwiceSent final : public HttpTransport {
public:
    explicit TwiceSent(HttpTransport& inner) : inner_(inner) {}
    Result<HttpResponse> send(const HttpRequest& request) override {
        const std::string path = request.url.substr(0, request.url.find('?'));
        if (request.method == "POST" && path.ends_with("/analysisruns") && !run_.exchange(true))
            static_cast<void>(inner_.send(request));
        if (request.method == "POST" && path.ends_with("/events") && !event_.exchange(true))
            static_cast<void>(inner_.send(request));
        return inner_.send(request);
    }
    Result<HttpResponse> stream(const HttpRequest& request, const OnChunk& on_chunk,
                                std::stop_token stop) override {
        return inner_.stream(request, on_chunk, std::move(stop));
    }

private:
    HttpTransport& inner_;
    std::atomic<bool> run_ = false;
    std::atomic<bool> event_ = false;
};

std::string filled(std::string text, const std::string& mark, const std::string& value) {
    for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark))
        text.replace(at, mark.size(), value);
    return text;
}

class RolesStory : public testing::Test {
protected:
    void SetUp() override {
        std::string why;
        git_ = test::GitServer::start(why);
        if (!git_) GTEST_SKIP() << why;
        const auto program = test::prometheus_path();
        if (program.empty()) GTEST_SKIP() << "no prometheus in $SLUICE_TOOLS/usr/bin or /usr/bin";
        prometheus_ = std::make_unique<test::RealPrometheus>(program);
        git_->create("shop");
        std::filesystem::create_directories(folder_.path() + "/images");
        auto cluster = standalone::start_cluster({.data_dir = folder_.path() + "/data",
                                                  .images_dir = folder_.path() + "/images",
                                                  .listen = "127.0.0.1:0",
                                                  .simulated_pods = true},
                                                 log_, clock_);
        ASSERT_TRUE(cluster.ok()) << cluster.error().message;
        cluster_ = std::move(*cluster);
        user_ = std::make_unique<kube::Client>(cluster_->transport(), "user");
        again_ = std::make_unique<TwiceSent>(cluster_->transport());
        transport_ = std::make_unique<test::RoledTransport>(*again_, roles_);
        make(resources::namespaces, {{"metadata", {{"name", "shop"}}}});
        leader_ = lead("one");
        ASSERT_TRUE(eventually([&] { return leader_->ready() && holder() == "one"; }));
        standby_ = lead("two");
    }
    void TearDown() override {
        if (standby_) standby_->stop();
        if (leader_) leader_->stop();
        if (cluster_) cluster_->stop();
    }

    std::unique_ptr<App> lead(const std::string& name) {
        return start_leading_app(
            {.data_dir = folder_.path() + "/" + name, .git_program = "git"},
            {.ns = "shop", .name = lease_name, .identity = name, .retry_period = 100ms},
            {*transport_, *transport_}, *transport_, clock_, log_);
    }
    [[nodiscard]] std::string holder() const {
        return text_at(get(resources::leases, lease_name), {"spec", "holderIdentity"});
    }

    static bool eventually(const std::function<bool()>& holds) {
        return test::eventually(holds, 60s);
    }
    void make(const ResourceType& type, Json object) {
        object["apiVersion"] = type.api_version();
        object["kind"] = type.kind;
        if (type.namespaced) object["metadata"]["namespace"] = "shop";
        const auto made = user_->create(type, object);
        ASSERT_TRUE(made.ok()) << made.error().message;
    }
    [[nodiscard]] Json get(const ResourceType& type, const std::string& name) const {
        const auto found = user_->get({type, type.namespaced ? "shop" : "", name});
        return found.ok() ? *found : Json::object();
    }
    void patch(const ResourceType& type, const std::string& name, const Json& change) {
        const auto done = user_->patch({type, "shop", name}, kube::PatchType::Merge, change);
        ASSERT_TRUE(done.ok()) << done.error().message;
    }
    [[nodiscard]] size_t count(const ResourceType& type) const {
        return user_->list(type, {.ns = "shop"}).value().items.size();
    }
    void push(const std::string& path, const std::string& content) {
        git_->push_file("shop", "main", path, content, "change " + path);
    }
    void push_web(const std::string& version, const std::string& steps) {
        push("web.yaml", filled(filled(rollout_yaml, "VERSION", version), "STEPS", steps));
    }
    void push_all(const std::string& note) {
        push("others.yaml", filled(others_yaml, "NOTE", note));
        push("templates.yaml",
             filled(filled(templates_yaml, "NOTE", note), "PROMETHEUS", prometheus_->url()));
    }
    static int hook(App& app, const std::string& source = "app") {
        return app.webhook({.method = "POST", .url = "/hooks/git/shop/" + source}).status;
    }
    [[nodiscard]] bool shows(const std::string& version) const {
        const Json web = get(resources::rollouts, "web");
        const Json* containers = find(web, {"spec", "template", "spec", "containers"});
        return containers && text_at(containers->front(), {"image"}) == "shop:" + version;
    }
    [[nodiscard]] bool is(const std::string& phase, const std::string& name = "web") const {
        const Json web = get(resources::rollouts, name);
        return text_at(web, {"status", "phase"}) == phase &&
               text_at(web, {"status", "observedGeneration"}) ==
                   std::to_string(integer_at(web, {"metadata", "generation"}));
    }
    [[nodiscard]] std::string web_text() const {
        return to_pretty_text(get(resources::rollouts, "web")) +
               to_pretty_text(get(resources::git_sources, "app"));
    }

    // Made, promoted by a second version, changed, and rolled back from a third.
    void deliver_from_git() {
        make(resources::secrets,
             {{"metadata", {{"name", "gate"}}}, {"stringData", {{"token", "t"}}}});
        push_all("one");
        push_web("v1", "[{setWeight: 50}]");
        make(resources::git_sources,
             {{"metadata", {{"name", "app"}}},
              {"spec",
               {{"url", git_->url("shop")}, {"interval", "1h"}, {"writeBack", Json::object()}}}});
        ASSERT_TRUE(eventually([&] { return is("Healthy"); })) << web_text();
        push_web("v2", "[{setWeight: 50}]");
        push_all("two");
        ASSERT_EQ(hook(*standby_), 202);
        ASSERT_TRUE(eventually([&] { return shows("v2") && is("Healthy"); })) << web_text();
        push_web("v3", "[{setWeight: 50}, {analysis: {templates: [{templateName: gate}]}}]");
        ASSERT_EQ(hook(*leader_), 202);
        ASSERT_TRUE(eventually([&] {
            return text_at(get(resources::deliveries, "web-3"), {"status", "phase"}) ==
                   "RolledBack";
        })) << web_text();
        ASSERT_TRUE(eventually([&] { return shows("v2") && is("Healthy"); })) << web_text();
    }
    // By eviction; and then more versions than Deliveries are kept of.
    void restart_and_go_on() {
        patch(resources::rollouts, "web",
              {{"spec", {{"restartAt", format_rfc3339(clock_.now() + 1s)}}}});
        ASSERT_TRUE(eventually([&] {
            return !text_at(get(resources::rollouts, "web"), {"status", "restartedAt"}).empty();
        })) << web_text();
        make(resources::rollouts, *parse_json(R"({"metadata": {"name": "fast"}, "spec": {
            "replicas": 1, "selector": {"matchLabels": {"app": "fast"}},
            "template": {"metadata": {"labels": {"app": "fast"}},
                         "spec": {"containers": [{"name": "c", "image": "shop:v0"}]}},
            "strategy": {"canary": {"steps": [{"setWeight": 50}]}}}})"));
        for (int version = 1; version <= 13; ++version) {
            ASSERT_TRUE(eventually([&] {
                return is("Healthy", "fast") &&
                       !get(resources::deliveries, concat("fast-", version)).empty();
            })) << version;
            const Json containers =
                Json::array({{{"name", "c"}, {"image", concat("shop:v", version)}}});
            patch(resources::rollouts, "fast",
                  {{"spec", {{"template", {{"spec", {{"containers", containers}}}}}}}});
        }
        ASSERT_TRUE(eventually([&] { return get(resources::deliveries, "fast-1").empty(); }));
    }
    // Somebody else applies, and its commit is found later than its Delivery is made.
    void observe_somebody_else() {
        git_->create("other");
        git_->push_file("other", "main", "README", "text", "begin");
        make(resources::git_sources, {{"metadata", {{"name", "watched"}}},
                                      {"spec",
                                       {{"url", git_->url("other")},
                                        {"interval", "1h"},
                                        {"mode", "Observe"},
                                        {"writeBack", Json::object()}}}});
        const auto seen = parse_yaml(seen_yaml, "seen");
        make(resources::rollouts, *parse_json(seen->front().text));
        ASSERT_TRUE(eventually([&] { return !get(resources::deliveries, "seen-1").empty(); }));
        const auto commit = git_->push_file("other", "main", "seen.yaml", seen_yaml, "seen");
        ASSERT_EQ(hook(*leader_, "watched"), 202);
        ASSERT_TRUE(eventually([&] {
            return text_at(get(resources::deliveries, "seen-1"), {"spec", "source", "commit"}) ==
                   commit;
        })) << to_pretty_text(get(resources::deliveries, "seen-1"))
            << to_pretty_text(get(resources::git_sources, "watched"));
    }
    // All of it taken out of Git again; and then the leader leaves.
    void take_away() {
        for (const char* path : {"web.yaml", "others.yaml", "templates.yaml"}) push(path, "");
        push("settings.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: last}\n");
        ASSERT_EQ(hook(*leader_), 202);
        ASSERT_TRUE(eventually([&] {
            return get(resources::rollouts, "web").empty() &&
                   get(resources::cluster_analysis_templates, "everywhere").empty() &&
                   get(resources::config_maps, "settings").empty() &&
                   count(resources::virtual_services) == 0 && count(resources::ingresses) == 0;
        })) << web_text();
        leader_->stop();
        ASSERT_TRUE(eventually([&] { return holder() == "two"; }));
    }

    SystemClock clock_;
    test::TestLog log_;
    test::ClusterFolder folder_;
    test::Roles roles_{SLUICE_SOURCE_DIR "/deploy/base/roles.yaml"};
    std::unique_ptr<test::GitServer> git_;
    std::unique_ptr<test::RealPrometheus> prometheus_;
    std::unique_ptr<standalone::Cluster> cluster_;
    std::unique_ptr<kube::Client> user_;
    std::unique_ptr<TwiceSent> again_;
    std::unique_ptr<test::RoledTransport> transport_;
    std::unique_ptr<App> leader_;
    std::unique_ptr<App> standby_;
};

TEST_F(RolesStory, AreExactlyWhatTheControllerAsksFor) {
    deliver_from_git();
    if (!HasFatalFailure()) restart_and_go_on();
    if (!HasFatalFailure()) observe_somebody_else();
    if (!HasFatalFailure()) take_away();
    if (HasFatalFailure()) return;
    for (const auto& permission : roles_.used())
        EXPECT_TRUE(
            roles_.allow({permission, permission.resource == "namespaces" ? "kube-system" : ""}))
            << "the controller asked for what deploy/base/roles.yaml forbids: "
            << to_text(permission);
    for (const auto& permission : roles_.unused())
        EXPECT_TRUE(asked_by_admission.contains(permission))
            << "deploy/base/roles.yaml allows what nothing in this story asked for: "
            << to_text(permission);
}

// deploy/namespaced turns every ClusterRole of the base into a Role, and says which kinds are then
// out of reach.
TEST(Roles, TheNamespacedVariantDiffersInKindAlone) {
    const auto read = [](const std::string& path) {
        std::ifstream file(concat(SLUICE_SOURCE_DIR "/deploy/", path));
        const std::string text(std::istreambuf_iterator<char>(file), {});
        std::vector<Json> documents;
        const auto parsed = parse_yaml(text, path);
        for (const auto& one : parsed.value()) documents.push_back(parse_json(one.text).value());
        return documents;
    };
    std::set<std::string> kinds;
    for (const auto& role : read("base/roles.yaml")) kinds.insert(text_at(role, {"kind"}));
    EXPECT_EQ(kinds, std::set<std::string>{"ClusterRole"});
    const Json kustomization = read("namespaced/kustomization.yaml").at(0);
    EXPECT_EQ(kustomization["resources"], (Json{"../base"}));
    for (const auto& patch : kustomization["patches"]) {
        const std::string target = text_at(patch, {"target", "kind"});
        if (target == "Deployment") continue;
        const Json changes =
            parse_json(parse_yaml(text_at(patch, {"patch"}), "patch").value().at(0).text).value();
        for (const auto& change : changes)
            EXPECT_TRUE(text_at(change, {"path"}).ends_with("/kind"))
                << target << ": " << to_text(change);
    }
    // The same rules stand in the one file for those without kustomize.
    std::map<std::string, Json> rules;
    for (const auto& one : read("install.yaml"))
        if (text_at(one, {"kind"}) == "ClusterRole")
            rules[text_at(one, {"metadata", "name"})] = one["rules"];
    for (const auto& role : read("base/roles.yaml"))
        EXPECT_EQ(rules[text_at(role, {"metadata", "name"})], role["rules"]);
}

}  // namespace roles_test
}  // namespace sluice::shell
