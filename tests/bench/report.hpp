// SPDX-License-Identifier: Apache-2.0
// The table that a measurement is written into: one Markdown row a figure, printed at once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace bench {

// Where the parts are, and how long to look.
struct Options {
    std::string source;  // the repository
    std::string build;   // where sluice, shop and load are
    std::string tools;   // where haproxy, prometheus, lighttpd and kubectl are unpacked
    std::string logs;    // a folder for what the parts say
    sluice::Duration look = std::chrono::seconds{30};
    int runs = 10;       // of the latencies
    int objects = 5000;  // of each kind in a cache
    int rollouts = 1000;
    int fleet = 10'000;                  // Rollouts with D9's history
    std::string listen = "127.0.0.1:0";  // of the fleet's API server
    int writes = 12'000;                 // of a busy life
    // After it: what is only kept for minutes is gone then.
    sluice::Duration rest = std::chrono::seconds{400};
};

// `bound` is empty where the project promises nothing.
void row(std::string_view figure, std::string_view bound, std::string_view measured,
         std::string_view how);

// "32.8".
std::string fixed(double number, int digits = 1);
// "median 410, worst 520 (10 runs)"; "none" for no values.
std::string spread(std::vector<double> values);

// Waits that long, for there is nothing to wait for but time.
void let_pass(sluice::Duration time);

// Each prints its rows; an error says which part could not be played.
sluice::Result<void> measure_idle(const Options& options);
sluice::Result<void> measure_latency(const Options& options);
sluice::Result<void> measure_memory(const Options& options);
sluice::Result<void> measure_rollouts(const Options& options);
sluice::Result<void> measure_fleet(const Options& options);
// The API server of a fleet, until SIGTERM, in the folder `logs`.
sluice::Result<void> serve_fleet(const Options& options);

}  // namespace bench
