// SPDX-License-Identifier: Apache-2.0
// Broken invariants end the process, in release too: a restarted controller re-reads the world.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace sluice {

[[noreturn]] inline void fail_check(const char* what, std::source_location where) {
    std::fprintf(stderr, "%s:%u: %s\n", where.file_name(), static_cast<unsigned>(where.line()),
                 what);
    std::abort();
}

inline void check(bool holds, const char* what,
                  std::source_location where = std::source_location::current()) {
    if (!holds) fail_check(what, where);
}

[[noreturn]] inline void unreachable(std::source_location where = std::source_location::current()) {
    fail_check("unreachable code was reached", where);
}

}  // namespace sluice
