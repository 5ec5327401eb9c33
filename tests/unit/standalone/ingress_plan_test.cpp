// SPDX-License-Identifier: Apache-2.0
// Plans are played on a model of HAProxy's runtime API that refuses what HAProxy refuses, and after
// each command the model is asked what a client would meet.
#include "standalone/ingress/plan.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "standalone/ingress/access_log.hpp"
#include "standalone/ingress/haproxy.hpp"
#include "standalone/ingress/runtime_socket.hpp"

namespace sluice::standalone::ingress {
namespace plan_test {
namespace {

constexpr const char* folder = "/f";

std::map<std::string, std::string>& table_of(ProxyState& state, const std::string& path) {
    if (path == "/f/exact.map") return state.exact;
    if (path == "/f/prefix.map") return state.prefix;
    EXPECT_EQ(path, "/f/backends.map");
    return state.backends;
}

std::pair<std::string, std::string> server_of(const std::string& name) {
    const auto slash = name.find('/');
    return {name.substr(0, slash), name.substr(slash + 1)};
}

// What HAProxy would reply; it does what it says.
std::string play(ProxyState& state, const std::string& text) {
    const auto words = split(text, ' ');
    const std::string verb = words[0] + " " + words[1];
    if (verb == "add map") table_of(state, words[2])[words[3]] = words[4];
    if (verb == "set map") {
        if (!table_of(state, words[2]).contains(words[3])) return "entry not found.";
        table_of(state, words[2])[words[3]] = words[4];
    }
    if (verb == "del map" && table_of(state, words[2]).erase(words[3]) == 0)
        return "Key not found.";
    if (words[1] != "server") return {};
    const auto [slot, name] = server_of(words[2]);
    if (verb == "add server") {
        if (!state.servers[slot].emplace(name, ServerState{ServerState::Admin::Maintenance}).second)
            return "Already exists a server with the same name in backend.";
        return "New server registered.";
    }
    const auto at = state.servers[slot].find(name);
    if (at == state.servers[slot].end()) return "No such server.";
    if (verb == "set server")
        at->second.admin = words[4] == "ready"   ? ServerState::Admin::Ready
                           : words[4] == "drain" ? ServerState::Admin::Drain
                                                 : ServerState::Admin::Maintenance;
    if (verb == "del server") {
        if (at->second.admin != ServerState::Admin::Maintenance)
            return "Only servers in maintenance mode can be deleted.";
        state.servers[slot].erase(at);
        return "Server deleted.";
    }
    return {};
}

// True where every share above 0 of every route leads to a server that takes requests.
bool everybody_is_served(const ProxyState& state) {
    for (const auto& [key, text] : state.prefix) {
        const auto parts = split(text, ':');
        long from = 0;
        for (size_t i = 0; i + 1 < parts.size(); i += 2) {
            const long upto = *parse_integer(parts[i]);
            const auto slot = state.servers.find(parts[i + 1]);
            bool serves = false;
            if (slot != state.servers.end())
                for (const auto& [name, server] : slot->second)
                    serves = serves || server.admin == ServerState::Admin::Ready;
            if (upto > from && !serves) return false;
            from = upto;
        }
    }
    return true;
}

// True where the metrics know whose requests every server answers.
bool every_server_has_an_owner(const ProxyState& state) {
    for (const auto& [slot, servers] : state.servers)
        if (!servers.empty() && !state.backends.contains(slot)) return false;
    return true;
}

// Plays plans until nothing is left to do; the commands, for a look at their order.
std::vector<std::string> settle(const Desired& desired, ProxyState& state, bool served = true) {
    std::vector<std::string> all;
    for (int pass = 0; pass < 10; ++pass) {
        const Plan plan = diff(desired, state, folder, 8);
        if (plan.commands.empty()) return all;
        for (const auto& command : plan.commands) {
            EXPECT_EQ(play(state, command.text), command.reply) << command.text;
            EXPECT_TRUE(every_server_has_an_owner(state)) << command.text;
            if (served) {
                EXPECT_TRUE(everybody_is_served(state)) << command.text;
            }
            all.push_back(command.text);
        }
    }
    ADD_FAILURE() << "does not come to rest";
    return all;
}

const Endpoint a{"10.0.0.1", 80, "ha"}, b{"10.0.0.2", 80, "hb"}, c{"10.0.0.3", 80, "hc"};

Desired split_route(int canary) {
    return {
        .prefix = {{"a.test/", {{"n/canary:80", canary}, {"n/stable:80", whole_share - canary}}}},
        .backends = {{"n/canary:80", {b}}, {"n/stable:80", {a}}}};
}

TEST(IngressPlan, AFreshProxyGetsServersBeforeShares) {
    ProxyState state;
    EXPECT_EQ(
        settle(split_route(500), state),
        (std::vector<std::string>{
            "add map /f/backends.map b000 n/canary:80", "add map /f/backends.map b001 n/stable:80",
            "add server b000/hb_10.0.0.2_80 10.0.0.2:80",
            "set server b000/hb_10.0.0.2_80 state ready",
            "add server b001/ha_10.0.0.1_80 10.0.0.1:80",
            "set server b001/ha_10.0.0.1_80 state ready",
            "add map /f/prefix.map a.test/ 500:b000:10000:b001", "add map /f/exact.map ready 1"}));
}

TEST(IngressPlan, AWeightIsOneCommand) {
    ProxyState state;
    settle(split_route(500), state);
    EXPECT_EQ(settle(split_route(2000), state),
              (std::vector<std::string>{"set map /f/prefix.map a.test/ 2000:b000:10000:b001"}));
    EXPECT_TRUE(settle(split_route(2000), state).empty());
}

TEST(IngressPlan, NobodyIsLostWhileBackendsSwapAndGo) {
    ProxyState state;
    settle(split_route(5000), state);
    Desired promoted = split_route(0);
    promoted.backends = {{"n/canary:80", {b}}, {"n/stable:80", {b}}};
    settle(promoted, state);
    Desired next = split_route(10000);
    next.backends = {{"n/canary:80", {c}}, {"n/stable:80", {a, b}}};
    settle(next, state);
    Desired moved{.prefix = {{"a.test/", {{"n/other:80", whole_share}}}},
                  .backends = {{"n/other:80", {c}}}};
    settle(moved, state);
    EXPECT_EQ(state.backends.size(), 1u);  // the others gave their slots back
    EXPECT_EQ(state.backends.begin()->second, "n/other:80");
    settle({}, state);
    EXPECT_TRUE(state.backends.empty());
    EXPECT_TRUE(state.prefix.empty());
}

TEST(IngressPlan, AServerWithARequestUnderWayStays) {
    ProxyState state;
    settle(split_route(0), state);
    Desired without = split_route(0);
    without.backends["n/canary:80"] = {};
    ASSERT_EQ(diff(without, state, folder, 8).commands.at(0).text,
              "set server b000/hb_10.0.0.2_80 state drain");
    play(state, "set server b000/hb_10.0.0.2_80 state drain");
    state.servers["b000"]["hb_10.0.0.2_80"].connections = 1;
    Plan waiting = diff(without, state, folder, 8);
    EXPECT_TRUE(waiting.commands.empty());
    EXPECT_TRUE(waiting.draining);
    // It comes back: no new server, no lost one.
    EXPECT_EQ(settle(split_route(0), state),
              (std::vector<std::string>{"set server b000/hb_10.0.0.2_80 state ready"}));
}

TEST(IngressPlan, TooManyBackendsAreSaidAndOldSharesStay) {
    Desired many;
    ProxyState state;
    for (int i = 0; i < 8; ++i) {
        many.backends[concat("n/s", i, ":80")] = {a};
        many.prefix[concat("s", i, ".test/")] = {{concat("n/s", i, ":80"), whole_share}};
    }
    settle(many, state);
    const ProxyState before = state;
    many.backends["n/z:80"] = {b};
    many.prefix["s0.test/"] = {{"n/z:80", whole_share}};
    const Plan plan = diff(many, state, folder, 8);
    EXPECT_EQ(plan.problems,
              (std::vector<std::string>{"no spare backend left for n/z:80: all 8 are in use"}));
    EXPECT_TRUE(plan.commands.empty());
    EXPECT_EQ(state, before);
}

TEST(IngressPlan, ARestartedProxyGetsEverythingAgain) {
    ProxyState state;
    settle(split_route(500), state);
    ProxyState restarted;
    settle(split_route(500), restarted);
    EXPECT_EQ(restarted, state);
}

TEST(RuntimeSocket, RepliesAreReadAsHaproxyWritesThem) {
    EXPECT_EQ(
        parse_map("0x56 a.test/ 0:b001:10000:b000\n0x57 ready 1"),
        (std::map<std::string, std::string>{{"a.test/", "0:b001:10000:b000"}, {"ready", "1"}}));
    ProxyState state;
    parse_servers_state(
        "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state\n"
        "3 b000 1 h_10.0.0.1_80 10.0.0.1 2 0 1\n3 b000 2 h_10.0.0.2_80 10.0.0.2 2 8 1\n"
        "4 b001 1 h_10.0.0.3_80 10.0.0.3 0 1 1",
        state);
    parse_servers_conn(
        "# bkname/svname bkid/svid addr port - purge_delay used_cur used_max\n"
        "b000/h_10.0.0.2_80 3/2 10.0.0.2 80 - 0 7 9",
        state);
    EXPECT_EQ(state.servers["b000"]["h_10.0.0.1_80"], (ServerState{ServerState::Admin::Ready, 0}));
    EXPECT_EQ(state.servers["b000"]["h_10.0.0.2_80"], (ServerState{ServerState::Admin::Drain, 7}));
    EXPECT_EQ(state.servers["b001"]["h_10.0.0.3_80"],
              (ServerState{ServerState::Admin::Maintenance, 0}));
    EXPECT_EQ(info_field("Name: HAProxy\nPid: 12\ndescription: sluice-1", "Pid"), "12");
    EXPECT_TRUE(
        RuntimeSocket("/nowhere/sock").ask("show info").failed_with(ErrorKind::Unavailable));
}

TEST(IngressConfig, ItsDescriptionTellsConfigurationsApart) {
    const ProxyConfig one{"/f", "127.0.0.1", 8080, 9000, 4};
    ProxyConfig other = one;
    other.listen_port = 8081;
    EXPECT_NE(config_description(one), config_description(other));
    EXPECT_NE(config_text(one).find(config_description(one)), std::string::npos);
    EXPECT_NE(config_text(one).find("backend b003\n"), std::string::npos);
    EXPECT_EQ(config_text(one).find("backend b004\n"), std::string::npos);
}

TEST(IngressMetrics, LinesOfTheLogBecomeCountersAndHistograms) {
    RequestMetrics metrics;
    metrics.set_backends({{"b000", "shop/web:80#canary"}});
    const TimePoint now{};
    for (const char* line :
         {"req b000 h1_10.0.0.1_80 200 3 -\n", "req b000 h1_10.0.0.1_80 500 20000 -",
          "req b000 <NOSRV> 503 0 -", "req ingress <NOSRV> -1 0 -"})
        metrics.count(*parse_log_line(line), now);
    EXPECT_EQ(parse_log_line("Server b000/x is DOWN"), std::nullopt);
    const std::string text = metrics.text();
    const std::string h1 = R"({namespace="shop",service="web",rollouts_pod_template_hash="h1")";
    for (const auto& line :
         {concat("sluice_ingress_requests_total", h1, ",code=\"200\"} 1\n"),
          concat("sluice_ingress_requests_total", h1, ",code=\"500\"} 1\n"),
          std::string(
              R"({namespace="shop",service="web",rollouts_pod_template_hash="",code="503"} 1)"),
          std::string(
              R"({namespace="",service="",rollouts_pod_template_hash="",code="aborted"} 1)"),
          concat("sluice_ingress_request_duration_seconds_bucket", h1, ",le=\"0.002\"} 0\n"),
          concat("sluice_ingress_request_duration_seconds_bucket", h1, ",le=\"0.005\"} 1\n"),
          concat("sluice_ingress_request_duration_seconds_bucket", h1, ",le=\"10\"} 1\n"),
          concat("sluice_ingress_request_duration_seconds_bucket", h1, ",le=\"+Inf\"} 2\n"),
          concat("sluice_ingress_request_duration_seconds_sum", h1, "} 20.003\n")})
        EXPECT_NE(text.find(line), std::string::npos) << line << "\nin\n" << text;
    metrics.forget_older_than(now + std::chrono::seconds{1});
    EXPECT_EQ(metrics.text().find("h1"), std::string::npos);
}

}  // namespace
}  // namespace plan_test
}  // namespace sluice::standalone::ingress
