// SPDX-License-Identifier: Apache-2.0
// The entry of libFuzzer; SLUICE_FUZZ_TARGET names one of targets.hpp.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    sluice::fuzz::SLUICE_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
    return 0;
}
