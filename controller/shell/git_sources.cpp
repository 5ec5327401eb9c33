// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/git_sources.hpp"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>

#include "base/text.hpp"
#include "controller/shell/git_source_open.hpp"
#include "controller/shell/git_source_read.hpp"
#include "controller/shell/git_source_status.hpp"
#include "controller/shell/packs.hpp"

namespace sluice::shell {
namespace {

using namespace std::chrono_literals;

constexpr Duration between_hints = 500ms;

GitSourceMark mark_of(const kube::Row& row) {
    const Json document = document_of(row).document;
    return {
        .key = key_of(text_at(document, {"metadata", "namespace"}),
                      text_at(document, {"metadata", "name"})),
        .generation = integer_at(document, {"metadata", "generation"}),
        .reconcile_at = text_at(document, {"metadata", "annotations", "sluice.dev/reconcile-at"})};
}

QuarantineMark quarantine_of(const kube::Row& row) {
    return {.stands = delivery_of(row).quarantined()};
}

std::string all_problems(const std::vector<Problem>& problems) {
    std::vector<std::string> texts;
    for (const auto& problem : problems) texts.push_back(to_text(problem));
    return join(texts, "; ");
}

}  // namespace

GitSources::GitSources(Options options, Caches& caches, const kube::Client& client,
                       EventSink events, const Clock& clock, Log& log)
    : options_(std::move(options)),
      client_(client),
      events_(std::move(events)),
      clock_(clock),
      log_(log),
      kinds_(client),
      caches_(caches),
      sources_(caches.git_sources, mark_of),
      quarantines_(caches.deliveries, quarantine_of),
      jitter_(options_.jitter_seed),
      reconciler_(
          {.name = "gitsource", .workers = options_.workers, .backoff = {}, .done = options_.done},
          [this](const std::string& key) { return reconcile(key); }, clock, log) {
    sources_.listen(
        [this](const std::string& key, const GitSourceMark* old, const GitSourceMark* fresh) {
            if (!old || !fresh || old->generation != fresh->generation ||
                old->reconcile_at != fresh->reconcile_at)
                reconciler_.add(key);
        });
    // A lifted quarantine lets a version through that Git has been declaring all along.
    quarantines_.listen(
        [this](const std::string&, const QuarantineMark* old, const QuarantineMark* fresh) {
            if (!old || !old->stands || (fresh && fresh->stands)) return;
            for (const auto& source : sources_.all()) reconciler_.add(source->key);
        });
}

GitSources::~GitSources() {
    stop();
}

void GitSources::start() {
    reconciler_.start();
}

void GitSources::stop() {
    stop_.request_stop();
    reconciler_.stop();
}

bool GitSources::synced() const {
    return caches_.synced({resources::git_sources, resources::deliveries});
}

Duration GitSources::with_jitter(Duration interval) {
    const std::lock_guard lock(jitter_mutex_);
    return interval +
           Duration{std::uniform_int_distribution<long>(0, interval.count() / 10)(jitter_)};
}

void GitSources::hint(const std::string& key) {
    if (!knows(key)) return;
    const auto now = clock_.steady();
    Duration wait{0};
    {
        const std::lock_guard lock(hints_mutex_);
        auto& last = hinted_[key];
        if (now - last < between_hints)
            wait = between_hints - (now - last);
        else
            last = now;
    }
    reconciler_.add_after(key, wait);
}

Result<std::unique_ptr<git::Repository>> GitSources::open_for(const crds::GitSource& source) {
    if (options_.open) return options_.open(source);
    auto repository = TRY(open_repository_of(source, client_,
                                             {.data_dir = options_.data_dir,
                                              .git_program = options_.git_program,
                                              .stop = stop_.get_token()},
                                             log_));
    return options_.wrap ? options_.wrap(std::move(repository)) : std::move(repository);
}

Result<std::unique_ptr<git::Repository>> GitSources::open(const std::string& key) {
    const auto [ns, name] = split_key(key);
    const auto document = TRY(client_.get({resources::git_sources, ns, name}));
    std::vector<Problem> problems;
    const auto source = crds::decode_git_source(document, problems);
    // What has problems may name the wrong repository: nothing is written to it.
    if (!problems.empty())
        return invalid(
            concat("open the repository of git source ", key, ": ", all_problems(problems)));
    return open_for(source);
}

void GitSources::forget(const std::string& key) {
    const std::lock_guard lock(hints_mutex_);
    hinted_.erase(key);
    const auto [ns, name] = split_key(key);
    if (ns.empty() || name.empty()) return;
    // The mirror can be fetched again; its Rollouts and their Deliveries stay as they are.
    std::error_code ignored;
    std::filesystem::remove_all(concat(options_.data_dir, "/git/", key), ignored);
}

Result<void> GitSources::write_status(crds::GitSource& source,
                                      const crds::GitSourceStatus& status) {
    const Json before = crds::encode_git_source_status(source.status);
    const Json after = crds::encode_git_source_status(status);
    const Json difference = diff_merge_patch(before, after);
    if (difference.empty()) return {};
    const Json patch{{"metadata", {{"resourceVersion", source.resource_version}}},
                     {"status", difference}};
    const Json written = TRY(client_.patch({resources::git_sources, source.ns, source.name},
                                           kube::PatchType::Merge, patch, "status"));
    source.resource_version = text_at(written, {"metadata", "resourceVersion"});
    source.status = status;
    return {};
}

// One look at one source: from the branch's tip to the status that says what became of it.
struct GitSources::Look {
    GitSources& owner;
    crds::GitSource& source;
    crds::GitSourceStatus status;
    git::Repository& repository;

