// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/source/plan.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::policy::source {
namespace {

Desired config_map(const std::string& name, const std::string& path, const char* data) {
    const Json document{{"apiVersion", "v1"},
                        {"kind", "ConfigMap"},
                        {"metadata", {{"name", name}}},
                        {"data", Json::parse(data)}};
    return {.ref = {resources::config_maps, "shop", name},
            .path = path,
            .document = std::make_shared<const Json>(document)};
}

crds::InventoryEntry entry(const std::string& name, const std::string& path) {
    return {.version = "v1", .kind = "ConfigMap", .ns = "shop", .name = name, .path = path};
}

std::vector<std::string> names(const std::vector<crds::InventoryEntry>& entries) {
    std::vector<std::string> result;
    for (const auto& item : entries) result.push_back(item.name);
    return result;
}

using Names = std::vector<std::string>;

TEST(SourcePlan, CreatesWhatIsNotThere) {
    const auto change = plan_object(config_map("a", "a.yaml", R"({"k": "v"})"), nullptr, "app");
    const auto* create = std::get_if<CreateObject>(&change);
    ASSERT_NE(create, nullptr);
    EXPECT_EQ((*create->document)["metadata"]["namespace"], "shop");
    EXPECT_EQ((*create->document)["metadata"]["annotations"]["sluice.dev/git-source"], "app");
    EXPECT_EQ((*create->document)["metadata"]["annotations"]
                                 ["kubectl.kubernetes.io/last-applied-configuration"],
              "{\"apiVersion\":\"v1\",\"data\":{\"k\":\"v\"},\"kind\":\"ConfigMap\",\"metadata\":"
              "{\"annotations\":{\"sluice.dev/git-source\":\"app\"},\"name\":\"a\","
              "\"namespace\":\"shop\"}}\n");
}

TEST(SourcePlan, AppliesOnceAndThenRests) {
    const auto desired = config_map("a", "a.yaml", R"({"k": "v"})");
    Json live = *std::get<CreateObject>(plan_object(desired, nullptr, "app")).document;
    live["metadata"]["uid"] = "u";
    live["metadata"]["resourceVersion"] = "5";
    live["status"] = {{"x", 1}};
    live["data"]["foreign"] = "stays";
    EXPECT_TRUE(std::holds_alternative<LeaveObject>(plan_object(desired, &live, "app")));

    live["data"]["k"] = "drifted";
    auto change = plan_object(desired, &live, "app");
    EXPECT_EQ(*std::get<PatchObject>(change).patch,
              Json::parse(R"({"data": {"k": "v"}, "metadata": {"resourceVersion": "5"}})"));

    const auto renamed = config_map("a", "a.yaml", R"({"other": "w"})");
    live["data"]["k"] = "v";
    change = plan_object(renamed, &live, "app");
    EXPECT_EQ((*std::get<PatchObject>(change).patch)["data"],
              Json::parse(R"({"k": null, "other": "w"})"));
}

TEST(SourcePlan, LeavesWhatAnotherSourceApplies) {
    const auto desired = config_map("a", "a.yaml", "{}");
    const Json live = *std::get<CreateObject>(plan_object(desired, nullptr, "other")).document;
    const auto change = plan_object(desired, &live, "app");
    EXPECT_EQ(std::get<RefuseObject>(change).why,
              "git source other applies it already; to hand it over, remove its annotation "
              "sluice.dev/git-source");
}

TEST(SourcePlan, WaitsForADeletionToEnd) {
    const auto desired = config_map("a", "a.yaml", "{}");
    Json live = *std::get<CreateObject>(plan_object(desired, nullptr, "app")).document;
    live["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
    EXPECT_TRUE(std::holds_alternative<RefuseObject>(plan_object(desired, &live, "app")));
}

TEST(SourcePlan, DropsWhatOnlyAServerSays) {
    auto desired = config_map("a", "a.yaml", "{}");
    Json document = *desired.document;
    document["status"] = {{"x", 1}};
    document["metadata"]["uid"] = "u";
    document["metadata"]["resourceVersion"] = "1";
    desired.document = std::make_shared<const Json>(document);
    const auto applied = to_apply(desired, "app");
    EXPECT_FALSE(applied.contains("status"));
    EXPECT_FALSE(applied["metadata"].contains("uid"));
    EXPECT_FALSE(applied["metadata"].contains("resourceVersion"));
}

TEST(SourcePlan, PutsRolloutsLast) {
    EXPECT_LT(wave("", "Namespace"), wave("", "Service"));
    EXPECT_LT(wave("", "Service"), wave("networking.k8s.io", "Ingress"));
    EXPECT_LT(wave("argoproj.io", "AnalysisTemplate"), wave("argoproj.io", "Rollout"));
    EXPECT_LT(wave("networking.k8s.io", "Ingress"), wave("argoproj.io", "Rollout"));
}

TEST(Prune, TakesWhatIsDeclaredNoLonger) {
    const auto plan = plan_prune({entry("a", "a.yaml"), entry("b", "b.yaml")},
                                 {config_map("a", "elsewhere.yaml", "{}")}, {});
    EXPECT_EQ(names(plan.prune), Names{"b"});
    EXPECT_TRUE(plan.keep.empty());
}

TEST(Prune, KeepsWhatABrokenFileDeclared) {
    // Broken in one field: its objects are known, so others may go.
    FileReading broken =
        read_manifests("b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n",
                       {{"", "ConfigMap", [](const Json&) {
                             return std::vector<Problem>{{"data", "bad"}};
                         }}});
    ASSERT_FALSE(broken.good());
    auto plan =
        plan_prune({entry("a", "a.yaml"), entry("b", "was-elsewhere.yaml"), entry("c", "b.yaml")},
                   {}, {broken});
    EXPECT_EQ(names(plan.prune), Names{"a"});
    EXPECT_EQ(names(plan.keep), (Names{"b", "c"}));
    EXPECT_EQ(plan.held_because, "");

    // Broken as a whole: anything may be in it.
    const FileReading unreadable = read_manifests("b.yaml", "{", {});
    plan = plan_prune({entry("a", "a.yaml")}, {}, {unreadable});
    EXPECT_TRUE(plan.prune.empty());
    EXPECT_EQ(names(plan.keep), Names{"a"});
    EXPECT_EQ(
        plan.held_because,
        "nothing is pruned while b.yaml cannot be read: it may declare what seems to be gone");
}

TEST(Prune, NeverTakesWhatIsNotOursOrOptsOut) {
    Json live = to_apply(config_map("a", "a.yaml", "{}"), "app");
    EXPECT_TRUE(may_prune(live, "app"));
    EXPECT_FALSE(may_prune(live, "other"));
    live["metadata"]["annotations"]["sluice.dev/prune"] = "disabled";
    EXPECT_FALSE(may_prune(live, "app"));
    EXPECT_FALSE(may_prune(Json::object(), "app"));
}

TEST(Quarantine, IsThatOfTheDigestWhileItStands) {
    const auto delivery = Json::parse(R"({"metadata": {"name": "web-3"},
        "spec": {"rollout": {"name": "web"}},
        "status": {"quarantine": {"digest": "bad", "reason": "error rate 20 %"}}})");
    const auto found = find_quarantine({delivery}, "web", "bad");
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->delivery, "web-3");
    EXPECT_EQ(found->reason, "error rate 20 %");
    EXPECT_FALSE(find_quarantine({delivery}, "web", "good").has_value());
    EXPECT_FALSE(find_quarantine({delivery}, "api", "bad").has_value());
    auto lifted = delivery;
    lifted["status"]["quarantine"]["lifted"] = true;
    EXPECT_FALSE(find_quarantine({lifted}, "web", "bad").has_value());
}

