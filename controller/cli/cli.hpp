// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace sluice::cli {

// Runs one verb. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 timed out.
int run(int argc, char** argv);

}  // namespace sluice::cli
