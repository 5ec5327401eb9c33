// SPDX-License-Identifier: Apache-2.0
// What each provider asks, what it refuses to ask, and what conditions see of its replies.
#include "tests/unit/analysis/provider_asked.hpp"

namespace sluice::analysis::provider_test {
namespace {

TEST(WebProvider, AsksAsItIsTold) {
    const auto get = asked("web", R"({"url": "http://x/y", "timeoutSeconds": 3, "insecure": true,
        "headers": [{"key": "Authorization", "value": "Bearer t"}]})");
    EXPECT_EQ(get.request.method, "GET");
    EXPECT_EQ(get.request.url, "http://x/y");
    EXPECT_EQ(get.request.deadline, Duration{std::chrono::seconds{3}});
    EXPECT_TRUE(get.insecure);
    EXPECT_EQ(header_of(get, "authorization"), "Bearer t");
    const auto post =
        asked("web", R"({"url": "http://x", "method": "POST", "jsonBody": {"a": 1}})");
    EXPECT_EQ(post.request.body, R"({"a":1})");
    EXPECT_EQ(header_of(post, "Content-Type"), "application/json");
    EXPECT_EQ(post.request.deadline, Duration{std::chrono::seconds{10}});
    EXPECT_EQ(asked("web", R"({"url": "http://x", "method": "PUT", "body": "b"})").request.body,
              "b");
}

TEST(WebProvider, RefusesWhatContradictsItself) {
    EXPECT_EQ(
        refused("web", R"({"url": "http://x", "method": "POST", "body": "b", "jsonBody": {}})"),
        "use either Body or JSONBody; both cannot exists for WebMetric payload");
    EXPECT_EQ(refused("web", R"({"url": "http://x", "body": "b"})"),
              "Body/JSONBody can only be used with POST or PUT WebMetric Method types");
    EXPECT_EQ(refused("web", R"({"method": "DELETE", "url": "http://x"})"),
              "web method must be GET, POST or PUT, found \"DELETE\"");
    EXPECT_EQ(
        refused("web", R"({"url": "http://x", "headers": [{"key": "a", "value": "b\r\nc: d"}]})"),
        "header \"a\" holds a line break or a colon");
    EXPECT_EQ(refused("web", R"({"url": "u", "authentication": {"oauth2": {"tokenUrl": "t"}}})"),
              "missing mandatory parameter in metric for OAuth2 setup");
    EXPECT_EQ(refused("web", "{}"), "web metric has no url");
}

TEST(WebProvider, ReadsWhatThePathSelects) {
    const auto metric = metric_of("web", R"({"url": "http://x", "jsonPath": "{$.data}"})");
    EXPECT_EQ(read(metric, R"({"data": {"ok": true, "count": 2.0, "rate": 0.25}})"),
              R"({"count":2,"ok":true,"rate":0.25})");
    EXPECT_TRUE(holds(metric, R"({"data": {"ok": true, "n": 7}})", "result.ok && result.n == 7"));
    EXPECT_TRUE(holds(metric, R"({"data": [1, 2]})", "len(result) == 2 && result[1] == 2"));
    EXPECT_TRUE(holds(metric, R"({"data": "NaN"})", "isNaN(asFloat(result))"));
    EXPECT_TRUE(holds(metric, R"({"data": null})", "isNil(result)"));
    EXPECT_EQ(read(metric, R"({"other": 1})"),
              "!Could not find JSONPath in body: data is not found");
    const auto whole = metric_of("web", R"({"url": "http://x"})");
    EXPECT_EQ(read(whole, "12"), "12");
    EXPECT_TRUE(holds(whole, "all is well", "result contains 'well'"));
}

TEST(GraphiteProvider, AsksForWhatIsRendered) {
    const auto query = asked("graphite", R"j({"address": "http://g/", "query":
        "target=summarize(carbon.agents.*.errors, '5min')\n&from=-5min"})j");
    EXPECT_EQ(query.request.url,
              "http://g/render?target=summarize(carbon.agents.*.errors,'5min')&from=-5min"
              "&format=json");
    EXPECT_EQ(refused("graphite", "{}"), "graphite address is not configured");
    EXPECT_EQ(refused("graphite", R"({"address": "http://g"})"), "graphite query is empty");
}

TEST(GraphiteProvider, LeavesOutPointsWithoutAValue) {
    const auto metric = metric_of("graphite", R"({"address": "http://g", "query": "target=x"})");
    EXPECT_EQ(read(metric, R"([{"target": "x", "datapoints":
        [[0.5, 1734000000], [null, 1734000060], ["NaN", 1734000120], [2, 1734000180]]}])"),
              "[0.5,NaN,2]");
    EXPECT_EQ(read(metric, R"([{"target": "x", "datapoints": [[null, 1]]}])"), "[]");
    EXPECT_EQ(read(metric, R"([{"datapoints": [[1]]}])"), "!error unmarshaling data point: [1]");
}

const Credentials datadog_keys{{"api-key", "a"}, {"app-key", "b\n"}};

TEST(DatadogProvider, AsksBothVersions) {
    const auto v1 = asked("datadog", R"({"query": "avg:m{a:b}", "interval": "10m"})", datadog_keys);
    EXPECT_EQ(v1.request.method, "GET");
    EXPECT_EQ(v1.request.url,
              "https://api.datadoghq.com/api/v1/query?from=1795175400&query=avg%3Am%7Ba%3Ab%7D&to="
              "1795176000");
    EXPECT_EQ(header_of(v1, "DD-API-KEY"), "a");
    EXPECT_EQ(header_of(v1, "DD-APPLICATION-KEY"), "b");
    auto eu = datadog_keys;
    eu["address"] = "https://api.datadoghq.eu/";
    const auto v2 = asked("datadog", R"({"apiVersion": "v2", "queries": {"q1": "x", "q2": "y"},
        "formula": "q1 / q2", "aggregator": "sum", "requestTimeout": "20s"})",
                          eu);
    EXPECT_EQ(v2.request.method, "POST");
    EXPECT_EQ(v2.request.url, "https://api.datadoghq.eu/api/v2/query/scalar");
    EXPECT_EQ(v2.request.deadline, Duration{std::chrono::seconds{20}});
    const Json body = Json::parse(v2.request.body)["data"];
    EXPECT_EQ(body["type"], "scalar_request");
    EXPECT_EQ(body["attributes"]["from"], 1795175700000);
    EXPECT_EQ(body["attributes"]["to"], 1795176000000);
    EXPECT_EQ(body["attributes"]["formulas"], Json::parse(R"([{"formula": "q1 / q2"}])"));
    EXPECT_EQ(
        body["attributes"]["queries"][1],
        Json::parse(
            R"({"aggregator": "sum", "data_source": "metrics", "name": "q2", "query": "y"})"));
}

TEST(DatadogProvider, RefusesWhatContradictsItself) {
    EXPECT_EQ(refused("datadog", R"({"query": "x"})"),
              "failed to find the credentials for datadog metrics provider");
    const auto why = [](const char* config) { return refused("datadog", config, datadog_keys); };
    EXPECT_EQ(why("{}"),
              "Must have either a query or queries. Please review the Analysis Template.");
    EXPECT_EQ(why(R"({"query": "x", "queries": {"a": "b"}})"),
              "Cannot have both a query and queries. Please review the Analysis Template.");
    EXPECT_EQ(why(R"({"queries": {"a": "b"}})"),
              "Query is empty. API Version v1 only supports using the query parameter in your "
              "Analysis Template.");
    EXPECT_EQ(why(R"({"apiVersion": "v2", "query": "x", "formula": "f"})"),
              "Formula are only valid when queries are set. Please review the Analysis Template.");
    EXPECT_EQ(why(R"({"apiVersion": "v2", "queries": {"a": "b", "c": "d"}})"),
              "When multiple queries are provided you must include a formula.");
    EXPECT_EQ(why(R"({"query": "x", "aggregator": "sum"})"),
              "Aggregator is not supported in v1. Please review the Analysis Template.");
    EXPECT_EQ(why(R"({"query": "x", "requestTimeout": "0s"})"),
              "Request timeout must be a positive duration (e.g. 30s). Please review the Analysis "
              "Template.");
}

TEST(DatadogProvider, TakesTheSecretThatTheMetricNames) {
    EXPECT_EQ(credentials_of(metric_of("datadog", "{}")),
              (CredentialsRef{"datadog", false, "datadog"}));
    EXPECT_EQ(
        credentials_of(metric_of("datadog", R"({"secretRef": {"name": "s", "namespaced": true}})")),
        (CredentialsRef{"s", true, ""}));
}

TEST(DatadogProvider, TakesTheNewestPoint) {
    const auto metric = metric_of("datadog", R"({"query": "x"})");
    EXPECT_EQ(read(metric, R"({"series": [{"pointlist": [[1, 0.1], [2, 0.25]]}]})"), "0.25");
    EXPECT_TRUE(holds(metric, R"({"series": []})", "isNil(result) && default(result, 0) < 0.05"));
    EXPECT_EQ(read(metric, R"({"series": [{"pointlist": [[1]]}]})"),
              "!Datapoint does not have 2 values");
}

TEST(DatadogProvider, ListsTheGroupsOfAScalarQuery) {
    const auto metric = metric_of("datadog", R"({"apiVersion": "v2", "query": "x"})");
    const char* grouped = R"({"data": {"attributes": {"columns": [
        {"name": "host", "type": "group", "values": [["a"], ["b"], ["c"]]},
        {"name": "query", "type": "number", "values": [1, null, 3]}]}}})";
    EXPECT_EQ(read(metric, grouped), "[1,3]");
    EXPECT_EQ(parse_reading(metric, {200, {}, grouped})->metadata.at("groups"),
              R"([{"name":"a","value":1},{"name":"c","value":3}])");
    EXPECT_EQ(read(metric, R"({"data": {"attributes": {"columns": [
        {"name": "q", "type": "number", "values": ["NaN"]}]}}})"),
              "!could not parse numeric value \"\"NaN\"\" in column \"q\"");
    EXPECT_EQ(read(metric, R"({"data": {"errors": "bad query"}})"),
              "!There were errors in your query: bad query");
}

