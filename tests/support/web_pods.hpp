// SPDX-License-Identifier: Apache-2.0
// A Service and a ReplicaSet of real web servers in the embedded cluster, and questions about them.
#pragma once

#include <signal.h>

#include <fstream>
#include <sstream>

#include "platform/http/curl_transport.hpp"
#include "tests/support/cluster.hpp"

namespace sluice::test {

// A web server in the Perl that every Debian has. /healthz fails while the file "sick" lies in the
// work folder; /env tells the environment.
inline constexpr auto web_server = R"(#!/usr/bin/perl
use strict; use IO::Socket::INET; $| = 1;
my $port = $ENV{PORT} || 8080;
print "serving on $ENV{POD_IP}:$port as $<\n";
$SIG{PIPE} = 'IGNORE';
$SIG{TERM} = sub { print "bye\n"; exit 0 };
my $s = IO::Socket::INET->new(LocalAddr => $ENV{POD_IP}, LocalPort => $port, Listen => 16,
                              ReuseAddr => 1) or die "bind: $!";
while (1) {
    my $c = $s->accept or next;
    my $line = <$c>;
    while (my $h = <$c>) { last if $h =~ /^\r?\n$/ }
    my $body = $line =~ m{/env} ? join("", map { "$_=$ENV{$_}\n" } sort keys %ENV) : "ok\n";
    my $code = ($line =~ m{/healthz} && -e "sick") ? "500 Sick" : "200 OK";
    print $c "HTTP/1.1 $code\r\nContent-Length: " . length($body) .
             "\r\nConnection: close\r\n\r\n$body";
    close $c;
}
)";

inline Json replica_set(int replicas, Json container) {
    container["name"] = "web";
    return {
        {"metadata", {{"name", "web-abc"}, {"namespace", "shop"}}},
        {"spec",
         {{"replicas", replicas},
          {"selector", {{"matchLabels", {{"app", "web"}}}}},
          {"template",
           {{"metadata", {{"labels", {{"app", "web"}, {"track", "stable"}}}}},
            {"spec",
             {{"terminationGracePeriodSeconds", 5}, {"containers", Json::array({container})}}}}}}}};
}

inline Json web_container() {
    return {{"image", "web:v1"},
            {"ports", Json::array({{{"name", "http"}, {"containerPort", 8080}}})},
            {"readinessProbe", {{"httpGet", {{"path", "/healthz"}, {"port", "http"}}}}}};
}

inline Json web_service() {
    return {{"metadata", {{"name", "web"}, {"namespace", "shop"}}},
            {"spec",
             {{"selector", {{"app", "web"}}},
              {"ports", Json::array({{{"name", "http"}, {"port", 80}, {"targetPort", "http"}}})}}}};
}

inline bool pod_ready(const Json& pod) {
    const Json* conditions = find(pod, {"status", "conditions"});
    if (!conditions) return false;
    for (const auto& condition : *conditions)
        if (text_at(condition, {"type"}) == "Ready")
            return text_at(condition, {"status"}) == "True";
    return false;
}

inline Json container_status(const Json& pod) {
    const Json* statuses = find(pod, {"status", "containerStatuses"});
    return statuses && !statuses->empty() ? statuses->front() : Json{};
}

inline long ready_replicas(const Cluster& cluster) {
    return integer_at(cluster.get(resources::replica_sets, "web-abc"), {"status", "readyReplicas"});
}

// Addresses of the Service's slices whose condition `which` is true.
inline std::vector<std::string> endpoints(const Cluster& cluster, std::string_view which) {
    std::vector<std::string> addresses;
    const auto slices =
        cluster.client()
            .list(resources::endpoint_slices,
                  {.ns = "shop", .label_selector = "kubernetes.io/service-name=web"})
            .value()
            .items;
    for (const auto& slice : slices)
        for (const auto& endpoint : slice.at("endpoints"))
            if (bool_at(endpoint, {"conditions", which}))
                addresses.push_back(endpoint["addresses"][0].get<std::string>());
    return addresses;
}

inline long pid_of(const Cluster& cluster, const Json& pod) {
    std::ifstream file(cluster.folder() + "/data/pods/" + text_at(pod, {"metadata", "uid"}) +
                       "/state.json");
    std::stringstream text;
    text << file.rdbuf();
    const auto state = parse_json(text.str());
    if (!state.ok()) return 0;
    return integer_at((*state)["containers"][0], {"running", "pid"});
}

inline bool lives(long pid) {
    return pid > 0 && ::kill(static_cast<pid_t>(pid), 0) == 0;
}

// Zombies that nobody has reaped yet do not count.
inline bool group_gone(long group) {
    std::error_code problem;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", problem)) {
        std::ifstream file(entry.path().string() + "/stat");
        std::string text;
        if (!std::getline(file, text) || text.rfind(')') == std::string::npos) continue;
        const auto fields = split(text.substr(text.rfind(')') + 2), ' ');
        if (fields.size() > 2 && fields[2] == std::to_string(group) && fields[0] != "Z")
            return false;
    }
    return true;
}

inline std::string fetch(const std::string& url) {
    const auto transport = http::make_curl_transport({});
    const auto response = transport->send({.url = url, .deadline = std::chrono::seconds{2}});
    return response.ok() ? response->body : response.error().message;
}

inline std::string log_of(Cluster& cluster, const Json& pod, bool previous = false) {
    auto stream = cluster.kubelet().logs().open({.ns = "shop",
                                                 .pod = text_at(pod, {"metadata", "name"}),
                                                 .pod_uid = text_at(pod, {"metadata", "uid"}),
                                                 .container = "web",
                                                 .previous = previous});
    if (!stream.ok()) return stream.error().message;
    std::string text;
    while (true) {
        auto piece = (*stream)->next(cluster.clock().now());
        text += piece.bytes;
        if (piece.ended) return text;
    }
}

inline void make_web(Cluster& cluster, int replicas, const Json& container = web_container()) {
    cluster.add_image("web", "v1", web_server);
    cluster.client().create(resources::services, web_service()).value();
    cluster.client().create(resources::replica_sets, replica_set(replicas, container)).value();
    cluster.start();
}

}  // namespace sluice::test
