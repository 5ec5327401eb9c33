// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/delivery/message.hpp"

#include "base/text.hpp"

namespace sluice::policy::delivery {
namespace {

constexpr std::string_view op_id_trailer = "Sluice-Op-Id: ";

std::string rollout_of(const RecordFacts& facts) {
    return concat(facts.ns, "/", facts.rollout);
}

// "v1 -> v2", "v2" for the first version.
std::string change_of(const RecordFacts& facts) {
    const std::string from = one_line(version_of(facts.old_image), 60);
    const std::string to = one_line(version_of(facts.new_image), 60);
    if (from.empty() || facts.old_image == facts.new_image) return to;
    return concat(from, " -> ", to);
}

std::string weight_of(const RecordFacts& facts) {
    return facts.weight ? concat(*facts.weight, " %") : "";
}

// "2026-11-20T10:31:07.000000Z" without the fraction.
std::string whole_seconds(std::string_view time) {
    const auto when = parse_rfc3339(time);
    return when.ok() ? format_rfc3339(*when) : std::string(time);
}

// "error-rate was 0.041, wanted result[0] < 0.01 (5 samples)"
std::string check_of(const RecordFacts& facts) {
    if (facts.check.empty()) return {};
    std::string text = concat(one_line(facts.check, 100), " was ", one_line(facts.value, 60));
    if (!facts.threshold.empty()) text += concat(", wanted ", one_line(facts.threshold));
    if (facts.samples)
        text += concat(" (", *facts.samples, *facts.samples == 1 ? " sample)" : " samples)");
    return text;
}

// "Canary shop/shop failed at 5 %: error-rate was … ."
std::string failure_of(const RecordFacts& facts) {
    std::string text =
        concat("Canary ", rollout_of(facts), facts.errored ? " could not be measured" : " failed");
    if (facts.weight) text += concat(" at ", weight_of(facts));
    const std::string check = check_of(facts);
    const std::string why = check.empty() ? one_line(facts.cause) : check;
    return concat(text, why.empty() ? "" : ": ", why, ".\n");
}

std::string traffic_of(const RecordFacts& facts) {
    if (facts.restored_at.empty()) return {};
    const std::string to = one_line(version_of(facts.old_image), 60);
    std::string text = concat("Traffic returned to ", to.empty() ? "the stable version" : to,
                              " at ", whole_seconds(facts.restored_at));
    const auto restored = parse_rfc3339(facts.restored_at);
    const auto verdict = parse_rfc3339(facts.verdict_at);
    if (restored.ok() && verdict.ok() && *restored >= *verdict)
        text += concat(", ", format_duration(*restored - *verdict), " after the verdict");
    return concat(text, ".\n");
}

std::string trailer(std::string_view key, std::string_view value, size_t limit = 400) {
    const std::string line = one_line(value, limit);
    return line.empty() ? "" : concat("Sluice-", key, ": ", line, "\n");
}

std::string image_trailer(const RecordFacts& facts, bool back) {
    const auto& from = back ? facts.new_image : facts.old_image;
    const auto& to = back ? facts.old_image : facts.new_image;
    if (from.empty()) return trailer("Image", to);
    return trailer("Image", concat(from, " -> ", to));
}

std::string common_trailers(const RecordFacts& facts) {
    return concat("Sluice-Record: v1\n", trailer("Op-Id", facts.op_id), trailer("Kind", facts.kind),
                  trailer("Cluster", facts.cluster), trailer("Rollout", rollout_of(facts)),
                  trailer("Source-Commit", facts.source_commit));
}

std::string failed_check_trailer(const RecordFacts& facts) {
    if (facts.check.empty()) return {};
    return trailer("Failed-Check",
                   concat(one_line(facts.check, 100), " value=", one_line(facts.value, 60),
                          " threshold=", one_line(facts.threshold, 160),
                          facts.weight ? concat(" weight=", *facts.weight) : ""));
}

std::string record_subject(const RecordFacts& facts) {
    const std::string where = concat(" (", one_line(facts.cluster, 60), ")");
    const std::string what = concat(rollout_of(facts), " ", change_of(facts));
    if (facts.kind == "step")
        return concat("sluice: passed ", weight_of(facts), " of ", what, where);
    if (facts.kind == "promoted") return concat("sluice: promoted ", what, where);
    if (facts.kind == "rolledback") return concat("sluice: rolled back ", what, where);
    if (facts.kind == "reverted") return concat("sluice: reverted ", what, where);
    if (facts.kind == "aborted") return concat("sluice: aborted ", what, where);
    if (facts.kind == "superseded") return concat("sluice: superseded ", what, where);
    return concat("sluice: did not revert ", what, where);
}

std::string record_body(const RecordFacts& facts) {
    if (facts.kind == "rolledback") return concat(failure_of(facts), traffic_of(facts), "\n");
    if (facts.kind == "reverted")
        return concat("Commit ", facts.revert_commit, " takes ", facts.source_commit,
                      " back, limited to ", one_line(facts.source_path), ".\n\n");
    if (facts.kind == "revert-skipped") return concat("Reason: ", one_line(facts.reason), ".\n\n");
    return {};
}

// The last paragraph, which git takes for the trailers.
std::string_view last_paragraph(std::string_view message) {
    message = trim(message);
    const auto gap = message.rfind("\n\n");
    return gap == std::string_view::npos ? std::string_view{} : message.substr(gap + 2);
}

}  // namespace

std::string one_line(std::string_view text, size_t limit) {
    std::string line;
    bool blank = false;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte <= 0x20 || byte == 0x7f) {
            blank = !line.empty();
            continue;
        }
        if (blank) line += ' ';
        blank = false;
        line += c;
    }
    if (line.size() <= limit) return line;
    size_t end = limit > 3 ? limit - 3 : 0;
    // Not in the middle of a UTF-8 sequence.
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) --end;
    return line.substr(0, end) + "...";
}

