// SPDX-License-Identifier: Apache-2.0
// bench: measures what the project promises in numbers, and asserts nothing. tests/bench/run.sh
// starts it and says what is in the table.
#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>

#include "tests/bench/report.hpp"

int main(int argc, char** argv) {
    CLI::App app{"bench: figures, as rows of a Markdown table"};
    bench::Options options;
    double seconds = 30, rest = 400;
    app.add_option("--source", options.source, "the repository")->required();
    app.add_option("--build", options.build, "where sluice is built")->required();
    app.add_option("--tools", options.tools, "where the parts are unpacked")->required();
    app.add_option("--logs", options.logs, "a folder for what the parts say")->required();
    app.add_option("--seconds", seconds, "how long to look at something idle");
    app.add_option("--runs", options.runs, "of the latencies");
    app.add_option("--objects", options.objects, "of each kind, in a cache");
    app.add_option("--rollouts", options.rollouts, "that idle");
    app.add_option("--fleet", options.fleet, "Rollouts with their history");
    app.add_option("--listen", options.listen, "of the fleet's server");
    app.add_option("--writes", options.writes, "of a busy life");
    app.add_option("--rest", rest, "seconds from the busy life to the second look");
    app.require_subcommand(1);
    using Measure = sluice::Result<void> (*)(const bench::Options&);
    Measure measure = nullptr;
    const auto add = [&](const char* name, const char* what, Measure how) {
        app.add_subcommand(name, what)->callback([&measure, how] { measure = how; });
    };
    add("idle", "sluice standalone with the shop, and nobody asks for anything",
        bench::measure_idle);
    add("latency", "push to first weight, verdict to weight 0", bench::measure_latency);
    add("memory", "bytes of an object of each kind in the caches", bench::measure_memory);
    add("rollouts", "many idle Rollouts", bench::measure_rollouts);
    add("fleet", "sluice controller with 10,000 Rollouts and their history", bench::measure_fleet);
    add("fleet-server", "the API server of the fleet, in a process of its own", bench::serve_fleet);
    CLI11_PARSE(app, argc, argv);
    options.look = sluice::Duration{static_cast<long>(seconds * 1000)};
    options.rest = sluice::Duration{static_cast<long>(rest * 1000)};
    ::signal(SIGPIPE, SIG_IGN);
    const auto measured = measure(options);
    if (measured.ok()) return 0;
    std::cerr << "bench: " << measured.error().message << "\n";
    return 1;
}
