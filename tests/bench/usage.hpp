// SPDX-License-Identifier: Apache-2.0
// What a process costs, as the kernel tells it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace bench {

struct Memory {
    double resident = 0;      // MB of 10^6 bytes here and below; VmRSS
    double anonymous = 0;     // RssAnon: what is not a mapped file
    double proportional = 0;  // Pss; shared pages count by their share
    long threads = 0;
};
Memory memory_of(pid_t pid);

// Seconds of processor time of a process with its ended threads, to the nanosecond.
double cpu_of(pid_t pid);
// Of children that ended and were waited for, to the hundredth.
double cpu_of_ended_children(pid_t pid);

struct Child {
    pid_t pid = 0;
    std::string name;
};
// Running descendants.
std::vector<Child> descendants(pid_t pid);

// The first number of /proc/loadavg.
double load();

}  // namespace bench
