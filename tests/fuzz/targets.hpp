// SPDX-License-Identifier: Apache-2.0
// What is fuzzed: parsers that meet the outside. Each takes any bytes and must come back soon; what
// it says does not matter.
#pragma once

#include <string_view>

namespace sluice::fuzz {

// A condition on a result that the first byte chooses.
void condition(std::string_view bytes);
// A path up to the first line's end, then a document.
void json_path(std::string_view bytes);
// A provider's name up to the first line's end, then a reply's body.
void reply(std::string_view bytes);

}  // namespace sluice::fuzz
