// SPDX-License-Identifier: Apache-2.0
#include "crds/pod_template.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/yaml.hpp"
#include "crds/go_json.hpp"
#include "tests/support/conformance.hpp"

namespace sluice::crds {
namespace pod_template_test {

Json json(const std::string& text) {
    return Json::parse(text);
}

// The templates of two manifests of upstream's e2e suite, whose hashes stand in its assertions.
const char* const scale_down_on_abort = R"({
  "metadata": {"labels": {"app": "canary-scaledowndelay"}},
  "spec": {"containers": [{"name": "canary-scaledowndelay", "image": "nginx:1.19-alpine",
    "ports": [{"name": "http", "containerPort": 80, "protocol": "TCP"}],
    "resources": {"requests": {"memory": "16Mi", "cpu": "5m"}}}]}})";
const char* const dynamic_stable_scale = R"({
  "metadata": {"labels": {"app": "dynamic-stable-scale"}},
  "spec": {"readinessGates": [{"conditionType": "argoproj.io/e2e-readiness"}],
    "containers": [{"name": "dynamic-stable-scale", "image": "nginx:1.19-alpine",
    "ports": [{"name": "http", "containerPort": 80, "protocol": "TCP"}],
    "resources": {"requests": {"memory": "16Mi", "cpu": "5m"}}}]}})";

#include "tests/unit/crds/pod_template_vectors.inc"

TEST(PodTemplateHash, IsUpstreams) {
    EXPECT_EQ(pod_template_hash(json(scale_down_on_abort)), "674d8cf959");
    EXPECT_EQ(pod_template_hash(json(dynamic_stable_scale)), "6b56c8cdb4");
    EXPECT_EQ(pod_template_hash(json(rich)), "57f964b7cd");
    EXPECT_EQ(pod_template_hash(json("{}")), "658c46c486");
    EXPECT_EQ(pod_template_hash(json(R"({"spec":{"containers":[],"volumes":null}})")),
              "74bb9b5bf9");
}

TEST(PodTemplateHash, IsOverTheTextThatGoWrites) {
    EXPECT_EQ(go_pod_template_json(json(rich)), rich_as_go);
}

TEST(PodTemplateHash, CountsCollisions) {
    const Json pod = json(scale_down_on_abort);
    EXPECT_NE(pod_template_hash(pod, 0), pod_template_hash(pod));
    EXPECT_NE(pod_template_hash(pod, 1), pod_template_hash(pod, 0));
    EXPECT_EQ(pod_template_hash(pod, 1), "dbc977b9d");
}

// The template of the Rollout in a multi-document manifest.
Json template_in(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    const auto documents = parse_yaml(text.str(), path);
    for (const auto& document : documents.value()) {
        const Json object = Json::parse(document.text);
        if (object["kind"] == "Rollout") return object["spec"]["template"];
    }
    return {};
}

TEST(PodTemplateHash, OfUpstreamsManifestsStandsInItsSuite) {
    const std::string folder =
        test::conformance_folder() / "argo-rollouts/test/e2e/functional" / "";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is absent";
    EXPECT_EQ(pod_template_hash(template_in(folder + "canary-scaledownonabort.yaml")),
              "674d8cf959");
    EXPECT_EQ(pod_template_hash(template_in(folder + "canary-dynamic-stable-scale.yaml")),
              "6b56c8cdb4");
}

TEST(StepHash, IsUpstreams) {
    EXPECT_EQ(step_hash(json(R"([{"pause":{}}])")), "6b9b86fbd5");
    EXPECT_EQ(step_hash(json(R"([{"pause":{}},{"pause":{}}])")), "79c9b9f6bf");
    EXPECT_EQ(step_hash(Json()), "5ffbfbbd64");
    EXPECT_EQ(step_hash(json(R"([{"setWeight":5},{"pause":{"duration":"10s"}},{"pause":{}},
      {"pause":{"duration":30}},{"analysis":{"templates":[{"templateName":"a"}],
      "args":[{"name":"x","value":"1"},
        {"name":"h","valueFrom":{"podTemplateHashValue":"Latest"}}]}},
      {"setCanaryScale":{"matchTrafficWeight":true}},{"setCanaryScale":{"weight":0}},
      {"setHeaderRoute":{"name":"h","match":[{"headerName":"a","headerValue":{"exact":"b<"}}]}},
      {"setMirrorRoute":{"name":"m","percentage":0}},
      {"experiment":{"duration":"1h","templates":[{"name":"baseline","specRef":"stable"}]}},
      {"setWeight":0}])")),
              "686d455769");
}

