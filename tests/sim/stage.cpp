// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/stage.hpp"

#include <iostream>

#include "base/text.hpp"

namespace sluice::sim {
namespace {

standalone::apiserver::Identities counted() {
    auto count = std::make_shared<long>(0);
    const auto next = [count](const char* prefix) { return concat(prefix, 1000 + ++*count); };
    return {[next] { return next("00000000-0000-4000-8000-00000000"); },
            [next] { return next("x"); }};
}

}  // namespace

void Trace::say(std::string_view line) const {
    if (!on_) return;
    const auto since = (clock_.now() - begin_).count();
    std::string fraction = std::to_string(since % 1000);
    fraction.insert(0, 3 - fraction.size(), '0');
    std::cerr << since / 1000 << '.' << fraction << "  " << line << '\n';
}

void Trace::write(LogLevel level, std::string_view message, const std::vector<LogField>& fields) {
    if (!on_) return;
    std::string line = concat(level == LogLevel::Error     ? "ERROR "
                              : level == LogLevel::Warning ? "warn  "
                                                           : "      ",
                              message);
    for (const auto& field : fields) line += concat(" ", field.key, "=", field.value);
    say(line);
}

Stage::Stage(std::uint64_t seed, bool trace_on)
    : trace(clock, trace_on),
      chance(seed),
      store(standalone::store::Store::open({.path = ":memory:"}).value()),
      handler(*store, clock, trace, counted()),
      server(handler, clock) {
    handler.prepare().value();
}

std::string store_type(const ResourceType& type) {
    return type.group.empty() ? type.plural : concat(type.plural, ".", type.group);
}

}  // namespace sluice::sim
