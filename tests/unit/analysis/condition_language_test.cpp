// SPDX-License-Identifier: Apache-2.0
// The rest of the language: what conditions rarely use, and what nobody may use it for.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "analysis/conditions/condition.hpp"
#include "base/json.hpp"

namespace sluice::analysis {
namespace language_test {

struct Row {
    const char* condition;
    const char* expected;  // what it yields as text, or the error's text after "!"
};

std::string outcome(std::string_view condition, const Value& result = {}) {
    const auto value = evaluate_expression(condition, {result, TimePoint{std::chrono::hours{10}}});
    return value.ok() ? to_text(*value) : "!" + value.error().message;
}

void expect_rows(const std::vector<Row>& rows) {
    for (const auto& row : rows) EXPECT_EQ(outcome(row.condition), row.expected) << row.condition;
}

TEST(ConditionLanguage, KnowsVariablesSequencesAndChoices) {
    expect_rows({{"let x = 42; x * 2", "84"},
                 {"let x = 1; let y = x + 1; [x, y]", "[1 2]"},
                 {"let x = 1; x; x + 1", "2"},
                 {"1; 2; 3", "3"},
                 {"1;", "1"},
                 {"(let x = 2; x) + 1", "3"},
                 {"let x = 1; let x = 2; x", "!column 16: cannot redeclare variable x"},
                 {"let result = 1; 2", "!column 5: cannot redeclare result"},
                 {"let len = 1; 2", "!column 5: cannot redeclare builtin len"},
                 {"let 1 = 2; 3", "!column 5: unexpected token \"1\""},
                 {"let x = 2", "!column 10: unexpected token EOF"},
                 {"if true { 1 } else { 2 }", "1"},
                 {"if false { 1 } else if 1 > 2 { 2 } else { let y = 3; y }", "3"},
                 {"if 1 { 2 } else { 3 }",
                  "!column 1: invalid operation: if (mismatched type int, expected bool)"},
                 {"if true { 1 }", "!column 14: unexpected token EOF"},
                 {"filter([1, 2, 3], {let n = #; any([2, 3], # == n)})", "[2 3]"},
                 {"$env.result == nil and 'result' in $env and 'x' not in $env", "true"}});
}

TEST(ConditionLanguage, MatchesPatternsAsGoDoes) {
    expect_rows({{"'success-rate' matches '^success.*e$'", "true"},
                 {"'a' matches 'b'", "false"},
                 {"'a' not matches 'b'", "true"},
                 {"nil matches 'b'", "false"},
                 {"1 not == 2", "!column 7: unexpected token \"==\""},
                 {"1 matches 'b'",
                  "!column 3: invalid operation: matches (mismatched types int and string)"},
                 {"'a' matches '('", "!column 5: error parsing regexp: missing closing ): `(`"},
                 {"filter(['ab', 'b', 'ac'], # matches '^a')", "[ab ac]"}});
}

TEST(ConditionLanguage, CombinesNilAndOptionalChains) {
    expect_rows({{"{a: nil}.a?.b.c ?? 'none'", "none"},
                 {"{a: {b: 1}}?.a?.b", "1"},
                 {"[nil, 2][0] ?? 7", "7"},
                 {"nil ?? nil ?? 3", "3"},
                 {"1 + nil ?? 3", "4"},
                 {"nil ?? 1 + 2",
                  "!column 10: operator (+) and coalesce expressions (?"
                  "?) cannot be mixed: wrap "
                  "either by parentheses"},
                 {"(nil ?? 1) + 2", "3"},
                 {"false ?: 5", "5"},
                 {"[1, 2] | filter(# > 1) | len()", "1"}});
}

TEST(ConditionLanguage, AsksPredicates) {
    expect_rows({{"find([1, 5, 9], # > 3)", "5"},
                 {"findIndex([1, 5, 9], # > 3)", "1"},
                 {"findLast([1, 5, 9], # > 3)", "9"},
                 {"findLastIndex([1, 5, 9], # > 3)", "2"},
                 {"findIndex([1], # > 3)", "<nil>"},
                 {"sum([1, 2.5])", "3.5"},
                 {"sum([{n: 1}, {n: 2}], .n)", "3"},
                 {"reduce([1, 2, 3], #acc + #, 10)", "16"},
                 {"reduce([1, 2, 3], #acc * # + #index)", "11"},
                 {"reduce([], #acc)", "!column 1: reduce of empty array with no initial value"},
                 {"map([5, 6], #index)", "[0 1]"},
                 {"map([1], #acc)", "!column 10: #acc outside of reduce"},
                 {"map([1], #other)", "!column 10: unknown pointer #other"},
                 {"groupBy(['a', 'bb', 'c'], len(#) == 1 ? 'one' : 'more').one", "[a c]"},
                 {"sortBy([{n: 2}, {n: 1}], .n)", "[map[n:1] map[n:2]]"},
                 {"sortBy(['b', 'a', 'c'], #, 'desc')", "[c b a]"},
                 {"sortBy([1], #, 'up')", "!column 1: invalid order up, expected asc or desc"},
                 {"all([1], # )", "!column 1: predicate should return boolean (got int)"},
                 {"all(5, true)", "!column 1: builtin all takes only array (got int)"},
                 {"all([1])", "!column 1: not enough arguments to call all"},
                 {"all([1], true, 2)", "!column 1: too many arguments to call all"}});
}

TEST(ConditionLanguage, HasTheFunctionsOfExprLang) {
    expect_rows(
        {{"upper('ab') + lower('CD') + trim('  x ') + trim('--y-', '-')", "ABcdxy"},
         {"trimPrefix('v12', 'v') + trimSuffix('1.txt', '.txt')", "121"},
         {"split('a,b,c', ',')", "[a b c]"},
         {"split('a,b,c', ',', 2)", "[a b,c]"},
         {"splitAfter('a,b', ',')", "[a, b]"},
         {"split('häh', '')", "[h ä h]"},
         {"replace('a-b-c', '-', '+') + replace('a-b-c', '-', '', 1)", "a+b+cab-c"},
         {"repeat('ab', 3)", "ababab"},
         {"repeat('ab', 1000000)", "!column 1: memory budget exceeded"},
         {"join(['a', 'b'], '/')", "a/b"},
         {"indexOf('abab', 'b') + lastIndexOf('abab', 'b') + indexOf('a', 'x')", "3"},
         {"hasPrefix('abc', 'a') and hasSuffix('abc', 'c')", "true"},
         {"toJSON({a: [1, nil]})", "{\n  \"a\": [\n    1,\n    null\n  ]\n}"},
         {"fromJSON('{\"a\": {\"b\": [1, 2]}}').a.b[1]", "2"},
         {"fromBase64(toBase64('hi'))", "hi"},
         {"first([]) == nil and last([1, 2]) == 2", "true"},
         {"get([1], 5) == nil and get({a: 1}, 'a') == 1", "true"},
         {"take([1, 2, 3], 2)", "[1 2]"},
         {"reverse([1, 2]) == [2, 1]", "true"},
         {"concat([1], [2, 3])", "[1 2 3]"},
         {"flatten([1, [2, [3]]])", "[1 2 3]"},
         {"uniq([1, 1.0, '1', 2])", "[1 1 2]"},
         {"sort([3, 1, 2]) == [1, 2, 3] and sort(['a', 'b'], 'desc')[0] == 'b'", "true"},
         {"sort([1, 'a'])", "!column 1: cannot sort by a (type string)"},
         {"keys({b: 1, a: 2})", "[a b]"},
         {"values({b: 1, a: 2})", "[2 1]"},
         {"fromPairs(toPairs({a: 1})).a", "1"},
         {"type(1.5) + type('') + type([]) + type({}) + type(nil)", "floatstringarraymapnil"},
         {"max([1, 7]) + min(3, 2)", "9"},
         {"date('2026-11-20') < date('2026-11-20T00:00:01Z')", "true"},
         {"date('2026-11-20 10:00:00')", "2026-11-20T10:00:00Z"},
         {"date('soon')", "!column 1: invalid date soon"},
         {"now() > date('1969-01-01')", "true"},
         {"len({a: 1}) + len('äö')", "3"},
         {"::len([1])", "1"},
         {"[bitand(6, 3), bitor(6, 3), bitxor(6, 3), bitnand(6, 3), bitnot(0)]", "[2 7 5 4 -1]"},
         {"[bitshl(1, 4), bitshr(-8, 1), bitushr(-1, 63), bitshl(1, 64)]", "[16 -4 1 0]"},
         {"bitshl(1, -1)", "!column 1: invalid operation: negative shift count -1 (type int)"},
         {"[1e21, 0.00001, 1e20]", "[1e+21 1e-05 100000000000000000000]"}});
}

TEST(ConditionLanguage, ReadsEveryLiteral) {
    expect_rows(
        {{"0x1F + 0b101 + 0o17", "51"},
         {"0b2", "!column 3: bad number syntax: \"0b2\""},
         {"0x", "!column 1: invalid integer literal: 0x"},
         {"99999999999999999999", "!column 1: invalid integer literal: 99999999999999999999"},
         {"1e400", "!column 1: invalid float literal: 1e400"},
         {"'\\x41\\u0042\\U00000043\\u{44}\\101\\''", "ABCDA'"},
         {"'\\q'", "!column 2: invalid char escape"},
         {"'\\ud800'", "!column 2: invalid char escape"},
         {"`a``b`", "a`b"},
         {"b'x'", "!column 1: literals of bytes are not served"},
         {"{'a b': 1, 2: 3, (1 > 0 ? 'k' : 'l'): 4}", "map[2:3 a b:1 k:4]"},
         {"{(1): 4}", "!column 1: a map key must be a string (got int)"},
         {"größe", "!column 1: unknown name größe"},
         {"let größe = 3; größe", "3"}});
}

bool exhausts(std::string_view condition) {
    return outcome(condition).find("the condition takes too many steps") != std::string::npos;
}

// Each of these would take the machine with it if nothing bounded it.
TEST(ConditionLanguage, RefusesWhatGrowsWithoutEnd) {
    EXPECT_EQ(outcome("reduce(1..60, [#acc, #acc], 'ha')"), "!column 15: memory budget exceeded");
    EXPECT_EQ(outcome("reduce(1..50000, [#acc], 1)"), "!column 18: memory budget exceeded");
    EXPECT_EQ(outcome("uniq(1..99999)"), "!column 1: memory budget exceeded");
    EXPECT_TRUE(exhausts("reduce(1..99999, #acc + 'aaaaaaaaaa', '')"));
    EXPECT_TRUE(exhausts("len(map(1..99999, '" + std::string(8000, 'x') + "'))"));
    EXPECT_TRUE(exhausts("map(1..99999, string(#) matches string(#))"));
    EXPECT_TRUE(exhausts("let a = 1..9999; all(a, all(a, true))"));
    EXPECT_EQ(outcome("map(1..99999, # matches string(#))"),
              "!column 17: invalid operation: matches (mismatched types int and string)");
    EXPECT_EQ(outcome("let a = 1..9999; all(a, all(a, #acc))"),
              "!column 32: #acc outside of reduce");
    std::string nested;
    for (int i = 0; i < 150; ++i) nested += "let v" + std::to_string(i) + " = 1; ";
    EXPECT_EQ(outcome(nested + "v149"), "1");
    for (int i = 0; i < 300; ++i) nested += "let w" + std::to_string(i) + "=1;";
    EXPECT_NE(outcome(nested + "1").find("nested deeper than"), std::string::npos);
    std::string choices;
    for (int i = 0; i < 400; ++i) choices += "if false {1} else ";
    EXPECT_NE(outcome(choices + "{2}").find("nested deeper than"), std::string::npos);
}

TEST(ConditionLanguage, TreatsNaNAsGoDoes) {
    const Value holes = floats({3, std::nan(""), 1, std::nan(""), 2});
    EXPECT_EQ(outcome("median(result)", holes), "1");  // NaN first
    EXPECT_EQ(outcome("any(result, isNaN(#)) and len(filter(result, not isNaN(#))) == 3", holes),
              "true");
    EXPECT_EQ(outcome("result[1] == result[1] or result[1] in result", holes), "false");
    EXPECT_EQ(outcome("result[1] != result[1]", holes), "true");
    EXPECT_EQ(outcome("sort(result)", holes), "!column 1: cannot sort by NaN (type float64)");
    EXPECT_EQ(outcome("max(result)", holes), "3");
    EXPECT_EQ(outcome("mean(result)", holes), "NaN");
    EXPECT_EQ(outcome("all(result, # < 10)", holes), "false");
    EXPECT_EQ(outcome("all(result, !(# >= 10))", holes), "true");
}

// A text as long as a web answer may be can be looked through, once.
TEST(ConditionLanguage, LooksThroughLongTexts) {
    const Value page{std::string(1'000'000, 'a') + "needle"};
    EXPECT_EQ(outcome("result contains 'needle'", page), "true");
    EXPECT_EQ(outcome("result matches 'needle$'", page), "true");
    EXPECT_EQ(outcome("result == 'x'", page), "false");
    EXPECT_EQ(outcome("len(result)", page), "1000006");
    EXPECT_EQ(outcome("map(1..1000, result)", page),
              "!column 14: the condition takes too many steps");
}

}  // namespace language_test
}  // namespace sluice::analysis
