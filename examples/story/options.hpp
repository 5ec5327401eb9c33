// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "examples/story/timeline.hpp"

namespace story {

// Ways to break the story, each of which one check must find.
enum class Sabotage { None, GateRemoved, HarmlessV3, ProxyAt30, RequestDropped, SecondRevert };

// What happens to a good delivery, which has to come through it.
enum class BadDay { None, PrometheusKilled };

// How long things take. The manifests hold the normal pace; the fast one is a list of replacements.
struct Pace {
    double rate = 1000;  // requests a second
    sluice::Duration limit = std::chrono::minutes{4};
    sluice::Duration step_deadline = std::chrono::seconds{60};  // from one weight to the next
    sluice::Duration settle = std::chrono::seconds{10};  // how long nothing may stir at the end
    std::vector<std::pair<std::string, std::string>> replacements;
};
Pace normal_pace();
Pace fast_pace();

struct Options {
    std::string source = ".";  // the repository
    std::string build;         // where sluice, shop and load are
    std::string tools;         // where haproxy, prometheus, lighttpd and kubectl are unpacked
    std::string logs;          // a folder for what the parts say
    Router router = Router::Nginx;
    Sabotage sabotage = Sabotage::None;
    BadDay bad_day = BadDay::None;
    Pace pace;
    bool keep = false;
    // Chosen free where 0.
    unsigned short api_port = 0, web_port = 0, prometheus_port = 0, git_port = 0;
    unsigned short metrics_port = 0, hooks_port = 0, controller_port = 0;
    std::vector<std::string> controller_flags;  // of `sluice controller`
    // Versions of the shop beside v1, v2 and v3, and the flags of each.
    std::map<std::string, std::string> more_versions;
};

struct Places {
    std::string run;         // everything of this run lies below; removed at the end
    std::string data;        // sluice's
    std::string images;      // one folder for each version of the shop
    std::string repository;  // bare
    std::string ref_log;     // "<ms> <old> <new> <ref>" for each push
    std::string kubeconfig;
    std::string api, web, prometheus, git, metrics, hooks;  // host:port
    std::string controller_metrics;  // of a controller in a process of its own
    [[nodiscard]] std::string git_url() const { return "http://" + git + "/git/shop.git"; }
};

}  // namespace story
