// SPDX-License-Identifier: Apache-2.0
// Parts of packs.cpp that packs_history.cpp uses too.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/packing.hpp"
#include "controller/shell/projections.hpp"
#include "platform/kube/rows.hpp"

namespace sluice::shell::packs {

// Without what others noted on it (managedFields, kubectl's copy): nothing of ours reads that.
Json slim(const Json& document);
// Of a text that slim() was written as.
Json parsed(std::string_view text);

Controller controller_in(const kube::RowHome& home);
// The hash that the names of what a Rollout owns go on with: its length is enough.
void pack_hash(Packer& packer, const std::string& name, const kube::RowHome& home,
               const std::string& hash);
std::string unpack_hash(Unpacker& unpacker, const kube::Row& row);

void pack_texts(Packer& packer, const std::vector<std::string>& texts);
std::vector<std::string> unpack_texts(Unpacker& unpacker);

}  // namespace sluice::shell::packs
