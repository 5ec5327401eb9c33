// SPDX-License-Identifier: Apache-2.0
// The rules of the house (docs/design.md), held against every file: who may include whom, what pure
// code may not touch, and the sizes that keep files readable.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/text.hpp"

namespace tidy {
namespace {

namespace fs = std::filesystem;

struct File {
    std::string path;  // from the root
    std::vector<std::string> lines;
};

const fs::path root = SLUICE_SOURCE_DIR;

std::vector<File> read_all() {
    std::vector<File> files;
    for (const auto* folder : {"base", "crds", "analysis", "traffic", "platform", "controller",
                               "standalone", "examples", "tests", "deploy", ".ci"}) {
        if (!fs::exists(root / folder)) continue;
        for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
            if (!entry.is_regular_file()) continue;
            File file{fs::relative(entry.path(), root).string(), {}};
            std::ifstream stream(entry.path());
            for (std::string line; std::getline(stream, line);) file.lines.push_back(line);
            files.push_back(std::move(file));
        }
    }
    std::sort(files.begin(), files.end(),
              [](const File& a, const File& b) { return a.path < b.path; });
    return files;
}

const std::vector<File>& all_files() {
    static const auto files = read_all();
    return files;
}

bool ends_with_any(const std::string& path, std::initializer_list<std::string_view> endings) {
    return std::any_of(endings.begin(), endings.end(),
                       [&](std::string_view ending) { return path.ends_with(ending); });
}

bool is_source(const File& file) {
    return ends_with_any(file.path, {".cpp", ".hpp", ".inc"});
}
bool is_code(const File& file) {
    return ends_with_any(file.path, {".cpp", ".hpp"});
}

// The row of the house that a path lies in; empty for examples, tests and controller/main.cpp.
std::string row_of(std::string_view path) {
    for (const std::string row :
         {"base", "crds", "analysis", "traffic", "platform", "standalone", "controller/policy",
          "controller/shell", "controller/server", "controller/cli"})
        if (path.starts_with(row + "/")) return row;
    return {};
}

const std::map<std::string, std::set<std::string>> may_include{
    {"base", {"base"}},
    {"crds", {"base", "crds"}},
    {"analysis", {"base", "crds", "analysis"}},
    {"traffic", {"base", "crds", "traffic"}},
    {"platform", {"base", "platform"}},
    {"controller/policy", {"base", "crds", "analysis", "traffic", "controller/policy"}},
    {"standalone", {"base", "crds", "platform", "standalone"}},
    {"controller/shell",
     {"base", "crds", "analysis", "traffic", "platform", "controller/policy", "controller/shell"}},
};
const std::set<std::string> pure_rows{"crds", "analysis", "traffic", "controller/policy"};

// What stands between the quotes or brackets of an #include; empty for any other line.
std::string included(const std::string& line, char open, char close) {
    const std::string prefix = std::string("#include ") + open;
    if (!line.starts_with(prefix)) return {};
    const auto end = line.find(close, prefix.size());
    return line.substr(prefix.size(), end - prefix.size());
}

std::string place(const File& file, size_t index) {
    return sluice::concat(file.path, ":", index + 1, ": ");
}

// Without comments and the text of literals, so that words in prose do not count.
std::string code_of(std::string line) {
    std::string code;
    char quote = 0;
    for (size_t i = 0; i < line.size(); ++i) {
        if (quote != 0) {
            if (line[i] == '\\')
                ++i;
            else if (line[i] == quote)
                quote = 0;
            continue;
        }
        if (line.compare(i, 2, "//") == 0) break;
        if (line[i] == '"') quote = line[i];
        code += line[i];
    }
    return code;
}

// Holds a raw literal, or looks like a line of JSON inside one.
bool is_quoted_data(const std::string& line) {
    const auto first = line.find_first_not_of(' ');
    return line.find("R\"") != std::string::npos ||
           (first != std::string::npos && (line[first] == '"' || line[first] == '{') &&
            line.find("\":") != std::string::npos);
}

// Each problem is a line of the failure, all at once.
void expect_none(const std::vector<std::string>& problems, const char* rule) {
    EXPECT_TRUE(problems.empty()) << rule << "\n" << sluice::join(problems, "\n");
}

// All texts in which a rule is broken; `find` gives a word on what is wrong, or nothing.
template <class Find>
std::vector<std::string> look(bool (*wanted)(const File&), Find find) {
    std::vector<std::string> problems;
    for (const auto& file : all_files()) {
        if (!wanted(file)) continue;
        for (size_t i = 0; i < file.lines.size(); ++i) {
            const std::string problem = find(file, file.lines[i]);
            if (!problem.empty()) problems.push_back(place(file, i) + problem);
        }
    }
    return problems;
}

TEST(House, EveryRowIncludesOnlyWhatItMay) {
    expect_none(look(is_source,
                     [](const File& file, const std::string& line) -> std::string {
                         const auto allowed = may_include.find(row_of(file.path));
                         const auto header = included(line, '"', '"');
                         if (allowed == may_include.end() || header.empty()) return {};
                         const auto row = row_of(header);
                         if (allowed->second.contains(row)) return {};
                         // Files of a folder of its own namespace may be named from the root only.
                         return sluice::concat(allowed->first, " may not include ", header);
                     }),
                "DESIGN 2: who may include whom");
}

TEST(House, ServerAndExamplesStayOutOfTheProduct) {
    expect_none(look(is_source,
                     [](const File& file, const std::string& line) -> std::string {
                         const auto header = included(line, '"', '"');
                         const bool product = !row_of(file.path).empty();
                         if (!product ||
                             (!header.starts_with("examples/") && !header.starts_with("tests/")))
                             return {};
                         return "the product does not include " + header;
                     }),
                "the product knows neither examples nor tests");
}

TEST(House, PureRowsTouchNoClockThreadSocketFileOrRandomNumber) {
    const std::vector<std::string> banned{"system_clock::now",
                                          "steady_clock::now",
                                          "high_resolution_clock",
                                          "SystemClock",
                                          "std::thread",
                                          "std::jthread",
                                          "std::mutex",
                                          "std::atomic",
                                          "std::this_thread",
                                          "std::random",
                                          "std::mt19937",
                                          "std::rand",
                                          "std::filesystem",
                                          "std::ofstream",
                                          "std::ifstream",
                                          "std::getenv",
                                          "::socket(",
                                          "::open(",
                                          "spdlog",
                                          "std::cout",
                                          "std::cerr",
                                          "std::printf",
                                          "std::time("};
    const std::set<std::string> headers{"base/log.hpp", "base/clock.hpp", "base/work_queue.hpp"};
    expect_none(look(is_source,
                     [&](const File& file, const std::string& line) -> std::string {
                         if (!pure_rows.contains(row_of(file.path))) return {};
                         if (headers.contains(included(line, '"', '"')))
                             return "pure code does not include " + included(line, '"', '"');
                         const auto code = code_of(line);
                         for (const auto& word : banned)
                             if (code.find(word) != std::string::npos)
                                 return "pure code does not use " + word;
                         return {};
                     }),
                "DESIGN D3: functional core");
}

TEST(House, LibrariesStayInSourceFiles) {
    const std::vector<std::string> libraries{
        "nlohmann/json.hpp", "yaml-cpp/", "boost/",  "curl/", "git2",
        "sqlite3",           "openssl/",  "simdjson"};
    expect_none(look(is_code,
                     [&](const File& file, const std::string& line) -> std::string {
                         if (row_of(file.path).empty() || !file.path.ends_with(".hpp")) return {};
                         if (file.path == "base/json_value.hpp") return {};
                         const auto header = included(line, '<', '>');
                         for (const auto& library : libraries)
                             if (header.starts_with(library))
                                 return "a header does not include <" + header + ">";
                         return {};
                     }),
                "a library appears only in the .cpp files that wrap it");
}

TEST(House, TestsDoNotSleep) {
    expect_none(look(is_code,
                     [](const File& file, const std::string& line) -> std::string {
                         if (!file.path.starts_with("tests/")) return {};
                         const auto code = code_of(line);
                         for (const auto* word : {"sleep_for", "sleep_until", "usleep("})
                             if (code.find(word) != std::string::npos) return word;
                         return {};
                     }),
                "tests wait for what they test, with a deadline");
}

TEST(House, FilesHaveFewerThan400Lines) {
    std::vector<std::string> problems;
    for (const auto& file : all_files())
        if (is_code(file) && file.lines.size() >= 400)
            problems.push_back(sluice::concat(file.path, " has ", file.lines.size(), " lines"));
    expect_none(problems, "tables of facts (*.inc) are exempt");
}

// Functions in the house's format start at the left edge with a line that ends in "{", and end with
// the next "}" at the left edge.
TEST(House, FunctionsHaveFewerThan70Lines) {
    std::vector<std::string> problems;
    for (const auto& file : all_files()) {
        if (!is_code(file)) continue;
        for (size_t start = 0; start < file.lines.size(); ++start) {
            const auto& line = file.lines[start];
            if (line.empty() || line[0] == ' ' || line[0] == '#' || line.starts_with("//") ||
                !line.ends_with("{") || line.find('(') == std::string::npos ||
                line.starts_with("namespace") || line.starts_with("TEST("))
                continue;
            size_t end = start;
            while (end < file.lines.size() && !file.lines[end].starts_with("}")) ++end;
            if (end - start + 1 >= 70)
                problems.push_back(place(file, start) + sluice::concat(end - start + 1, " lines"));
        }
    }
    expect_none(problems, "a function fits on a screen");
}

TEST(House, LinesHaveAtMost100Columns) {
    expect_none(look(is_code,
                     [](const File& file, const std::string& line) -> std::string {
                         // A document quoted in a test is data: a line of it cannot be broken.
                         if (file.path.starts_with("tests/") && is_quoted_data(line)) return {};
                         const auto columns = std::count_if(line.begin(), line.end(), [](char c) {
                             return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
                         });
                         return columns > 100 ? sluice::concat(columns, " columns") : "";
                     }),
                "100 columns");
}

TEST(House, EverySourceNamesItsLicence) {
    std::vector<std::string> problems;
    for (const auto& file : all_files()) {
        const bool script = ends_with_any(file.path, {".sh"});
        const bool cmake = ends_with_any(file.path, {"CMakeLists.txt"});
        if (!is_source(file) && !script && !cmake) continue;
        const size_t line = script ? 1 : 0;
        if (file.lines.size() <= line ||
            file.lines[line].find("SPDX-License-Identifier: Apache-2.0") == std::string::npos)
            problems.push_back(file.path);
    }
    expect_none(problems, "SPDX line at the top");
}

TEST(House, HeadersAreIncludedOnce) {
    std::vector<std::string> problems;
    for (const auto& file : all_files())
        if (file.path.ends_with(".hpp") &&
            std::find(file.lines.begin(), file.lines.end(), "#pragma once") == file.lines.end())
            problems.push_back(file.path);
    expect_none(problems, "#pragma once");
}

TEST(House, TheFilesWereFound) {
    EXPECT_GT(all_files().size(), 100U) << "under " << root;
}

}  // namespace
}  // namespace tidy
