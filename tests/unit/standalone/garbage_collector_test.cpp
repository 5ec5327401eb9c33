// SPDX-License-Identifier: Apache-2.0
#include "standalone/workloads/garbage_collector.hpp"

#include <gtest/gtest.h>

#include "standalone/apiserver/in_process_transport.hpp"
#include "tests/support/cluster.hpp"
#include "tests/unit/standalone/support.hpp"

namespace sluice::standalone::workloads {
namespace {

using apiserver::testing::pods_url;
using apiserver::testing::TestServer;

Json pod_of_a_set(const std::string& name, const std::string& owner_uid) {
    Json document = apiserver::testing::pod(name);
    document["metadata"]["ownerReferences"] = Json::array({{{"apiVersion", "apps/v1"},
                                                            {"kind", "ReplicaSet"},
                                                            {"name", "web"},
                                                            {"uid", owner_uid},
                                                            {"controller", true}}});
    return document;
}

TEST(GarbageCollector, AnOrphanOfWhichItKnowsAnOlderStateStays) {
    TestServer server;
    apiserver::InProcessTransport transport(server.handler, server.clock);
    const kube::Client client(transport, "test");
    GarbageCollector collector(client, server.clock, server.log);
    auto sets = collector.sink(resources::replica_sets);
    auto pods = collector.sink(resources::pods);
    // As the watches told it: both pods belong to a ReplicaSet, which has gone since.
    sets.on_list_begin();
    sets.on_list_end();
    pods.on_list_begin();
    const Json orphan = server.post(pods_url, pod_of_a_set("a-orphan", "gone")).body;
    const Json garbage = server.post(pods_url, pod_of_a_set("b-garbage", "gone")).body;
    pods.on_item(orphan);
    pods.on_item(garbage);
    pods.on_list_end();
    // As it is: one of them was let go before.
    server.merge(pods_url + "/a-orphan", {{"metadata", {{"ownerReferences", nullptr}}}});
    collector.start();
    // They are looked at one after the other, in this order.
    ASSERT_TRUE(test::eventually([&] { return server.get(pods_url + "/b-garbage").status == 404; },
                                 std::chrono::seconds{30}));
    EXPECT_EQ(server.get(pods_url + "/a-orphan").status, 200);
}

}  // namespace
}  // namespace sluice::standalone::workloads
