// SPDX-License-Identifier: Apache-2.0
// Differences that are known and have a reason in docs/differences.md.
#pragma once

#include <string>
#include <vector>

#include "tests/oracle/normal_form.hpp"

namespace sluice::oracle {

// Every path of it is different in at least one of its rows, or it has outlived itself.
struct Exception {
    std::string id;                  // "pod-defaults", as in docs/differences.md
    std::vector<std::string> rows;   // "pods/a pod is made"; * stands for anything
    std::vector<std::string> paths;  // "/body/spec/*"
};

// Throws std::runtime_error.
std::vector<Exception> load_exceptions(const std::string& file);

bool matches(const std::string& pattern, const std::string& text);

class Excuses {
public:
    explicit Excuses(std::vector<Exception> exceptions);

    // What is left of a row's differences. `row` is "pods/a pod is made".
    std::vector<Difference> unexcused(const std::string& row, std::vector<Difference> found);
    // What excused nothing, though rows of `script` were to be excused by it: "pods/* /body/x".
    [[nodiscard]] std::vector<std::string> outlived(const std::string& script) const;

private:
    struct Use {
        const Exception* exception;
        std::string pattern;
        bool of_rows;
        bool used = false;
    };
    std::vector<Exception> exceptions_;
    std::vector<Use> uses_;
};

}  // namespace sluice::oracle
