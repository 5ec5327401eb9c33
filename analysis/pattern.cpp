// SPDX-License-Identifier: Apache-2.0
#include "analysis/pattern.hpp"

#include <re2/re2.h>

#include <algorithm>

#include "base/text.hpp"

namespace sluice::analysis {

struct Pattern::Compiled {
    explicit Compiled(std::string_view source);
    RE2 engine;
};

namespace {

constexpr size_t longest_pattern = 4096;
constexpr int64_t most_memory = 256 << 10;  // of the compiled pattern and its automaton

re2::StringPiece piece(std::string_view text) {
    return {text.data(), text.size()};
}

RE2::Options quiet_options() {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(most_memory);
    return options;
}

// The words of Go's regexp/syntax, which people look up.
std::string_view what_go_says(const RE2& engine) {
    switch (engine.error_code()) {
        case RE2::ErrorBadEscape: return "invalid escape sequence";
        case RE2::ErrorBadCharClass: return "invalid character class";
        case RE2::ErrorBadCharRange: return "invalid character class range";
        case RE2::ErrorMissingBracket: return "missing closing ]";
        case RE2::ErrorMissingParen: return "missing closing )";
        case RE2::ErrorUnexpectedParen: return "unexpected )";
        case RE2::ErrorTrailingBackslash: return "trailing backslash at end of expression";
        case RE2::ErrorRepeatArgument: return "missing argument to repetition operator";
        case RE2::ErrorRepeatSize: return "invalid repeat count";
        case RE2::ErrorRepeatOp: return "invalid nested repetition operator";
        case RE2::ErrorBadPerlOp: return "invalid or unsupported Perl syntax";
        case RE2::ErrorBadUTF8: return "invalid UTF-8";
        case RE2::ErrorBadNamedCapture: return "invalid named capture";
        case RE2::ErrorPatternTooLarge: return "expression too large";
        default: return "internal error";
    }
}

}  // namespace

Pattern::Compiled::Compiled(std::string_view source) : engine(piece(source), quiet_options()) {}

Result<Pattern> Pattern::compile(std::string_view source) {
    if (source.size() > longest_pattern)
        return invalid(
            concat("error parsing regexp: the pattern is longer than ", longest_pattern, " bytes"));
    auto compiled = std::make_shared<const Compiled>(source);
    if (compiled->engine.ok()) return Pattern(std::move(compiled));
    const std::string& where = compiled->engine.error_arg();
    return invalid(concat("error parsing regexp: ", what_go_says(compiled->engine),
                          where.empty() ? "" : concat(": `", where, "`")));
}

bool Pattern::found_in(std::string_view text) const {
    return RE2::PartialMatch(piece(text), compiled_->engine);
}

size_t Pattern::size() const {
    return static_cast<size_t>(std::max(compiled_->engine.ProgramSize(), 1));
}

Result<bool> found_in(std::string_view pattern, std::string_view text) {
    return TRY(Pattern::compile(pattern)).found_in(text);
}

}  // namespace sluice::analysis