Names messages(const FileReading& file) {
    Names result;
    for (const auto& problem : file.problems) result.push_back(problem.message);
    return result;
}

TEST(Manifests, AreReadWithAllTheirProblems) {
    const auto file = read_manifests("apps/web.yaml",
                                     "apiVersion: v1\n"
                                     "kind: ConfigMap\n"
                                     "metadata:\n"
                                     "  name: good\n"
                                     "---\n"
                                     "kind: ConfigMap\n"
                                     "metadata:\n"
                                     "  name: Bad_Name\n"
                                     "---\n"
                                     "apiVersion: argoproj.io/v1alpha1\n"
                                     "kind: Rollout\n"
                                     "metadata:\n"
                                     "  name: web\n"
                                     "spec:\n"
                                     "  replicas: many\n",
                                     {{"argoproj.io", "Rollout", [](const Json&) {
                                           return std::vector<Problem>{
                                               {"spec.replicas", "expected a whole number"},
                                               {"spec.strategy", "is required"}};
                                       }}});
    EXPECT_EQ(
        messages(file),
        (Names{"apps/web.yaml:6:1: apiVersion: is required",
               "apps/web.yaml:8:3: metadata.name: expected an object's name, found \"Bad_Name\"",
               "apps/web.yaml:15:3: spec.replicas: expected a whole number",
               "apps/web.yaml:14:1: spec.strategy: is required"}));
    EXPECT_FALSE(file.identities_known);
    ASSERT_EQ(file.manifests.size(), 2U);
    EXPECT_EQ(file.manifests[1].name, "web");
    EXPECT_EQ(file.problems[2].line, 15);
    EXPECT_EQ(file.problems[2].column, 3);
}

TEST(Manifests, ABrokenFileSaysWhere) {
    const auto file = read_manifests("web.yaml", "a: 1\nb: [\n", {});
    ASSERT_EQ(file.problems.size(), 1U);
    EXPECT_GE(file.problems[0].line, 2);
    EXPECT_TRUE(file.problems[0].message.starts_with("web.yaml:")) << file.problems[0].message;
    EXPECT_FALSE(file.identities_known);
    EXPECT_TRUE(read_manifests("empty.yaml", "# nothing\n---\n", {}).good());
}

TEST(Manifests, OneObjectIsDeclaredOnce) {
    const char* text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    const char* same = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n";
    std::vector<FileReading> files{read_manifests("a.yaml", text, {}),
                                   read_manifests("b.yaml", same, {})};
    const auto manifests = without_duplicates(files, "shop");
    ASSERT_EQ(manifests.size(), 1U);
    EXPECT_EQ(manifests[0].path, "a.yaml");
    EXPECT_EQ(messages(files[1]), Names{"b.yaml:1:1: configmap a is declared in a.yaml:1 already"});
}

}  // namespace
}  // namespace sluice::policy::source
