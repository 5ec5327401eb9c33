// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/json_path.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::analysis {
namespace json_path_test {

// The results in a list, or the error's text after "!".
std::string select(std::string_view path, const char* text) {
    const Json document = Json::parse(text);
    const auto found = find_json_path(path, document);
    if (!found.ok()) return "!" + found.error().message;
    Json all = Json::array();
    for (const Json* one : *found) all.push_back(*one);
    return sluice::to_text(all);
}

constexpr const char* store = R"({"kind": "List", "a.b": 7, "books": [
    {"title": "One", "price": 8.95, "tags": ["x"]},
    {"title": "Two", "price": 12.99, "isbn": "0-5"},
    {"title": "Three", "price": 8.99, "isbn": "0-3"}]})";

TEST(JsonPath, SelectsAsKubectlDoes) {
    EXPECT_EQ(select("{$.kind}", store), R"(["List"])");
    EXPECT_EQ(select("{.kind}", store), R"(["List"])");
    EXPECT_EQ(select("{kind}", store), R"(["List"])");
    EXPECT_EQ(select("{$['a.b']}", store), "[7]");
    EXPECT_EQ(select("{$.a\\.b}", store), "[7]");
    EXPECT_EQ(select("{$.books[0].title}", store), R"(["One"])");
    EXPECT_EQ(select("{$.books[-1].title}", store), R"(["Three"])");
    EXPECT_EQ(select("{$.books[0:2].title}", store), R"(["One","Two"])");
    EXPECT_EQ(select("{$.books[0:3:2].title}", store), R"(["One","Three"])");
    EXPECT_EQ(select("{$.books[0,2].title}", store), R"(["One","Three"])");
    EXPECT_EQ(select("{$.books[*].price}", store), "[8.95,12.99,8.99]");
    EXPECT_EQ(select("{$..isbn}", store), R"(["0-5","0-3"])");
    EXPECT_EQ(select("{$.books[0]['title','price']}", store), R"(["One",8.95])");
    EXPECT_EQ(select("{$.books[?(@.price < 9)].title}", store), R"(["One","Three"])");
    EXPECT_EQ(select("{$.books[?(@.isbn)].title}", store), R"(["Two","Three"])");
    EXPECT_EQ(select("{$.books[?(@.title == 'Two')].price}", store), "[12.99]");
    EXPECT_EQ(select("{$.books[?(@.tags[0] == \"x\")].title}", store), R"(["One"])");
    EXPECT_EQ(select("{$}", "[1]"), "[[1]]");
    EXPECT_EQ(select("{$.books[?(@.price > 100)].title}", store), "!title is not found");
}

TEST(JsonPath, SaysWhatIsWrong) {
    EXPECT_EQ(select("{$.nothing}", store), "!nothing is not found");
    EXPECT_EQ(select("{$.books[7]}", store), "!array index out of bounds: index 7, length 3");
    EXPECT_EQ(select("$.kind", store),
              "!jsonPath $.kind: it must stand in braces, as {$.data}, at 1");
    EXPECT_EQ(select("{$.books[0}", store), "!jsonPath {$.books[0}: expected ] or , at 11");
    EXPECT_EQ(select("{$.kind} and", store),
              "!jsonPath {$.kind} and: text behind the braces is not served at 10");
    EXPECT_EQ(select("{$.books[?(@.a ~ 3)]}", store).substr(0, 9), "!jsonPath");
}

// Every cut of a path, and some hostile ones, end with an answer.
TEST(JsonPath, EndsForEveryPath) {
    const std::string whole = "{$.books[?(@.tags[0] == 'x')]..title[0:1:2]['a',\"b\"][*]}";
    for (size_t cut = 0; cut <= whole.size(); ++cut) {
        (void)select(whole.substr(0, cut), store);
        (void)select(whole.substr(cut), store);
        for (const char c : std::string_view("{}[]()?@$.'\"\\:,<=*\0", 20)) {
            std::string bent = whole;
            if (cut < bent.size()) bent[cut] = c;
            (void)select(bent, store);
        }
    }
    std::string wide = "[";
    for (int i = 0; i < 3000; ++i) wide += "1,";
    wide += "1]";
    EXPECT_NE(select("{$[?($[?($[?(@ == 1)])])]}", wide.c_str()).find("too much is selected"),
              std::string::npos);
    EXPECT_NE(select("{$" + std::string(3000, '.') + "}", wide.c_str()).size(), 0U);
}

}  // namespace json_path_test
}  // namespace sluice::analysis
