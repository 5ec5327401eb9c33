// SPDX-License-Identifier: Apache-2.0
#include "platform/log/json_log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "base/json.hpp"

namespace sluice {
namespace {

std::string_view name_of(LogLevel level) {
    switch (level) {
        case LogLevel::Debug: return "debug";
        case LogLevel::Info: return "info";
        case LogLevel::Warning: return "warning";
        case LogLevel::Error: return "error";
    }
    unreachable();
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
    switch (level) {
        case LogLevel::Debug: return spdlog::level::debug;
        case LogLevel::Info: return spdlog::level::info;
        case LogLevel::Warning: return spdlog::level::warn;
        case LogLevel::Error: return spdlog::level::err;
    }
    unreachable();
}

class JsonLog final : public Log {
public:
    JsonLog(const Clock& clock, LogLevel least)
        : clock_(clock), logger_("sluice", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
        logger_.set_pattern("%v");
        logger_.set_level(spdlog_level(least));
        logger_.flush_on(spdlog::level::debug);
    }

    void write(LogLevel level, std::string_view message,
               const std::vector<LogField>& fields) override {
        if (!logger_.should_log(spdlog_level(level))) return;
        // By hand and not as one Json object: the fixed keys come first, the fields in their order.
        std::string line =
            concat("{\"time\":\"", format_rfc3339_micro(clock_.now()), "\",\"level\":\"",
                   name_of(level), "\",\"message\":", to_text(Json(message)));
        for (const auto& field : fields)
            line += concat(",", to_text(Json(field.key)), ":", to_text(Json(field.value)));
        logger_.log(spdlog_level(level), line + "}");
    }

private:
    const Clock& clock_;
    spdlog::logger logger_;
};

}  // namespace

std::unique_ptr<Log> make_json_log(const Clock& clock, LogLevel least) {
    return std::make_unique<JsonLog>(clock, least);
}

}  // namespace sluice
