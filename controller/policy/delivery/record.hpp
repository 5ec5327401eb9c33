// SPDX-License-Identifier: Apache-2.0
// What lies on the record branch (gitops.md 5.4): ids, paths, the JSON of a record, latest.json.
// Everything here depends on its arguments alone, so the same outcome gives the same bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "crds/delivery.hpp"

namespace sluice::policy::delivery {

// Who writes. The id goes into operation ids, the name into paths and texts.
struct Identity {
    std::string cluster_id;
    std::string cluster_name;
    std::string version;
    std::string instance;
    bool operator==(const Identity&) const = default;
};

// The first 26 hex digits of
// sha256("v1|cluster|rolloutUID|sourceCommit|specDigest|attempt|kind[|step]").
std::string op_id(const Identity& who, const crds::DeliverySpec& spec, crds::DeliveryOpKind kind,
                  std::optional<long> step = {});

struct RecordInput {
    crds::DeliveryOpKind kind;
    std::optional<crds::DeliveryStep> step;  // for kind Step
    std::string restores;                    // commit of the revision that came back, where known
    std::string old_digest;
    std::string reason;  // why no revert, for kind RevertSkipped
    std::string prev;    // operation id of the Rollout's record before this one
};

// An operation with its record, timestamps fixed at `now` (W0).
crds::DeliveryOp make_op(const Identity& who, const crds::Delivery& delivery,
                         const RecordInput& input, TimePoint now);

// What the paths and the commit texts need, read back from a record.
struct RecordFacts {
    std::string op_id;
    std::string kind;
    std::string cluster;
    std::string ns;
    std::string rollout;
    std::string created_at;
    std::string old_image;
    std::string new_image;
    std::string old_digest;
    std::string source_commit;
    std::string source_path;
    std::string source_subject;
    std::string prev;
    std::optional<long> weight;
    std::string check;
    std::string value;
    std::string threshold;
    std::optional<long> samples;
    std::string cause;
    bool errored = false;  // it could not be measured
    std::string verdict_at;
    std::string restored_at;
    std::string restores;
    std::string revert_commit;
    std::string reason;
};
// Invalid where the text is no record of ours.
Result<RecordFacts> read_record(std::string_view record);

// "v1/<cluster>/<ns>/<rollout>"
std::string record_folder(const RecordFacts& facts);
// ".../2026/11/<opId>.json"
std::string record_path(const RecordFacts& facts);
// ".../good/<path>": the last promoted file.
std::string good_path(const RecordFacts& facts, std::string_view path);

// A revert's record once the revert has a commit, or a reason why there is none: then of kind
// RevertSkipped, under `skipped_id`.
std::string with_revert_commit(std::string_view record, std::string_view commit);
std::string as_revert_skipped(std::string_view record, std::string_view skipped_id,
                              std::string_view reason);

// latest.json with this record in it: the newest step and the newest outcome. Never goes back.
std::string merge_latest(std::string_view latest, std::string_view record);

// README.md of a new record branch.
std::string_view record_readme();

// "v2" of "registry:5000/shop:v2@sha256:…"; the digest's first 12 where there is no tag.
std::string version_of(std::string_view image);

}  // namespace sluice::policy::delivery
