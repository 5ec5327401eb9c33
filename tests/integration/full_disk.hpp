// SPDX-License-Identifier: Apache-2.0
// A disk that takes no more: the kernel's own limit on the size of files (RLIMIT_FSIZE), which
// needs no rights, holds for one process and what it starts, and can be lifted again.
#pragma once

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

namespace sluice::test {

class FullDisk {
public:
    // No file of `process` (0: of this one) grows beyond `bytes`, until this is destroyed.
    explicit FullDisk(rlim_t bytes, pid_t process = 0) : process_(process) {
        if (process == 0) ::signal(SIGXFSZ, SIG_IGN);
        set(bytes);
    }
    ~FullDisk() { make_room(); }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

    void make_room() { set(RLIM_INFINITY); }

private:
    void set(rlim_t bytes) {
        rlimit limit{};
        ::prlimit(process_, RLIMIT_FSIZE, nullptr, &limit);
        limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
        ::prlimit(process_, RLIMIT_FSIZE, &limit, nullptr);
    }

    pid_t process_;
};

}  // namespace sluice::test
