// SPDX-License-Identifier: Apache-2.0
// The shipped `sluice standalone` with the shop running and Healthy, polling a real Git server, and
// nobody asks for anything.
#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/text.hpp"
#include "examples/story/author.hpp"
#include "examples/story/manifests.hpp"
#include "examples/story/process.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/usage.hpp"

namespace bench {
namespace {

using sluice::concat;
using sluice::Json;
using sluice::Result;
namespace resources = sluice::resources;

std::string command_line(pid_t pid) {
    std::ifstream file(concat("/proc/", pid, "/cmdline"));
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

Result<pid_t> find_standalone(const story::Places& places) {
    for (const pid_t pid : story::find_marked(places.run))
        if (command_line(pid).find("standalone") != std::string::npos) return pid;
    return sluice::not_found("find the process of sluice standalone");
}

Result<void> wait_until_healthy(const story::Stage& stage) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (std::chrono::steady_clock::now() < deadline) {
        const auto rollout = stage.cluster().get({resources::rollouts, "shop", "shop"});
        if (rollout.ok() && sluice::text_at(*rollout, {"status", "phase"}) == "Healthy") return {};
        let_pass(std::chrono::milliseconds{100});
    }
    return sluice::unavailable("wait for the shop: it is not Healthy after 60 s");
}

void show_parts(pid_t sluice) {
    std::map<std::string, std::pair<int, double>> parts;  // by name: how many, Pss
    for (const auto& child : descendants(sluice)) {
        auto& [count, proportional] = parts[child.name];
        ++count;
        proportional += memory_of(child.pid).proportional;
    }
    for (const auto& [name, part] : parts)
        row(concat("its ", part.first, " x `", name, "`: memory"), "",
            fixed(part.second) + " MB Pss", "children of it, not counted above");
}

void show_idle(const std::string& when, pid_t sluice, sluice::Duration look) {
    const double began = cpu_of(sluice), children_began = cpu_of_ended_children(sluice);
    const double load_began = load();
    const auto from = std::chrono::steady_clock::now();
    let_pass(look);
    const double took =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
    const double own = (cpu_of(sluice) - began) / took * 100;
    const double children = (cpu_of_ended_children(sluice) - children_began) / took * 100;
    const auto memory = memory_of(sluice);
    row(when + ": memory", "40 MB", fixed(memory.resident) + " MB",
        concat("VmRSS; ", fixed(memory.anonymous), " MB of it anonymous; ", memory.threads,
               " threads"));
    row(when + ": CPU", "1 % of a core", fixed(own, 2) + " %",
        concat("over ", fixed(took, 0), " s; git, polled every 10 s, costs another ",
               fixed(children, 2), " %; load average ", fixed(load_began, 1)));
}

// What months leave behind, in a minute: as many changes as the watches' log may hold.
Result<void> live_busily(const story::Stage& stage, int writes) {
    const Json payload = std::string(1200, 'x');
    Json note = {{"apiVersion", "v1"},
                 {"kind", "ConfigMap"},
                 {"metadata", {{"name", "bench"}, {"namespace", "shop"}}},
                 {"data", {{"text", payload}}}};
    (void)TRY(stage.cluster().create(resources::config_maps, note));
    for (int i = 0; i < writes; ++i)
        (void)TRY(stage.cluster().patch({resources::config_maps, "shop", "bench"},
                                        sluice::kube::PatchType::Merge,
                                        {{"data", {{"count", std::to_string(i)}}}}));
    return {};
}

}  // namespace

Result<void> measure_idle(const Options& options) {
    story::Options play;
    play.source = options.source;
    play.build = options.build;
    play.tools = options.tools;
    play.logs = options.logs;
    story::Stage stage(play);
    TRY(stage.prepare());
    TRY(stage.start_git());
    TRY(stage.start_sluice());
    const auto source = TRY(story::render_git_source(stage.options(), stage.places()));
    TRY(stage.kubectl({"apply", "--validate=false", "-f", "-"}, source));
    story::Author author(stage);
    (void)TRY(author.begin());
    TRY(wait_until_healthy(stage));
    const pid_t sluice = TRY(find_standalone(stage.places()));
    let_pass(std::chrono::seconds{3});
    show_idle("`sluice standalone` idle", sluice, options.look);
    show_parts(sluice);
    if (options.writes == 0) return {};
    TRY(live_busily(stage, options.writes));
    const std::string busy = concat("the same after ", options.writes, " writes of 1.4 kB");
    row(busy + ", at once: memory", "", fixed(memory_of(sluice).resident) + " MB",
        "VmRSS; watches may still ask for the last five minutes");
    let_pass(options.rest);
    show_idle(concat(busy, " and ", options.rest.count() / 1000, " s"), sluice, options.look);
    return {};
}

}  // namespace bench
