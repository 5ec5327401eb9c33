// SPDX-License-Identifier: Apache-2.0
// Regular expressions of users: RE2, which is what Go's regexp is, and which needs time linear in
// its input whatever the pattern.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.hpp"

namespace sluice::analysis {

// A compiled pattern; cheap to copy, any thread.
class Pattern {
public:
    // Invalid: "error parsing regexp: what: `where`", or that it is too long or needs too much
    // memory.
    static Result<Pattern> compile(std::string_view source);

    // Whether it is found anywhere in the text, as Go's regexp.MatchString has it.
    [[nodiscard]] bool found_in(std::string_view text) const;
    // What one byte of text costs at worst.
    [[nodiscard]] size_t size() const;

private:
    struct Compiled;
    explicit Pattern(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
    std::shared_ptr<const Compiled> compiled_;
};

// Both at once.
Result<bool> found_in(std::string_view pattern, std::string_view text);

}  // namespace sluice::analysis
