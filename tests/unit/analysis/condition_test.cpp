// SPDX-License-Identifier: Apache-2.0
#include "analysis/conditions/condition.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/json.hpp"

namespace sluice::analysis {
namespace {

using crds::AnalysisPhase;

struct Row {
    const char* condition;
    const char* expected;  // what it yields as text, or the error's text after "!"
};

std::string outcome(std::string_view condition, const Value& result) {
    const auto value = evaluate_expression(condition, {result, TimePoint{std::chrono::hours{10}}});
    return value.ok() ? to_text(*value) : "!" + value.error().message;
}

TEST(Condition, ComputesAsExprLangDoes) {
    const Row rows[] = {
        {"1 + 2 * 3", "7"},
        {"7 / 2", "3.5"},
        {"7 % 4", "3"},
        {"1 % 0", "!column 3: runtime error: integer divide by zero"},
        {"2 ** 3 ** 2", "512"},
        {"-2 ** 2", "-4"},
        {"1 / 0 > 1e300", "true"},
        {"'a' + \"b\" == `ab`", "true"},
        {"'b' > 'a' and not (1 > 2)", "true"},
        {"!true || false", "false"},
        {"1 < 2 < 3", "true"},
        {"3 > 2 > 2", "false"},
        {"1 == 1.0", "true"},
        {"1 == '1'", "!column 3: invalid operation: == (mismatched types int and string)"},
        {"nil == nil", "true"},
        {"true ? 1 : 2", "1"},
        {"nil ?? 5", "5"},
        {"2 in [1, 2]", "true"},
        {"2 not in [1, 2]", "false"},
        {"not (2 in 1..3)", "false"},
        {"'k' in {k: 1}", "true"},
        {"'hello' startsWith 'he' and 'hello' contains 'll'", "true"},
        {"all(1..3, # > 0)", "true"},
        {"any([1, 2], {# == 2})", "true"},
        {"none([1, 2], # > 2)", "true"},
        {"one([1, 2], # > 1)", "true"},
        {"len(filter([1, 2, 3], # % 2 == 1))", "2"},
        {"count([true, false, true])", "2"},
        {"map(1..3, # * 2)", "[2 4 6]"},
        {"filter([{a: 1}, {a: 2}], .a > 1)", "[map[a:2]]"},
        {"sum([1, 2]) == 3 && mean([1, 2]) == 1.5 && max(1, 5, 2) == 5", "true"},
        {"[1, 2, 3][-1]", "3"},
        {"[1, 2, 3][1:]", "[2 3]"},
        {"[1][5]", "!column 4: index out of range: 5 (array length is 1)"},
        {"{a: {b: 2}}.a.b", "2"},
        {"{a: 1}.b", "<nil>"},
        {"{a: 1}.b.c", "!column 10: cannot fetch c from nil"},
        {"{a: 1}.b?.c", "<nil>"},
        {"[1, 2] | len()", "2"},
        {"len('häh')", "3"},
        {"asInt('12') + 1", "13"},
        {"asFloat('0.5')", "0.5"},
        {"asInt('x')", "!column 1: strconv.ParseInt: parsing \"x\": invalid syntax"},
        {"now() - duration('1h')", "1970-01-01T09:00:00Z"},
        {"1_000 + 0x10 /* c */ // d", "1016"},
        {"", "!column 1: unexpected token EOF"},
        {"1 +", "!column 4: unexpected token EOF"},
        {"(1", "!column 3: unexpected token EOF"},
        {"1 1", "!column 3: unexpected token \"1\""},
        {"result2 > 1", "!column 1: unknown name result2"},
        {"foo(1)", "!column 1: unknown name foo"},
        {"'a", "!column 1: literal not terminated"},
        {"1 @ 2", "!column 3: unrecognized character @"},
        {"true && 1", "!column 6: invalid operation: && (mismatched type int, expected bool)"},
        {"# > 1", "!column 1: unexpected token \"#\""},
    };
    for (const auto& row : rows)
        EXPECT_EQ(outcome(row.condition, {}), row.expected) << row.condition;
}

TEST(Condition, ReadsWhatPrometheusGives) {
    const Value vector = floats({0.98, 0.5});
    EXPECT_EQ(outcome("result[0] >= 0.95", vector), "true");
    EXPECT_EQ(outcome("len(result) == 2 && all(result, # > 0.4)", vector), "true");
    EXPECT_EQ(outcome("result[2] > 1", vector),
              "!column 7: index out of range: 2 (array length is 2)");
    EXPECT_EQ(outcome("result > 0.9", vector),
              "!column 8: invalid operation: > (mismatched types []float64 and float64)");
    EXPECT_EQ(outcome("result[0] != 'x'", vector),
              "!column 11: invalid operation: != (mismatched types float64 and string)");
    EXPECT_EQ(outcome("isNaN(result) || result < 1", Value{std::nan("")}), "true");
    EXPECT_EQ(outcome("result < 1", Value{std::nan("")}), "false");
    EXPECT_EQ(outcome("isInf(result)", Value{HUGE_VAL}), "true");
    EXPECT_EQ(outcome("default(result, 0) < 0.05", Value{}), "true");
    EXPECT_EQ(outcome("isNil(result)", Value{}), "true");
    EXPECT_EQ(outcome("len(result) == 0 || result[0] > 0.95", floats({})), "true");
}

TEST(Condition, ReadsDocumentsWithoutKnowingTheirTypes) {
    const Value result = value_of(*parse_json(R"({"ok": true, "code": 200, "items": [{"n": 1}]})"));
    EXPECT_EQ(outcome("result.ok && result.code == 200", result), "true");
    EXPECT_EQ(outcome("result.code == 'ok' || result['items'][0].n == 1", result), "true");
    EXPECT_EQ(outcome("asInt(result.code) % 100 == 0", result), "true");
}

struct Truth {
    const char* success;
    const char* failure;
    AnalysisPhase expected;
};

TEST(Condition, FollowsTheTruthTable) {
    const Truth rows[] = {{"", "", AnalysisPhase::Successful},
                          {"true", "", AnalysisPhase::Successful},
                          {"false", "", AnalysisPhase::Failed},
                          {"", "true", AnalysisPhase::Failed},
                          {"", "false", AnalysisPhase::Successful},
                          {"true", "true", AnalysisPhase::Failed},
                          {"true", "false", AnalysisPhase::Successful},
                          {"false", "true", AnalysisPhase::Failed},
                          {"false", "false", AnalysisPhase::Inconclusive}};
    for (const auto& row : rows) {
        const auto phase = assess({}, row.success, row.failure);
        ASSERT_TRUE(phase.ok());
        EXPECT_EQ(*phase, row.expected) << row.success << " / " << row.failure;
    }
}

TEST(Condition, SaysWhyItCannotBeEvaluated) {
    EXPECT_EQ(assess(Value{0.5}, "result", "").error().message,
              "could not evaluate successCondition \"result\": expected bool, but got float64");
    EXPECT_EQ(assess(floats({}), "true", "result[0] > 1").error().message,
              "could not evaluate failureCondition \"result[0] > 1\": metric result is nil or "
              "empty: no data returned from the metric provider");
}

TEST(Condition, RefusesWhatWouldTakeTooMuch) {
    EXPECT_FALSE(evaluate(std::string(100'000, '('), {}).ok());
    EXPECT_FALSE(evaluate(std::string(10'000, '('), {}).ok());
    EXPECT_FALSE(evaluate(std::string(10'000, '-') + "1", {}).ok());
    std::string chain = "1";
    for (int i = 0; i < 5000; ++i) chain += "+1";
    EXPECT_FALSE(evaluate(chain, {}).ok());
    EXPECT_EQ(outcome("1..100000000", {}), "!column 2: memory budget exceeded");
    EXPECT_EQ(outcome("all(1..9999, all(1..9999, # > 0))", {}),
              "!column 29: the condition takes too many steps");
}

TEST(Condition, SurvivesEveryCutAndEveryByteOfAConditionInUse) {
    const std::string whole =
        "len(result) > 0 && all(result, {# >= 0.95 and not isNaN(#)}) ? result[0] in 0..1 : "
        "a?.b['c']";
    for (size_t cut = 0; cut <= whole.size(); ++cut) {
        (void)evaluate(whole.substr(0, cut), floats({1}));
        (void)evaluate(whole.substr(cut), floats({1}));
        std::string bent = whole;
        for (const char c : std::string_view("()[]{}.?:#'\"\\0|\0", 17)) {
            if (cut < bent.size()) bent[cut] = c;
            (void)evaluate(bent, floats({1}));
        }
    }
}

TEST(Condition, FormatsFloatsAsGoDoes) {
    EXPECT_EQ(format_float(0.98), "0.98");
    EXPECT_EQ(format_float(1), "1");
    EXPECT_EQ(format_float(1e-7), "0.0000001");
    EXPECT_EQ(format_float(1e23), "100000000000000000000000");
    EXPECT_EQ(format_float(-123.456), "-123.456");
    EXPECT_EQ(format_float(std::nan("")), "NaN");
    EXPECT_EQ(format_float(HUGE_VAL), "+Inf");
    EXPECT_EQ(format_float(0), "0");
}

TEST(Condition, TimeExpressionsYieldTimes) {
    const TimePoint now{std::chrono::hours{2}};
    EXPECT_EQ(*evaluate_time("now()", now), now);
    EXPECT_EQ(*evaluate_time("now() - duration('90m')", now), TimePoint{std::chrono::minutes{30}});
    EXPECT_EQ(evaluate_time("5", now).error().message, "expected time.Time, but got int");
}

}  // namespace
}  // namespace sluice::analysis
