// SPDX-License-Identifier: Apache-2.0
// What a container is made of: image, command, environment, user, address.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "standalone/kubelet/addresses.hpp"
#include "standalone/kubelet/environment.hpp"
#include "standalone/kubelet/image.hpp"
#include "standalone/kubelet/user.hpp"

namespace sluice::standalone::kubelet {
namespace {

TEST(KubeletImage, NamesAndTags) {
    const auto parsed = [](std::string_view text) {
        const auto image = parse_image(text);
        return image.ok() ? image->name + " " + image->tag : image.error().message;
    };
    EXPECT_EQ(parsed("shop:v2"), "shop v2");
    EXPECT_EQ(parsed("shop"), "shop latest");
    EXPECT_EQ(parsed("registry:5000/team/shop"), "registry:5000/team/shop latest");
    EXPECT_EQ(parsed("shop:v2@sha256:abc"), "shop v2");
    EXPECT_EQ(parsed("shop@sha256:abc"), "shop sha256:abc");
    EXPECT_EQ(parsed("../shop:v2"), "\"../shop:v2\" is no image name");
    EXPECT_EQ(parsed("shop:.."), "\"shop:..\" is no image name");
    EXPECT_EQ(parsed("/etc"), "\"/etc\" is no image name");
    EXPECT_EQ(parsed(""), "\"\" is no image name");
}

TEST(KubeletImage, CommandReplacesTheRunFileAndArgsFollowEither) {
    using Words = std::vector<std::string>;
    EXPECT_EQ(command_line("/i", {}, {}), Words{"/i/run"});
    EXPECT_EQ(command_line("/i", {}, {"-v"}), (Words{"/i/run", "-v"}));
    EXPECT_EQ(command_line("/i", {"/bin/sh", "-c"}, {"x"}), (Words{"/bin/sh", "-c", "x"}));
    EXPECT_EQ(command_line("/i", {"sh"}, {}), Words{"sh"});
    EXPECT_EQ(command_line("/i", {"./tool"}, {}), Words{"/i/./tool"});
}

TEST(KubeletEnvironment, ReferencesExpandAsKubernetesSays) {
    const Variables known = {{"A", "1"}, {"B", "2"}};
    EXPECT_EQ(expand("$(A)-$(B)", known), "1-2");
    EXPECT_EQ(expand("$$(A)", known), "$(A)");
    EXPECT_EQ(expand("$(C)", known), "$(C)");
    EXPECT_EQ(expand("$A $", known), "$A $");
    EXPECT_EQ(expand("$(A", known), "$(A");
}

Result<Variables> environment(const char* container, const ConfigData& config = {}) {
    const Json document = {
        {"metadata", {{"name", "web-1"}, {"namespace", "shop"}, {"labels", {{"hash", "abc"}}}}},
        {"spec", {{"containers", Json::array({Json::parse(container)})}}}};
    const auto pod = decode_pod(document);
    return container_environment({pod, pod.containers[0], "127.64.0.9", "/work", config});
}

TEST(KubeletEnvironment, OnlyWhatIsDeclared) {
    const auto variables = environment(R"j({"name":"c","env":[
        {"name":"X","value":"$(POD_IP):$(POD_NAME)"},
        {"name":"HASH","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['hash']"}}},
        {"name":"Y","value":"$(HASH)"}]})j");
    EXPECT_EQ(variables.value(),
              (Variables{{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                         {"HOME", "/work"},
                         {"HOSTNAME", "web-1"},
                         {"POD_IP", "127.64.0.9"},
                         {"POD_NAME", "web-1"},
                         {"POD_NAMESPACE", "shop"},
                         {"X", "127.64.0.9:web-1"},
                         {"HASH", "abc"},
                         {"Y", "abc"}}));
}

TEST(KubeletEnvironment, MissingReferencesAreNamed) {
    constexpr auto one = R"({"name":"c","env":[{"name":"X","valueFrom":
        {"configMapKeyRef":{"name":"conf","key":"color"}}}]})";
    EXPECT_EQ(environment(one).error().message, "env X: configmap \"conf\" not found");
    EXPECT_EQ(environment(one, {{"config/conf", {}}}).error().message,
              "env X: couldn't find key color in configmap shop/conf");
    EXPECT_EQ(environment(one, {{"config/conf", {{"color", "red"}}}}).value()["X"], "red");
    EXPECT_FALSE(environment(R"({"name":"c","env":[{"name":"X","valueFrom":
        {"secretKeyRef":{"name":"s","key":"k","optional":true}}}]})")
                     .value()
                     .contains("X"));
    EXPECT_EQ(environment(R"({"name":"c","env":[{"name":"X","valueFrom":
        {"fieldRef":{"fieldPath":"spec.nope"}}}]})")
                  .error()
                  .message,
              "env X: fieldPath \"spec.nope\" is not known");
}