    [[nodiscard]] TimePoint now() const { return owner.clock_.now(); }

    void event(bool warning, std::string reason, std::string message) const {
        owner.events_({{resources::git_sources, source.ns, source.name},
                       source.uid,
                       warning,
                       std::move(reason),
                       std::move(message)});
    }

    // What to work from, and how long until the next look. When the branch cannot be had, drift is
    // still repaired from the commit that was last applied.
    struct Ground {
        std::optional<git::Oid> commit;
        Duration next;
        bool current = true;  // it is the branch's tip
    };

    std::optional<git::Oid> last_attempted() {
        auto commit = git::Oid::parse(source.status.attempted_commit);
        if (!commit.ok() || !repository.commit_info(*commit).ok()) return std::nullopt;
        return std::move(commit).value();
    }

    Ground fetch_failed(const Error& error) {
        const auto next =
            owner.with_jitter(fetch_backoff(status.failures + 1, source.spec.interval));
        const bool first = status.failures == 0;
        say_fetch_failed(status, error, next, now());
        if (first) event(true, "FetchFailed", error.message);
        owner.log_.warning("git fetch failed", {{"gitsource", key_of(source.ns, source.name)},
                                                {"error", error.message},
                                                {"failures", status.failures}});
        return {last_attempted(), next, false};
    }

    // A rewritten history is served like any: what the branch declares now is what people want.
    // They are told, for it may have been a slip, and how to undo it.
    void look_at_history(const git::Oid& tip) {
        const auto before = git::Oid::parse(source.status.remote_commit);
        if (!before.ok() || *before == tip) return;
        const auto contained = repository.contains(tip, *before);
        if (!contained.ok()) return;
        if (*contained) return say_not_rewritten(status);
        say_rewritten(status, source, before->text(), tip.text(), now());
        event(true, "HistoryRewritten",
              crds::find_condition(status.conditions, "HistoryRewritten")->message);
        owner.log_.warning("git history rewritten", {{"gitsource", key_of(source.ns, source.name)},
                                                     {"before", before->text()},
                                                     {"now", tip.text()}});
    }

    Ground find_ground() {
        const auto& branch = source.spec.branch;
        auto tip = repository.remote_tip(branch);
        // What is here already, fetched or written by ourselves, need not be fetched.
        if (tip.ok() && *tip && !repository.commit_info(**tip).ok()) tip = repository.fetch(branch);
        if (!tip.ok()) return fetch_failed(tip.error());
        const auto next = owner.with_jitter(source.spec.interval);
        if (*tip) {
            look_at_history(**tip);
            return {*tip, next, true};
        }
        say_no_branch(status, source, now());
        return {last_attempted(), next, false};
    }

