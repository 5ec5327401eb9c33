// SPDX-License-Identifier: Apache-2.0
// JSON documents. This header costs little (json_fwd); a .cpp that touches values includes
// <nlohmann/json.hpp> itself. Objects keep their keys sorted, so texts are deterministic.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sluice {

using Json = nlohmann::json;

// Invalid with the byte offset. Nesting is bounded (512), so hostile text cannot exhaust the stack.
Result<Json> parse_json(std::string_view text);
// The same, but each object of the list `list` at the top goes to `take` as soon as it is parsed
// and is left out of the result: a long list is never whole in memory. What was taken before an
// error stays taken. `take` must not throw.
Result<Json> parse_json_items(std::string_view text, std::string_view list,
                              const std::function<void(Json&&)>& take);
// Compact text; bytes that are not UTF-8 become U+FFFD.
std::string to_text(const Json& value);
std::string to_pretty_text(const Json& value);

// The value at a path such as {"spec", "strategy", "canary"}, or null where any part is absent.
const Json* find(const Json& object, std::initializer_list<std::string_view> path);
// The text there, or `otherwise` where it is absent or not a string.
std::string text_at(const Json& object, std::initializer_list<std::string_view> path,
                    std::string_view otherwise = {});
long integer_at(const Json& object, std::initializer_list<std::string_view> path,
                long otherwise = 0);
bool bool_at(const Json& object, std::initializer_list<std::string_view> path,
             bool otherwise = false);

// RFC 7386. Applies `patch` to `target`.
void apply_merge_patch(Json& target, const Json& patch);
// The RFC 7386 patch that turns `from` into `to`; an empty object when they are equal.
Json diff_merge_patch(const Json& from, const Json& to);
// RFC 6902; Invalid names the operation that failed (a failed `test` included).
Result<Json> apply_json_patch(const Json& target, const Json& patch);

}  // namespace sluice