TEST(KubeletUser, NeverRootByAccident) {
    const Starter root{.self = {0, 0}};
    const Starter sudo{.self = {0, 0}, .sudo = UserId{1000, 1000}};
    const Starter plain{.self = {1000, 1000}};
    const Starter told{.self = {0, 0}, .allow_root = true};
    EXPECT_EQ(choose_user({}, root).value(), (UserId{65534, 65534}));
    EXPECT_EQ(choose_user({}, sudo).value(), (UserId{1000, 1000}));
    EXPECT_EQ(choose_user({}, plain).value(), (UserId{1000, 1000}));
    EXPECT_EQ(choose_user({}, told).value(), (UserId{0, 0}));
    EXPECT_EQ(choose_user({.run_as_user = 33}, root).value(), (UserId{33, 33}));
    EXPECT_EQ(choose_user({.run_as_user = 0}, root).error().message,
              "runAsUser 0 is refused: sluice standalone runs no pod as root unless it is started "
              "with --allow-root");
    EXPECT_EQ(choose_user({.run_as_user = 33, .run_as_group = 0}, root).error().message,
              "runAsGroup 0 is refused: sluice standalone runs no pod as root unless it is started "
              "with --allow-root");
    EXPECT_EQ(choose_user({.run_as_user = 33}, plain).error().message,
              "runAsUser 33 needs sluice to run as root; it runs as user 1000");
    EXPECT_EQ(choose_user({.run_as_user = 0, .run_as_non_root = true}, told).error().message,
              "runAsNonRoot is set and runAsUser is 0");
}

TEST(KubeletAddresses, GoRoundAndSkipWhatIsUsed) {
    EXPECT_EQ(next_address("", {}), "127.64.0.1");
    EXPECT_EQ(next_address("127.64.0.1", {"127.64.0.2"}), "127.64.0.3");
    EXPECT_EQ(next_address("127.64.0.254", {}), "127.64.1.1");
    EXPECT_EQ(next_address("127.127.255.254", {}), "127.64.0.1");
    EXPECT_EQ(address_from(0x3fffff), "127.127.255.255");
}

TEST(KubeletPod, WhatAProcessCannotHaveIsNamed) {
    const auto pod = decode_pod(Json::parse(R"({"spec":{"initContainers":[{"name":"i"}],
        "volumes":[{"name":"v","configMap":{"name":"c"}},{"name":"e","emptyDir":{}}],
        "containers":[{"name":"c","livenessProbe":{"exec":{"command":["x"]}},
            "volumeMounts":[{"name":"v","mountPath":"/v"},{"name":"e","mountPath":"/e"}]}]}})"));
    EXPECT_EQ(pod.containers[0].unsupported,
              (std::vector<std::string>{"livenessProbe is neither httpGet nor tcpSocket",
                                        "volume v cannot be mounted for a local process",
                                        "the pod has initContainers"}));
}

TEST(KubeletPod, ProbePortsAndTheContainersOwnSecurity) {
    const auto pod =
        decode_pod(Json::parse(R"({"spec":{"securityContext":{"runAsUser":5,"runAsNonRoot":true},
        "containers":[{"name":"c","ports":[{"name":"http","containerPort":8080}],
            "securityContext":{"runAsUser":6},
            "readinessProbe":{"httpGet":{"path":"healthz","port":"http"},"periodSeconds":0}}]}})"));
    const auto& container = pod.containers[0];
    EXPECT_EQ(container.readiness->port, 8080);
    EXPECT_EQ(container.readiness->path, "/healthz");
    EXPECT_EQ(container.readiness->period, Duration{std::chrono::seconds{1}});
    EXPECT_EQ(container.security.run_as_user, 6);
    EXPECT_TRUE(container.security.run_as_non_root);
}

}  // namespace
}  // namespace sluice::standalone::kubelet
