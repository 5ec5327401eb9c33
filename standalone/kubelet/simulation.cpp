// SPDX-License-Identifier: Apache-2.0
#include "standalone/kubelet/simulation.hpp"

#include "base/text.hpp"

namespace sluice::standalone::kubelet {

Result<Simulation> parse_simulation(std::string_view text) {
    Simulation simulation;
    for (const auto& word : split(text, ' ')) {
        if (trim(word).empty()) continue;
        const auto equals = word.find('=');
        const auto name = word.substr(0, equals);
        const auto value = equals == std::string::npos ? "" : word.substr(equals + 1);
        if (word == "never-ready") {
            simulation.ready_after.reset();
        } else if (name == "ready-after") {
            simulation.ready_after = TRY(parse_duration(value).while_doing(word));
        } else if (name == "exit-after") {
            simulation.exit_after = TRY(parse_duration(value).while_doing(word));
        } else if (name == "code" && parse_integer(value)) {
            simulation.exit_code = static_cast<int>(*parse_integer(value));
        } else {
            return invalid(concat(simulate_annotation, ": expected ready-after=, never-ready, ",
                                  "exit-after= or code=, found \"", word, "\""));
        }
    }
    return simulation;
}

}  // namespace sluice::standalone::kubelet
