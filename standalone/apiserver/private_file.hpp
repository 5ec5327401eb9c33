// SPDX-License-Identifier: Apache-2.0
// Small files with secrets: whole or not at all, for their owner only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sluice::standalone::apiserver {

// Mode 0700, with parents.
Result<void> make_private_folder(const std::string& path);
// Mode 0600; an older content stays until the new one is on disk.
Result<void> write_private_file(const std::string& path, std::string_view content);
// Nothing where the file does not exist.
Result<std::optional<std::string>> read_file_if_there(const std::string& path);

}  // namespace sluice::standalone::apiserver