std::string record_message(const RecordFacts& facts) {
    return concat(record_subject(facts), "\n\n", record_body(facts), common_trailers(facts),
                  image_trailer(facts, facts.kind == "reverted"), failed_check_trailer(facts),
                  trailer("Record-Path", record_path(facts)));
}

std::string revert_message(const RecordFacts& facts) {
    const std::string subject = one_line(facts.source_subject, 120);
    return concat("Revert \"", subject.empty() ? one_line(facts.source_commit, 12) : subject,
                  "\" [sluice rollback]\n\n", failure_of(facts), traffic_of(facts),
                  "This reverts commit ", facts.source_commit, ", limited to ",
                  one_line(facts.source_path), ".\n\n", common_trailers(facts),
                  trailer("Reverts", facts.source_commit), trailer("Restores", facts.restores),
                  image_trailer(facts, true), failed_check_trailer(facts),
                  trailer("Record-Path", record_path(facts)));
}

std::string undo_message(const UndoFacts& facts) {
    const std::string rollout = concat(facts.ns, "/", facts.rollout);
    return concat("Undo ", rollout, " to ", one_line(version_of(facts.to_image), 60),
                  " [sluice undo]\n\n", "Restores ", one_line(facts.path), " as of commit ",
                  facts.restores, ".\n\n", "Sluice-Record: v1\nSluice-Kind: undo\n",
                  trailer("Cluster", facts.cluster), trailer("Rollout", rollout),
                  trailer("Restores", facts.restores),
                  trailer("Image", concat(facts.from_image, " -> ", facts.to_image)),
                  trailer("Asked-By", facts.asked_by));
}

bool carries_our_trailer(std::string_view message) {
    return concat("\n", last_paragraph(message)).find("\nSluice-Op-Id: ") != std::string::npos;
}

std::string trailer_op_id(std::string_view message) {
    const std::string paragraph = concat("\n", last_paragraph(message), "\n");
    const auto at = paragraph.find(concat("\n", op_id_trailer));
    if (at == std::string::npos) return {};
    const auto from = at + 1 + op_id_trailer.size();
    return std::string(trim(paragraph.substr(from, paragraph.find('\n', from) - from)));
}

}  // namespace sluice::policy::delivery
