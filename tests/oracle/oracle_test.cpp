// SPDX-License-Identifier: Apache-2.0
// Our API server against a real one, request by request (issue 3, section 2). The real one's
// answers are kept in answers/, with the version that gave them, so that our half runs everywhere;
// where KUBE_APISERVER and ETCD name one, it is asked again and must still say the same.
// SLUICE_RECORD=1 writes its answers down.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include "base/text.hpp"
#include "tests/oracle/exceptions.hpp"
#include "tests/oracle/servers.hpp"

namespace sluice::oracle {
namespace {

const std::string folder = SLUICE_SOURCE_DIR "/tests/oracle";

std::string file_text(const std::string& path) {
    std::ifstream stream(path);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

std::string answers_path(const std::string& script) {
    return concat(folder, "/answers/", script, ".json");
}

// Row to answer, as recorded; null where nothing was.
Json recorded(const std::string& script) {
    const auto document = parse_json(file_text(answers_path(script)));
    return document.ok() ? document->value("answers", Json()) : Json();
}

void record(const std::string& version, const Script& script, const std::vector<Played>& played) {
    Json answers = Json::object();
    for (const auto& one : played) answers[one.row] = one.answer;
    std::filesystem::create_directories(folder + "/answers");
    std::ofstream(answers_path(script.name))
        << Json{{"server", version}, {"answers", answers}}.dump(1) << "\n";
}

std::string told(const std::string& row, const std::vector<Difference>& found) {
    std::string text = row + "\n";
    for (const auto& difference : found)
        text += concat("    ", difference.path, ": ", difference.text, "\n");
    return text;
}

// For the messages of googletest.
[[maybe_unused]] void PrintTo(const Script& script, std::ostream* stream) {
    *stream << script.name;
}

class Oracle : public ::testing::TestWithParam<Script> {};

TEST_P(Oracle, OurAnswersAreTheRealServersExceptWhereDifferencesSaySo) {
    const Script& script = GetParam();
    const Json answers = recorded(script.name);
    ASSERT_TRUE(answers.is_object())
        << "no answers of a real server in " << answers_path(script.name);
    Excuses excuses(load_exceptions(folder + "/exceptions.yaml"));
    const auto server = start_ours();
    size_t equal = 0;
    for (const auto& played : play(script, server->transport())) {
        ASSERT_TRUE(answers.contains(played.row)) << played.row << " was never recorded";
        auto found = differences(played.answer, answers.at(played.row));
        if (found.empty()) ++equal;
        const std::string row = concat(script.name, "/", played.row);
        found = excuses.unexcused(row, std::move(found));
        EXPECT_TRUE(found.empty()) << told(row, found);
    }
    const auto outlived = excuses.outlived(script.name);
    EXPECT_TRUE(outlived.empty()) << "these are equal now, take them out of exceptions.yaml:\n  "
                                  << join(outlived, "\n  ");
    std::cout << script.name << ": " << equal << " of " << script.rows.size() << " rows equal\n";
}

INSTANTIATE_TEST_SUITE_P(Table, Oracle, ::testing::ValuesIn(load_scripts(folder + "/requests")),
                         [](const auto& info) {
                             std::string name = info.param.name;
                             for (char& c : name)
                                 if (c == '-') c = '_';
                             return name;
                         });

TEST(OracleTable, TheRealServerStillAnswersAsRecorded) {
    std::string why_not;
    const auto server = start_theirs(why_not);
    if (!server) GTEST_SKIP() << why_not;
    const auto version = server->transport().send({.url = "/version"});
    ASSERT_TRUE(version.ok());
    const std::string name = text_at(parse_json(version->body).value(), {"gitVersion"});
    const bool record_it = std::getenv("SLUICE_RECORD") != nullptr;
    for (const auto& script : load_scripts(folder + "/requests")) {
        const auto played = play(script, server->transport());
        if (record_it) {
            record(name, script, played);
            continue;
        }
        const Json answers = recorded(script.name);
        for (const auto& one : played) {
            const auto found = differences(answers.value(one.row, Json::object()), one.answer);
            EXPECT_TRUE(found.empty())
                << "ours: as recorded, theirs: " << name
                << " now: " << told(concat(script.name, "/", one.row), found);
        }
    }
}

TEST(OracleTable, EveryExceptionHasItsReasonInTheDocumentation) {
    const std::string text = file_text(SLUICE_SOURCE_DIR "/docs/differences.md");
    std::set<std::string> ids;
    for (const auto& exception : load_exceptions(folder + "/exceptions.yaml"))
        ids.insert(exception.id);
    std::set<std::string> reasons;
    for (const auto& line : split(text, '\n'))
        if (line.starts_with("| `")) reasons.insert(line.substr(3, line.find('`', 3) - 3));
    EXPECT_EQ(ids, reasons);
}

TEST(OracleTable, DifferencesAreSeenAtTheirPaths) {
    const Json theirs = {{"status", 200}, {"body", {{"a", {1, 2}}, {"b", "x"}}}};
    const Json ours = {{"status", 200}, {"body", {{"a", {1, 3}}, {"c", "x"}}}};
    std::vector<std::string> paths;
    for (const auto& difference : differences(ours, theirs)) paths.push_back(difference.path);
    EXPECT_EQ(paths, (std::vector<std::string>{"/body/a/1", "/body/b", "/body/c"}));
    EXPECT_EQ(differences({{"status", 404}}, theirs).front().path, "/status");
    EXPECT_TRUE(matches("pods/*", "pods/a pod is made"));
    EXPECT_TRUE(matches("/body/*/name", "/body/spec/x/name"));
    EXPECT_FALSE(matches("/body/*/name", "/body/spec/x/names"));
}

}  // namespace
}  // namespace sluice::oracle
