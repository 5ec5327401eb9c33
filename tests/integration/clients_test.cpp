// SPDX-License-Identifier: Apache-2.0
// What people type, played with the real programs against the whole embedded cluster: one table
// (clients/*.yaml) after the other, each in a cluster of its own. A table has
//   files:  name to content; one that begins with "#!" is executable
//   images: name to the script that the pods of "NAME:v1" run
//   steps:  run (a line of shell in the folder of the files), exit (0 where absent), prints (all of
//           the output), contains and lacks (parts of it), json (pointer to value, of output that
//           is JSON), within: true (again and again until all of it holds, at most 60 s), since and
//           until (minor versions of kubectl for which the step is meant)
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/yaml.hpp"
#include "standalone/cluster.hpp"
#include "tests/integration/child.hpp"
#include "tests/support/cluster.hpp"

namespace sluice::standalone {
namespace {

namespace fs = std::filesystem;

constexpr Duration patience = std::chrono::seconds{60};

struct ClientCase {
    std::string table;  // without folder and ending
    std::string kubectl;
    std::string helm;
};

void PrintTo(const ClientCase& one, std::ostream* out) {
    *out << one.table << " with " << one.kubectl << " kubectl " << one.helm;
}

std::string tools_folder() {
    const char* tools = std::getenv("SLUICE_TOOLS");
    return tools ? tools : "";
}

// The programs by the names that tests have for them. KUBECTL names another current one.
std::string client_path(const std::string& name) {
    if (name == "debian") return tools_folder() + "/usr/bin/kubectl";
    if (name == "current") {
        const char* given = std::getenv("KUBECTL");
        return given ? given : tools_folder() + "/clients/kubectl";
    }
    return concat(tools_folder(), "/clients/", name);
}

std::vector<ClientCase> all_client_cases() {
    std::vector<ClientCase> cases;
    for (const auto& entry :
         fs::directory_iterator(SLUICE_SOURCE_DIR "/tests/integration/clients")) {
        const std::string table = entry.path().stem().string();
        if (entry.path().extension() != ".yaml") continue;
        if (table.starts_with("helm")) {
            cases.push_back({table, "current", "helm-3"});
            cases.push_back({table, "current", "helm-4"});
        } else {
            cases.push_back({table, "debian", ""});
            cases.push_back({table, "current", ""});
        }
    }
    std::ranges::sort(cases, {}, [](const ClientCase& one) {
        return concat(one.table, " ", one.kubectl, " ", one.helm);
    });
    return cases;
}

std::vector<std::string> texts_of(const Json& step, const char* field) {
    if (!step.contains(field)) return {};
    const Json& value = step[field];
    if (value.is_string()) return {value.get<std::string>()};
    return value.get<std::vector<std::string>>();
}

// Empty where the outcome is as the step says, otherwise what is wrong with it.
std::string step_problem(const Json& step, const testing::Child::Outcome& outcome) {
    const long exit = integer_at(step, {"exit"});
    if (outcome.status != exit) return concat("exit status ", outcome.status, " instead of ", exit);
    std::string output = outcome.output;
    while (output.ends_with('\n')) output.pop_back();
    if (step.contains("prints")) {
        std::string wanted = step["prints"].get<std::string>();
        while (wanted.ends_with('\n')) wanted.pop_back();
        if (output != wanted) return concat("it should have printed\n", wanted);
    }
    for (const auto& part : texts_of(step, "contains"))
        if (output.find(part) == std::string::npos) return concat("it lacks \"", part, "\"");
    for (const auto& part : texts_of(step, "lacks"))
        if (output.find(part) != std::string::npos) return concat("it has \"", part, "\"");
    if (!step.contains("json")) return "";
    const auto document = parse_json(output);
    if (!document.ok()) return "it is no JSON";
    for (const auto& [pointer, wanted] : step["json"].items()) {
        const Json::json_pointer at(pointer);
        const Json found = document->contains(at) ? document->at(at) : Json();
        if (found != wanted)
            return concat(pointer, " is ", to_text(found), " instead of ", to_text(wanted));
    }
    return "";
}

class Clients : public ::testing::TestWithParam<ClientCase> {
protected:
    void SetUp() override {
        for (const auto& name : {GetParam().kubectl, GetParam().helm}) {
            if (name.empty()) continue;
            if (tools_folder().empty()) GTEST_SKIP() << "SLUICE_TOOLS is not set: no " << name;
            if (!fs::exists(client_path(name)))
                GTEST_SKIP() << client_path(name) << " is not there";
        }
        bin_ = folder_.path() + "/bin";
        fs::create_directories(bin_);
        fs::create_directories(folder_.path() + "/images");
        fs::create_symlink(client_path(GetParam().kubectl), bin_ + "/kubectl");
        if (!GetParam().helm.empty())
            fs::create_symlink(client_path(GetParam().helm), bin_ + "/helm");
        auto cluster = start_cluster({.data_dir = folder_.path() + "/data",
                                      .images_dir = folder_.path() + "/images",
                                      .listen = "127.0.0.1:0"},
                                     log_, clock_);
        ASSERT_TRUE(cluster.ok()) << cluster.error().message;
        cluster_ = std::move(*cluster);
        ASSERT_TRUE(test::eventually([&] { return cluster_->ready(); }, patience));
    }

