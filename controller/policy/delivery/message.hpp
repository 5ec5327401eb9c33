// SPDX-License-Identifier: Apache-2.0
// The texts of our commits (gitops.md 5.4). Words of users (subjects, metric names, causes) come in
// as one line each, so that none of them can forge a trailer: ours are the last paragraph.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "controller/policy/delivery/record.hpp"

namespace sluice::policy::delivery {

// Commit on the record branch.
std::string record_message(const RecordFacts& facts);
// Commit on the source branch that takes a rejected version back.
std::string revert_message(const RecordFacts& facts);
// Commit on the source branch that a user asked for: `sluice undo`.
struct UndoFacts {
    std::string cluster;
    std::string ns;
    std::string rollout;
    std::string path;
    std::string from_image;
    std::string to_image;
    std::string restores;  // commit
    std::string asked_by;
};
std::string undo_message(const UndoFacts& facts);

// True where the message's last paragraph says that Sluice wrote the commit.
bool carries_our_trailer(std::string_view message);
// The Sluice-Op-Id in that paragraph; empty where there is none.
std::string trailer_op_id(std::string_view message);

// One line of valid UTF-8 without control characters, at most `limit` bytes.
std::string one_line(std::string_view text, size_t limit = 200);

}  // namespace sluice::policy::delivery
