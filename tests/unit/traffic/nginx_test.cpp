// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/traffic/routers.hpp"

namespace sluice::traffic {
namespace nginx_test {
namespace {

const Target target{.ns = "shop",
                    .name = "web",
                    .uid = "u-1",
                    .stable_service = "web-stable",
                    .canary_service = "web-canary"};
ObjectRef stable_ref() {
    return {resources::ingresses, "shop", "front"};
}
ObjectRef canary_ref() {
    return {resources::ingresses, "shop", "web-front-canary"};
}

crds::NginxConfig config() {
    return {.stable_ingresses = {"front"}};
}

Json stable_ingress() {
    return json(R"({"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"front",
      "namespace":"shop","resourceVersion":"7","annotations":{"kubernetes.io/ingress.class":"nginx",
      "example.com/other":"x"}},"spec":{"ingressClassName":"nginx","tls":[{"hosts":["a.test"],
      "secretName":"t"}],"rules":[{"host":"a.test","http":{"paths":[{"path":"/","pathType":"Prefix",
      "backend":{"service":{"name":"web-stable","port":{"number":80}}}},{"path":"/img","pathType":
      "Prefix","backend":{"service":{"name":"images","port":{"number":80}}}}]}},{"host":"b.test",
      "http":{"paths":[{"path":"/","pathType":"Prefix","backend":{"service":{"name":"other","port":
      {"number":80}}}}]}},{"host":"c.test"}]}})");
}

Documents before() {
    return {{stable_ref(), stable_ingress()}, {canary_ref(), std::nullopt}};
}

Documents after_weight(const Router& router, int weight) {
    Documents documents = before();
    EXPECT_TRUE(perform(documents, *router.write(documents, target, weight, 100)).ok());
    return documents;
}

TEST(Nginx, FetchesTheStableIngressAndItsClone) {
    EXPECT_EQ(make_nginx_router(config())->objects(target),
              (std::vector<ObjectRef>{stable_ref(), canary_ref()}));
}

TEST(Nginx, ANameTooLongForKubernetesIsCutBeforeTheSuffix) {
    Target wide = target;
    wide.name = std::string(300, 'r');
    const auto refs = make_nginx_router(config())->objects(wide);
    EXPECT_EQ(refs[1].name, std::string(246, 'r') + "-canary");
}

TEST(Nginx, TheCloneHasTheRulesOfTheStableServiceOnly) {
    const auto writes = make_nginx_router(config())->write(before(), target, 20, 100);
    ASSERT_TRUE(writes.ok());
    ASSERT_EQ(writes->size(), 1u);
    EXPECT_EQ(writes->front().kind, RouteWrite::Kind::Create);
    EXPECT_EQ(writes->front().body, json(R"({"apiVersion":"networking.k8s.io/v1","kind":"Ingress",
      "metadata":{"name":"web-front-canary","namespace":"shop","annotations":
      {"kubernetes.io/ingress.class":"nginx","nginx.ingress.kubernetes.io/canary":"true",
      "nginx.ingress.kubernetes.io/canary-weight":"20"},"ownerReferences":[{"apiVersion":
      "argoproj.io/v1alpha1","kind":"Rollout","name":"web","uid":"u-1","controller":true,
      "blockOwnerDeletion":true}]},"spec":{"ingressClassName":"nginx","tls":[{"hosts":["a.test"],
      "secretName":"t"}],"rules":[{"host":"a.test","http":{"paths":[{"path":"/","pathType":"Prefix",
      "backend":{"service":{"name":"web-canary","port":{"number":80}}}},{"path":"/img","pathType":
      "Prefix","backend":{"service":{"name":"images","port":{"number":80}}}}]}}]}})"));
}

TEST(Nginx, EveryWeightReadsBackAndIsWrittenOnce) {
    const auto router = make_nginx_router(config());
    Documents documents = before();
    EXPECT_EQ(*router->read(documents, target), std::nullopt);
    for (int weight = 0; weight <= 100; ++weight)
        expect_round_trip(*router, documents, target, weight);
    for (const int weight : {100, 0, 50, 0}) expect_round_trip(*router, documents, target, weight);
}

TEST(Nginx, AWeightChangeIsAGuardedPatchOfOneValue) {
    const auto router = make_nginx_router(config());
    const auto writes = router->write(after_weight(*router, 5), target, 20, 100);
    ASSERT_TRUE(writes.ok());
    ASSERT_EQ(writes->size(), 1u);
    EXPECT_EQ(writes->front().kind, RouteWrite::Kind::JsonPatch);
    EXPECT_EQ(writes->front().body, json(R"([
      {"op":"test","path":"/metadata/resourceVersion","value":"1"},
      {"op":"test","path":"/metadata/annotations/nginx.ingress.kubernetes.io~1canary-weight",
       "value":"5"},
      {"op":"replace","path":"/metadata/annotations/nginx.ingress.kubernetes.io~1canary-weight",
       "value":"20"}])"));
}

TEST(Nginx, APatchDecidedOnAnOlderCloneFails) {
    const auto router = make_nginx_router(config());
    Documents documents = after_weight(*router, 5);
    const auto stale = router->write(documents, target, 20, 100);
    expect_round_trip(*router, documents, target, 50);
    EXPECT_FALSE(perform(documents, *stale).ok());
    EXPECT_EQ(*router->read(documents, target), 50);
}

TEST(Nginx, ChangedRulesOfTheStableIngressReachTheClone) {
    const auto router = make_nginx_router(config());
    Documents documents = after_weight(*router, 5);
    (*documents[stable_ref()])["spec"]["rules"][0]["host"] = "new.test";
    (*documents[stable_ref()])["spec"].erase("tls");
    const auto writes = router->write(documents, target, 5, 100);
    ASSERT_EQ(writes->size(), 1u);
    EXPECT_EQ(writes->front().kind, RouteWrite::Kind::MergePatch);
    ASSERT_TRUE(perform(documents, *writes).ok());
    EXPECT_EQ((*documents[canary_ref()])["spec"]["rules"][0]["host"], "new.test");
    EXPECT_FALSE((*documents[canary_ref()])["spec"].contains("tls"));
    expect_round_trip(*router, documents, target, 5);
}

TEST(Nginx, AnnotationsAreThoseConfiguredAndForeignOnesStay) {
    crds::NginxConfig wanted = config();
    wanted.annotation_prefix = "custom.example.com";
    wanted.additional_ingress_annotations = {{"canary-by-header", "x"},
                                             {"custom.example.com/affinity", "cookie"}};
    wanted.canary_ingress_annotations = {{"example.com/note", "canary"}};
    const auto router = make_nginx_router(wanted);
    Documents documents = before();
    ASSERT_TRUE(perform(documents, *router->write(documents, target, 20, 1000)).ok());
    EXPECT_EQ((*documents[canary_ref()])["metadata"]["annotations"],
              json(R"({"kubernetes.io/ingress.class":"nginx","custom.example.com/canary":"true",
              "custom.example.com/canary-weight":"20",
              "custom.example.com/canary-weight-total":"1000",
              "custom.example.com/canary-by-header":"x","custom.example.com/affinity":"cookie",
              "example.com/note":"canary"})"));
    (*documents[canary_ref()])["metadata"]["annotations"]["cert-manager.io/issuer"] = "theirs";
    (*documents[canary_ref()])["metadata"]["annotations"]["custom.example.com/stale"] = "gone";
    ASSERT_TRUE(perform(documents, *router->write(documents, target, 30, 100)).ok());
    const Json& annotations = (*documents[canary_ref()])["metadata"]["annotations"];
    EXPECT_EQ(annotations["cert-manager.io/issuer"], "theirs");
    EXPECT_FALSE(annotations.contains("custom.example.com/stale"));
    EXPECT_FALSE(annotations.contains("custom.example.com/canary-weight-total"));
    EXPECT_EQ(*router->read(documents, target), 30);
}

TEST(Nginx, ReadsTheLargestWeightOfSeveralIngresses) {
    crds::NginxConfig two = config();
    two.stable_ingresses.push_back("back");
    const auto router = make_nginx_router(two);
    Documents documents = after_weight(*make_nginx_router(config()), 5);
    const ObjectRef back{resources::ingresses, "shop", "back"};
    documents[back] = stable_ingress();
    EXPECT_EQ(*router->read(documents, target), 5);
    expect_round_trip(*router, documents, target, 20);
    EXPECT_TRUE((documents[{resources::ingresses, "shop", "web-back-canary"}].has_value()));
}

TEST(Nginx, ErrorsSayWhatUpstreamSays) {
    const auto router = make_nginx_router(config());
    EXPECT_EQ(router->write({}, target, 5, 100).error(),
              not_found("error retrieving stableIngress `front` from cache: "
                        "ingress.networking.k8s.io \"front\" not found"));

    Documents documents = before();
    (*documents[stable_ref()])["spec"].erase("rules");
    EXPECT_EQ(router->write(documents, target, 5, 100).error(),
              invalid("ingress `front` has no rules using service web-stable backend"));
    EXPECT_EQ(
        router->problems(documents, target),
        (std::vector<Problem>{
            {"spec.strategy.canary.trafficRouting.nginx.stableIngress",
             "Invalid value: \"front\": ingress `front` has no rules using service web-stable "
             "backend"}}));
    EXPECT_EQ(
        router->problems({}, target),
        (std::vector<Problem>{{"spec.strategy.canary.trafficRouting.nginx.stableIngress",
                               "Invalid value: \"front\": ingress.networking.k8s.io \"front\" "
                               "not found"}}));
    EXPECT_TRUE(router->problems(before(), target).empty());

    documents = after_weight(*router, 5);
    (*documents[canary_ref()])["metadata"]["ownerReferences"][0]["uid"] = "another";
    EXPECT_EQ(router->write(documents, target, 5, 100).error(),
              invalid("canary ingress `web-front-canary` controlled by different object"));
    EXPECT_EQ(*router->read(documents, target), std::nullopt);
}

}  // namespace
}  // namespace nginx_test
}  // namespace sluice::traffic
