// SPDX-License-Identifier: Apache-2.0
// Structured log lines: a constant message and fields. Never a secret in either.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"

namespace sluice {

enum class LogLevel { Debug, Info, Warning, Error };

struct LogField {
    LogField(std::string_view name, std::string_view text) : key(name), value(text) {}
    template <class Number>
        requires std::is_integral_v<Number>
    LogField(std::string_view name, Number number) : key(name), value(std::to_string(number)) {}

    std::string key;
    std::string value;
};

// Any thread. One call, one line.
class Log {
public:
    virtual ~Log() = default;
    virtual void write(LogLevel level, std::string_view message,
                       const std::vector<LogField>& fields) = 0;

    void debug(std::string_view m, const std::vector<LogField>& f = {}) {
        write(LogLevel::Debug, m, f);
    }
    void info(std::string_view m, const std::vector<LogField>& f = {}) {
        write(LogLevel::Info, m, f);
    }
    void warning(std::string_view m, const std::vector<LogField>& f = {}) {
        write(LogLevel::Warning, m, f);
    }
    void error(std::string_view m, const std::vector<LogField>& f = {}) {
        write(LogLevel::Error, m, f);
    }
};

}  // namespace sluice