TEST(TemplateDigest, IsTheSameBeforeAndAfterAServerFilledInDefaults) {
    const Json declared = json(R"({"metadata":{"labels":{"app":"shop"}},"spec":{
      "serviceAccountName":"sa","volumes":[{"name":"v"},{"name":"s","secret":{"secretName":"x"}}],
      "containers":[{"name":"c","image":"reg:5000/shop:v2","ports":[{"containerPort":80}],
        "resources":{"requests":{"cpu":0.5}},
        "readinessProbe":{"httpGet":{"port":80}}},{"name":"d","image":"x"}]}})");
    const Json stored = json(R"({"metadata":{"creationTimestamp":null,"labels":{"app":"shop",
      "rollouts-pod-template-hash":"5d8"}},"spec":{"restartPolicy":"Always",
      "dnsPolicy":"ClusterFirst","schedulerName":"default-scheduler","securityContext":{},
      "terminationGracePeriodSeconds":30,"serviceAccountName":"sa","serviceAccount":"sa",
      "volumes":[{"name":"v","emptyDir":{}},
        {"name":"s","secret":{"secretName":"x","defaultMode":420}}],
      "containers":[{"name":"c","image":"reg:5000/shop:v2","imagePullPolicy":"IfNotPresent",
        "ports":[{"containerPort":80,"protocol":"TCP"}],
        "resources":{"requests":{"cpu":"500m"}},
        "terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File",
        "readinessProbe":{"httpGet":{"port":80,"path":"/","scheme":"HTTP"},"timeoutSeconds":1,
          "periodSeconds":10,"successThreshold":1,"failureThreshold":3}},
        {"name":"d","image":"x","imagePullPolicy":"Always","resources":{},
        "terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}]}})");
    EXPECT_EQ(template_digest(declared), template_digest(stored));
}

TEST(TemplateDigest, IgnoresInjectedAntiAffinity) {
    const Json plain = json(R"({"spec":{"containers":[{"name":"c","image":"x"}]}})");
    const Json injected = json(R"({"spec":{"containers":[{"name":"c","image":"x"}],
      "affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[
        {"labelSelector":{"matchExpressions":[{"key":"rollouts-pod-template-hash","operator":"In",
        "values":["5d8"]}]},"namespaces":["a"],"topologyKey":"kubernetes.io/hostname"}]}}}})");
    EXPECT_EQ(template_digest(plain), template_digest(injected));
}

TEST(TemplateDigest, TellsApartWhatUsersChange) {
    const std::string base = template_digest(json(R"({"spec":{"containers":[{"image":"x:1"}]}})"));
    for (const char* other :
         {R"({"spec":{"containers":[{"image":"x:2"}]}})",
          R"({"spec":{"containers":[{"image":"x:1","imagePullPolicy":"Always"}]}})",
          R"({"spec":{"containers":[{"image":"x:1"}],"terminationGracePeriodSeconds":0}})",
          R"({"spec":{"containers":[{"image":"x:1","fieldOfTomorrow":1}]}})",
          R"({"metadata":{"annotations":{"a":"b"}},"spec":{"containers":[{"image":"x:1"}]}})"})
        EXPECT_NE(template_digest(json(other)), base) << other;
}

struct QuantityCase {
    const char* written;
    const char* canonical;
};

// The right column is what k8s.io/apimachinery v0.34.5 wrote.
const QuantityCase quantities[] = {
    {"0.5", "500m"},
    {"1024Mi", "1Gi"},
    {"1.5Gi", "1536Mi"},
    {"0.1", "100m"},
    {"1e3", "1e3"},
    {"12e6", "12e6"},
    {"0", "0"},
    {"100m", "100m"},
    {"1000m", "1"},
    {"1500m", "1500m"},
    {"1000k", "1M"},
    {"0.5Gi", "512Mi"},
    {"1.0", "1"},
    {"2.50", "2500m"},
    {"1Ei", "1Ei"},
    {"0.0000000001", "1n"},
    {"1024", "1024"},
    {"1023Ki", "1023Ki"},
    {"+1", "+1"},
    {"-1", "-1"},
    {"-0.5", "-500m"},
    {"1e-3", "1e-3"},
    {"10e-2", "100e-3"},
    {"1E3", "1E3"},
    {"1.5Ki", "1536"},
    {"0.0005Ki", "512m"},
    {"1e21", "1e21"},
    {"9.9999999999Gi", "10737418239892625818n"},
    {".5", "500m"},
    {"5.", "5."},
    {"123456789012", "123456789012"},
    {"1500n", "1500n"},
    {"-1024Ki", "-1Mi"},
    {"0Ki", "0"},
    {"00.500", "500m"},
    {"half", "half"},
    {"", ""},
};

TEST(CanonicalQuantity, IsApimachinerys) {
    for (const auto& row : quantities)
        EXPECT_EQ(canonical_quantity(row.written), row.canonical) << row.written;
}

}  // namespace pod_template_test
}  // namespace sluice::crds
