// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/usage.hpp"

#include <unistd.h>

#include <cctype>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "base/text.hpp"

namespace bench {
namespace {

namespace fs = std::filesystem;

// "VmRSS:     32808 kB" in a file of /proc.
double number_in(const std::string& path, const std::string& key) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(key + ":")) return std::stod(line.substr(key.size() + 1));
    return 0;
}

struct Stat {
    std::string name;
    std::vector<std::string> rest;  // from the state on: field 3 of proc(5)
};

Stat stat_of(pid_t pid) {
    std::ifstream file(sluice::concat("/proc/", pid, "/stat"));
    std::stringstream text;
    text << file.rdbuf();
    const std::string line = text.str();
    const auto open = line.find('(');
    const auto close = line.rfind(')');
    if (open == std::string::npos || close == std::string::npos) return {};
    Stat stat{line.substr(open + 1, close - open - 1), {}};
    std::istringstream words(line.substr(close + 1));
    for (std::string word; words >> word;) stat.rest.push_back(word);
    return stat;
}

}  // namespace

Memory memory_of(pid_t pid) {
    const std::string folder = sluice::concat("/proc/", pid);
    constexpr double kib = 1024.0 / 1e6;
    return {.resident = number_in(folder + "/status", "VmRSS") * kib,
            .anonymous = number_in(folder + "/status", "RssAnon") * kib,
            .proportional = number_in(folder + "/smaps_rollup", "Pss") * kib,
            .threads = static_cast<long>(number_in(folder + "/status", "Threads"))};
}

double cpu_of(pid_t pid) {
    clockid_t clock{};
    timespec time{};
    if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return 0;
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double cpu_of_ended_children(pid_t pid) {
    const auto stat = stat_of(pid);
    // cutime and cstime, fields 16 and 17.
    if (stat.rest.size() < 15) return 0;
    return (std::stod(stat.rest[13]) + std::stod(stat.rest[14])) /
           static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::vector<Child> descendants(pid_t pid) {
    std::multimap<pid_t, Child> by_parent;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        const auto number = sluice::parse_integer(entry.path().filename().string());
        if (!number) continue;
        const auto stat = stat_of(static_cast<pid_t>(*number));
        if (stat.rest.size() < 2) continue;
        by_parent.insert({static_cast<pid_t>(std::stol(stat.rest[1])),
                          {static_cast<pid_t>(*number), stat.name}});
    }
    std::vector<Child> found;
    std::vector<pid_t> parents{pid};
    while (!parents.empty()) {
        const pid_t parent = parents.back();
        parents.pop_back();
        const auto [begin, end] = by_parent.equal_range(parent);
        for (auto at = begin; at != end; ++at) {
            found.push_back(at->second);
            parents.push_back(at->second.pid);
        }
    }
    return found;
}

double load() {
    std::ifstream file("/proc/loadavg");
    double number = 0;
    file >> number;
    return number;
}

}  // namespace bench
