// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/targets.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "analysis/conditions/condition.hpp"
#include "analysis/providers/json_path.hpp"
#include "analysis/providers/provider.hpp"

namespace sluice::fuzz {
namespace {

analysis::Value chosen_result(unsigned char choice) {
    switch (choice % 6) {
        case 0: return analysis::Value{};
        case 1: return analysis::floats({0.98, std::nan(""), HUGE_VAL});
        case 2: return analysis::floats({});
        case 3: return analysis::Value{0.5};
        case 4: return analysis::Value{"all is well"};
        default:
            return analysis::value_of(
                Json::parse(R"({"a": {"b": [1, 2.5, null, "x"]}, "n": 3, "t": true})"));
    }
}

struct Halves {
    std::string_view head, rest;
};

Halves at_line_end(std::string_view bytes) {
    const auto end = bytes.find('\n');
    if (end == std::string_view::npos) return {bytes, {}};
    return {bytes.substr(0, end), bytes.substr(end + 1)};
}

}  // namespace

void condition(std::string_view bytes) {
    if (bytes.empty()) return;
    const auto result = chosen_result(static_cast<unsigned char>(bytes[0]));
    (void)analysis::assess(result, bytes.substr(1), "", TimePoint{});
}

void json_path(std::string_view bytes) {
    const auto [path, text] = at_line_end(bytes);
    const auto document = parse_json(text);
    (void)analysis::find_json_path(path, document.ok() ? *document : Json::object());
}

void reply(std::string_view bytes) {
    const auto [name, body] = at_line_end(bytes);
    const crds::Metric metric{.name = "m", .providers = {{std::string(name), "{}"}}};
    for (const int status : {200, 400, 500})
        (void)analysis::parse_reading(metric, {status, {}, std::string(body)});
}

}  // namespace sluice::fuzz