const Credentials new_relic_keys{{"personal-api-key", "k"}, {"account-id", "42"}, {"region", "EU"}};

TEST(NewRelicProvider, AsksNerdGraphOfTheRegion) {
    const auto query =
        asked("newRelic", R"j({"query": "SELECT count(*)", "timeout": 10})j", new_relic_keys);
    EXPECT_EQ(query.request.url, "https://api.eu.newrelic.com/graphql");
    EXPECT_EQ(header_of(query, "API-Key"), "k");
    EXPECT_EQ(Json::parse(query.request.body)["variables"],
              Json::parse(R"j({"accountId": 42, "query": "SELECT count(*)", "timeout": 10})j"));
    EXPECT_GT(query.request.deadline, Duration{std::chrono::seconds{10}});
    EXPECT_EQ(refused("newRelic", R"({"query": "q"})"), "account ID or personal API key not found");
    EXPECT_EQ(refused("newRelic", "{}", {{"personal-api-key", "k"}, {"account-id", "x"}}),
              "could not parse account ID");
    EXPECT_EQ(refused("newRelic", R"({"timeout": -1})", new_relic_keys),
              "timeout value needs to be a positive value");
    EXPECT_EQ(credentials_of(metric_of("newRelic", R"({"profile": "p"})"))->secret, "p");
}

