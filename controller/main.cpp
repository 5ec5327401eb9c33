// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/cli.hpp"

int main(int argc, char** argv) {
    return sluice::cli::run(argc, argv);
}
