// SPDX-License-Identifier: Apache-2.0
// Client-side apply, as kubectl does it: what was declared last time, what is declared now, and
// what is there. Pure. Source: kubernetes.io "Declarative Management: How apply calculates
// differences".
#pragma once

#include "base/json.hpp"

namespace sluice::policy::source {

// What the object should become: declared fields as declared, fields that are declared no longer
// removed, fields that nobody ever declared left alone. `before` is null where nothing is known.
// Lists are atomic, save that what a server or a controller added inside their items stays while
// the items keep their number, order and names.
Json three_way(const Json& before, const Json& declared, const Json& live);

// True where everything `declared` says holds in `live`, which may say more.
bool covers(const Json& live, const Json& declared);

}  // namespace sluice::policy::source