TEST(NewRelicProvider, GivesOneRowAsAMapAndMoreAsAList) {
    const auto metric = metric_of("newRelic", R"({"query": "q"})");
    const auto reply = [](const char* rows) {
        return concat(R"({"data": {"actor": {"account": {"nrql": {"results": )", rows, "}}}}}");
    };
    EXPECT_TRUE(holds(metric, reply(R"([{"count": 5}])"), "result.count == 5"));
    EXPECT_TRUE(holds(metric, reply(R"([{"a": 1}, {"a": 2}])"), "all(result, .a > 0)"));
    EXPECT_TRUE(holds(metric, reply(R"([{"rate": null}])"), "result.rate == nil"));
    EXPECT_EQ(read(metric, R"({"errors": [{"message": "NRQL Syntax Error"}]})"),
              "!NRQL Syntax Error");
}

TEST(WavefrontProvider, AsksForThisMoment) {
    const auto query = asked("wavefront", R"j({"address": "x.wavefront.com", "query": "ts(a)"})j",
                             {{"x.wavefront.com", "t"}});
    EXPECT_EQ(query.request.url,
              "https://x.wavefront.com/api/v2/chart/api?q=ts%28a%29&s=1795176000000&e=1795176000000"
              "&g=s&p=1&i=true");
    EXPECT_EQ(header_of(query, "Authorization"), "Bearer t");
    EXPECT_EQ(refused("wavefront", R"({"address": "y"})", {{"x", "t"}}), "API token not found");
}

