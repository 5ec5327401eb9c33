// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/cli.hpp"

#include <CLI/CLI.hpp>

namespace sluice::cli {

int run(int argc, char** argv) {
    CLI::App app{"sluice: progressive delivery from Git to Git"};
    CLI11_PARSE(app, argc, argv);
    return 0;
}

}  // namespace sluice::cli