    void write(const std::string& path, const std::string& content) const {
        fs::create_directories(fs::path(path).parent_path());
        std::ofstream(path) << content;
        if (content.starts_with("#!")) fs::permissions(path, fs::perms{0755});
    }

    [[nodiscard]] testing::Child::Outcome run(const std::string& line) const {
        const std::string program = concat("cd \"$HOME\" && ", line);
        return testing::Child(
                   {"/bin/sh", "-c", program},
                   {concat("KUBECONFIG=", cluster_->kubeconfig_path()),
                    concat("HOME=", folder_.path()), concat("PATH=", bin_, ":/usr/bin:/bin")})
            .wait();
    }

    void play(const Json& step, int minor) const {
        if (minor < integer_at(step, {"since"}) || minor > integer_at(step, {"until"}, 999)) return;
        testing::Child::Outcome outcome;
        std::string problem;
        const auto holds = [&] {
            outcome = run(text_at(step, {"run"}));
            problem = step_problem(step, outcome);
            return problem.empty();
        };
        if (bool_at(step, {"within"}))
            test::eventually(holds, patience);
        else
            holds();
        EXPECT_EQ(problem, "") << "$ " << text_at(step, {"run"}) << "\n" << outcome.output;
    }

    test::ClusterFolder folder_;
    std::string bin_;
    SystemClock clock_;
    test::TestLog log_;
    std::unique_ptr<Cluster> cluster_;
};

TEST_P(Clients, PlaysItsTable) {
    const std::string path =
        concat(SLUICE_SOURCE_DIR "/tests/integration/clients/", GetParam().table, ".yaml");
    std::ifstream file(path);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const auto documents = parse_yaml(text, path);
    ASSERT_TRUE(documents.ok()) << documents.error().message;
    const Json table = parse_json(documents->front().text).value();
    const Json files = table.value("files", Json::object());
    for (const auto& [name, content] : files.items())
        write(concat(folder_.path(), "/", name), content.get<std::string>());
    const Json images = table.value("images", Json::object());
    for (const auto& [name, script] : images.items())
        write(concat(folder_.path(), "/images/", name, "/v1/run"), script.get<std::string>());
    const auto version = parse_json(run("kubectl version --client -o json").output);
    ASSERT_TRUE(version.ok());
    const auto minor = parse_integer(text_at(*version, {"clientVersion", "minor"}));
    ASSERT_TRUE(minor.has_value());
    for (const auto& step : table.at("steps")) {
        play(step, static_cast<int>(*minor));
        if (HasFatalFailure()) return;
    }
}

INSTANTIATE_TEST_SUITE_P(, Clients, ::testing::ValuesIn(all_client_cases()), [](const auto& one) {
    std::string name = one.param.table;
    if (one.param.helm.empty()) name += one.param.kubectl == "debian" ? "_debian" : "_current";
    if (!one.param.helm.empty()) name += one.param.helm == "helm-3" ? "_helm3" : "_helm4";
    return name;
});

}  // namespace
}  // namespace sluice::standalone