TEST(WavefrontProvider, GivesEachSeriesLastValue) {
    const auto metric = metric_of("wavefront", R"({"address": "x"})");
    const char* two =
        R"({"timeseries": [{"data": [[1, 7]]}, {"data": [[2, 8]]}], "warnings": "w"})";
    EXPECT_EQ(read(metric, two), "[7,8]");
    EXPECT_EQ(parse_reading(metric, {200, {}, two})->metadata,
              (crds::TextMap{{"timestamps", "[1,2]"}, {"warnings", "w"}}));
    EXPECT_EQ(read(metric, R"({"errorMessage": "bad ts"})"), "!bad ts");
}

TEST(InfluxdbProvider, AsksInFlux) {
    const auto query = asked("influxdb", R"j({"query": "from(bucket: \"b\")"})j",
                             {{"authToken", "t"}, {"org", "my org"}, {"address", "http://i/"}});
    EXPECT_EQ(query.request.url, "http://i/api/v2/query?org=my%20org");
    EXPECT_EQ(header_of(query, "Authorization"), "Token t");
    EXPECT_EQ(Json::parse(query.request.body)["query"], "from(bucket: \"b\")");
    EXPECT_EQ(refused("influxdb", "{}", {{"org", "o"}}), "authToken, org, or address not found");
    EXPECT_EQ(credentials_of(metric_of("influxdb", R"({"profile": "p"})"))->secret, "p");
}

TEST(InfluxdbProvider, ReadsEveryTablesValues) {
    const auto metric = metric_of("influxdb", R"({"query": "q"})");
    const char* tables =
        "#datatype,string,long,double,string\r\n#group,false,false,false,true\r\n"
        "#default,_result,,,\r\n,result,table,_value,host\r\n"
        ",,0,0.5,\"a,\"\"b\"\"\"\r\n,,0,NaN,a\r\n,,0,,a\r\n"
        "\r\n"
        "#datatype,string,long,long\r\n#group,false,false,false\r\n#default,_result,,\r\n"
        ",result,table,_value\r\n,,1,7\r\n";
    EXPECT_EQ(read(metric, tables), "[0.5 NaN <nil> 7]");
    EXPECT_TRUE(holds(metric, tables, "result[0] == 0.5 && isNaN(result[1]) && result[3] == 7"));
    EXPECT_EQ(read(metric, "#datatype,string,string\r\n,error,reference\r\n,too slow,897\r\n"),
              "!too slow");
    EXPECT_EQ(read(metric, "#datatype,string,long,double\r\n,result,table,_value\r\n,,0,1e"),
              "!a value of type double is \"1e\"");
    EXPECT_EQ(read(metric, {401, {}, R"({"code": "unauthorized", "message": "no access"})"}),
              "!influxdb answered 401: no access");
}

TEST(SkywalkingProvider, AsksByTheMinute) {
    const auto query =
        asked("skywalking", R"({"address": "http://s", "query": "query q($duration: Duration!) {}",
        "interval": "3m"})");
    EXPECT_EQ(query.request.url, "http://s/graphql");
    EXPECT_EQ(
        Json::parse(query.request.body)["variables"]["duration"],
        Json::parse(R"({"start": "2026-11-20 1157", "end": "2026-11-20 1200", "step": "MINUTE"})"));
    EXPECT_EQ(refused("skywalking", "{}"), "skywalking address is not configured");
}

TEST(SkywalkingProvider, GivesTheDataAsItIs) {
    const auto metric = metric_of("skywalking", R"({"address": "http://s"})");
    const char* good =
        R"({"data": {"service_apdex": {"label": null, "values": {"values": [{"value": 9900}]}}}})";
    EXPECT_TRUE(
        holds(metric, good, "all(result.service_apdex.values.values, {asFloat(.value) >= 9900})"));
    EXPECT_EQ(read(metric, R"({"errors": [{"message": "no such metric"}]})"),
              "!graphql: no such metric");
}

TEST(Providers, ThatAreNotServedSaySo) {
    for (const char* name : {"job", "plugin someone/else"})
        EXPECT_EQ(refused(name, "{}"), concat("provider ", name, " is not served yet"));
    crds::Metric metric = metric_of("web", "{}");
    metric.providers.push_back(metric.providers.front());
    EXPECT_EQ(build_query(metric, {}, noon).error().message, "multiple providers specified");
    metric.providers.clear();
    EXPECT_EQ(build_query(metric, {}, noon).error().message, "no provider specified");
}

}  // namespace
}  // namespace sluice::analysis::provider_test
