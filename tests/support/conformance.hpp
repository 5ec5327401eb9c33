// SPDX-License-Identifier: Apache-2.0
// Manifests and vectors of the field, which lie beside the repository and not in it. Tests that
// need them skip where the folder is absent.
#pragma once

#include <cstdlib>
#include <filesystem>

namespace sluice::test {

// $SLUICE_CONFORMANCE, else ../shared/conformance beside the sources. It may not be there.
inline std::filesystem::path conformance_folder() {
    const char* named = std::getenv("SLUICE_CONFORMANCE");
    return named ? std::filesystem::path(named)
                 : std::filesystem::path(SLUICE_SOURCE_DIR) / "../shared/conformance";
}

}  // namespace sluice::test
