// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/faults.hpp"

#include "base/text.hpp"

namespace sluice::sim {

void Faults::crash(std::string_view when, std::string_view what) {
    ++crashes;
    stage_.trace.say(concat("CRASH ", when, " ", what));
    throw Crash{};
}

Faults::Fate Faults::before_call(std::string_view what, long times) {
    auto& chance = stage_.chance;
    if (chance.permille(rates.outside)) outside_();
    if (chance.permille(rates.crash)) crash("before", what);
    if (chance.permille(rates.refuse * times)) {
        ++refused;
        return Fate::Refused;
    }
    if (chance.permille(rates.lose_answer * times)) {
        ++unanswered;
        return Fate::AnswerLost;
    }
    return Fate::Ordinary;
}

void Faults::after_call(std::string_view what) {
    if (stage_.chance.permille(rates.crash)) crash("after", what);
}

Result<HttpResponse> FaultyTransport::refusal() const {
    switch (stage_.chance.below(4)) {
        case 0: return HttpResponse{409, {}, R"({"kind":"Status","reason":"Conflict","code":409})"};
        case 1: return HttpResponse{500, {}, R"({"kind":"Status","code":500})"};
        case 2: return HttpResponse{429, {}, R"({"kind":"Status","code":429})"};
        default: return Error{ErrorKind::Timeout, "no answer"};
    }
}

Result<HttpResponse> FaultyTransport::send(const HttpRequest& request) {
    const std::string what =
        stage_.trace.on() ? concat(number_, " ", request.method, " ", request.url) : std::string();
    auto fate = faults_.before_call(what);
    const bool write = request.method != "GET";
    if (write && faults_.no_writes) fate = Faults::Fate::Refused;
    if (fate == Faults::Fate::Refused) {
        // A read never meets a conflict.
        auto answer = refusal();
        if (!write && answer.ok() && answer->status == 409) answer->status = 503;
        stage_.trace.say(concat("REFUSED ", what));
        return answer;
    }
    if (write && stage_.trace.on())
        stage_.trace.say(concat("  ", what, " ", request.body.substr(0, 300)));
    stage_.by_controller = number_;
    auto answer = test::RoledTransport(stage_.transport, roles_).send(request);
    stage_.by_controller = 0;
    if (write && answer.ok() && answer->status / 100 != 2)
        stage_.trace.say(concat("    -> ", answer->status, " ", answer->body.substr(0, 200)));
    faults_.after_call(what);
    if (fate == Faults::Fate::AnswerLost) {
        stage_.trace.say(concat("NO ANSWER ", what));
        return Error{ErrorKind::Timeout, "no answer"};
    }
    return answer;
}

namespace {

class FaultyRepository final : public git::Repository {
public:
    FaultyRepository(Faults& faults, test::MemoryRemote& remote)
        : faults_(faults), inner_(remote) {}

    Result<std::optional<git::Oid>> remote_tip(std::string_view branch) override {
        return pass<std::optional<git::Oid>>("git ls-remote",
                                             [&] { return inner_.remote_tip(branch); });
    }
    Result<std::optional<git::Oid>> fetch(std::string_view branch) override {
        return pass<std::optional<git::Oid>>("git fetch", [&] { return inner_.fetch(branch); });
    }
    Result<std::vector<git::TreeFile>> files(const git::Oid& commit,
                                             const std::vector<std::string>& paths) override {
        return inner_.files(commit, paths);
    }
    Result<std::optional<git::Oid>> blob_at(const git::Oid& commit,
                                            std::string_view path) override {
        return inner_.blob_at(commit, path);
    }
    Result<std::string> read(const git::Oid& blob, size_t limit) override {
        return inner_.read(blob, limit);
    }
    Result<git::CommitInfo> commit_info(const git::Oid& commit) override {
        return inner_.commit_info(commit);
    }
    Result<git::CommitInfo> last_change(const git::Oid& commit, std::string_view path,
                                        int depth) override {
        return inner_.last_change(commit, path, depth);
    }
    Result<bool> contains(const git::Oid& tip, const git::Oid& commit) override {
        return inner_.contains(tip, commit);
    }
    std::optional<git::Oid> last_fetched(std::string_view branch) override {
        return inner_.last_fetched(branch);
    }
    Result<git::Oid> commit(const std::optional<git::Oid>& parent,
                            const std::vector<git::TreeChange>& changes,
                            const git::Signature& author, std::string_view message) override {
        return inner_.commit(parent, changes, author, message);
    }
    Result<git::PushAnswer> push(const std::vector<git::RefUpdate>& updates) override {
        auto answer = pass<git::PushAnswer>("git push", [&] { return inner_.push(updates); });
        if (!answer.ok() || !faults_.push_is_lost()) return answer;
        ++faults_.unanswered;
        return Error{ErrorKind::Timeout, "git push: no answer"};
    }

private:
    template <class T, class Do>
    Result<T> pass(std::string_view what, const Do& run) {
        // Calls to Git are rare.
        const auto fate = faults_.before_call(what, 4);
        if (fate == Faults::Fate::Refused) return unavailable("git does not answer");
        auto answer = run();
        faults_.after_call(what);
        if (fate == Faults::Fate::AnswerLost) return Error{ErrorKind::Timeout, "git: no answer"};
        return answer;
    }

    Faults& faults_;
    test::MemoryRepository inner_;
};

}  // namespace

std::unique_ptr<git::Repository> faulty_repository(Faults& faults, test::MemoryRemote& remote) {
    return std::make_unique<FaultyRepository>(faults, remote);
}

}  // namespace sluice::sim