    void tell(const ApplyOutcome& outcome, const std::string& commit) const {
        std::vector<std::string> done = outcome.changed;
        for (const auto& pruned : outcome.pruned) done.push_back(pruned + " deleted");
        const std::string at = concat(source.spec.branch, "@", commit.substr(0, 10));
        if (!outcome.changed.empty())
            event(false, "Applied", concat(at, ": ", join(outcome.changed, ", ")));
        if (!outcome.pruned.empty())
            event(false, "Pruned", concat(at, ": ", join(outcome.pruned, ", ")));
        if (!done.empty())
            owner.log_.info("git source applied", {{"gitsource", key_of(source.ns, source.name)},
                                                   {"commit", commit},
                                                   {"changes", join(done, ", ")}});
        if (status.problems != source.status.problems && !status.problems.empty()) {
            const auto* ready = crds::find_condition(status.conditions, "Ready");
            event(true, ready->reason, ready->message);
            owner.log_.warning("git source has problems",
                               {{"gitsource", key_of(source.ns, source.name)},
                                {"commit", commit},
                                {"problems", status.problems.size()},
                                {"first", status.problems.front().message}});
        }
        if (!outcome.quarantined.empty() &&
            !crds::find_condition(source.status.conditions, "Quarantined"))
            event(true, "Quarantined", join(outcome.quarantined, "; "));
    }

    Result<std::optional<Duration>> run() {
        const Ground ground = find_ground();
        if (owner.stop_.stop_requested()) return std::optional<Duration>{};
        status.observed_generation = source.generation;
        status.handled_reconcile_at = source.reconcile_at;
        if (!ground.commit) {
            TRY(owner.write_status(source, status));
            return std::optional(ground.next);
        }
        const std::string commit = ground.commit->text();
        auto reading = read_branch(repository, source, *ground.commit, owner.options_.decoders);
        if (reading.failed_with(ErrorKind::Invalid)) {
            say_invalid(status, reading.error().message, now());
            TRY(owner.write_status(source, status));
            return std::optional(ground.next);
        }
        if (owner.stop_.stop_requested()) return std::optional<Duration>{};
        if (!reading.ok()) {
            const Ground again = fetch_failed(reading.error());
            TRY(owner.write_status(source, status));
            return std::optional(again.next);
        }
        const ApplyOutcome outcome = TRY(apply(*reading, ground));
        if (ground.current) {
            say_outcome(status, source, commit, outcome, problems_of(*reading), now());
        } else {
            status.inventory = outcome.inventory;
        }
        tell(outcome, commit);
        TRY(owner.write_status(source, status));
        if (outcome.again) return *outcome.again;
        return std::optional(ground.next);
    }

    Result<ApplyOutcome> apply(const BranchReading& reading, const Ground& ground) {
        Applier applier(owner.client_, owner.kinds_, owner.log_);
        if (source.spec.mode == crds::GitSourceMode::Observe)
            return applier.observe(source, reading);
        return applier.apply(source, reading, [&](const auto& inventory) -> Result<void> {
            auto announced = source.status;
            announced.inventory = inventory;
            if (ground.current) say_applying(announced, reading.commit, now());
            return owner.write_status(source, announced);
        });
    }
};

Result<std::optional<Duration>> GitSources::look(crds::GitSource source,
                                                 const std::vector<Problem>& problems) {
    auto status = source.status;
    const auto give_up = [&](std::string message) -> Result<std::optional<Duration>> {
        status.observed_generation = source.generation;
        say_invalid(status, std::move(message), clock_.now());
        TRY(write_status(source, status));
        return std::optional(with_jitter(source.spec.interval));
    };
    if (!problems.empty()) return give_up(all_problems(problems));
    if (source.spec.suspend) return std::optional<Duration>{};
    auto repository = open_for(source);
    if (!repository.ok()) {
        const auto kind = repository.error().kind;
        if (kind == ErrorKind::NoSpace) {
            const auto next = with_jitter(fetch_backoff(status.failures + 1, source.spec.interval));
            say_fetch_failed(status, repository.error(), next, clock_.now());
            TRY(write_status(source, status));
            return std::optional(next);
        }
        if (kind == ErrorKind::Unavailable || kind == ErrorKind::Timeout)
            return std::move(repository).error();
        return give_up(repository.error().message);
    }
    return Look{*this, source, std::move(status), **repository}.run();
}

Result<std::optional<Duration>> GitSources::reconcile(const std::string& key) {
    if (stop_.stop_requested()) return std::optional<Duration>{};
    const auto [ns, name] = split_key(key);
    const auto document = client_.get({resources::git_sources, ns, name});
    if (document.failed_with(ErrorKind::NotFound)) {
        forget(key);
        return std::optional<Duration>{};
    }
    if (!document.ok()) return document.error();
    std::vector<Problem> problems;
    return look(crds::decode_git_source(*document, problems), problems);
}

}  // namespace sluice::shell
