// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sluice {

// Whether an errno says that a disk, a quota or the largest size of a file is reached.
bool means_no_space(int code);

// NotFound, Denied or Unavailable (an I/O error) with the path; Invalid over `limit` bytes.
Result<std::string> read_file(const std::string& path, size_t limit = 16U << 20);

// The whole file or nothing: written beside, flushed, renamed. NoSpace where there is none. `mode`
// as in open(2), such as 0600.
Result<void> write_file(const std::string& path, std::string_view bytes, unsigned mode);

}  // namespace sluice
