// SPDX-License-Identifier: Apache-2.0
// GET: one object, a list, a watch.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/apiserver/call.hpp"
#include "standalone/apiserver/watch.hpp"

namespace sluice::standalone::apiserver {
namespace {

// How long a watch lives when the client does not say; clients watch again.
constexpr long default_watch_seconds = 45 * 60;
constexpr long longest_watch_seconds = 24 * 60 * 60;

// Where the next page begins: after this key; the list's version is the first page's, so that a
// watch from there tells all that changed while the pages were read.
struct ContinueToken {
    long version = 0;
    std::string ns;
    std::string name;
};

std::string write_token(const ContinueToken& token) {
    return base64_encode(
        to_text(Json{{"rv", token.version}, {"ns", token.ns}, {"name", token.name}}));
}

ApiResult<ContinueToken> read_token(const std::string& text) {
    const auto decoded = base64_decode(text);
    const auto document = decoded ? parse_json(*decoded) : Result<Json>(invalid("not base64"));
    if (!document.ok() || !document->is_object())
        return status::bad_request("continue key is not valid");
    return ContinueToken{integer_at(*document, {"rv"}), text_at(*document, {"ns"}),
                         text_at(*document, {"name"})};
}

ApiResult<std::optional<long>> read_version(const Query& query) {
    const std::string text = query.get("resourceVersion");
    if (text.empty()) return std::optional<long>();
    const auto version = parse_integer(text);
    if (!version || *version < 0)
        return status::bad_request(concat("invalid resource version \"", text, "\""));
    return version;
}

ApiResult<void> check_list_version(const Query& query, std::optional<long> asked, long newest) {
    if (!asked || *asked == 0) return {};
    if (*asked > newest) return status::too_large_version(*asked, newest);
    if (query.get("resourceVersionMatch") == "Exact" && *asked != newest)
        return status::expired(
            concat("The provided resource version is too old: ", *asked, " (", newest, ")"));
    return {};
}

}  // namespace

ApiResult<Answer> Handler::get(const Call& call) {
    const auto record = store_.get({call.resource->store_type(), call.path.ns, call.path.name});
    if (!record) return status::not_found(call.resource->type, call.path.name);
    return json_answer(200, call.rendering().object(*record, clock_.now()));
}

ApiResult<Answer> Handler::list(const Call& call) {
    const Selector selector = TRY(call.selector());
    const long limit = std::max(0L, call.query.integer("limit").value_or(0));
    store::Snapshot snapshot = store_.list(call.resource->store_type(), call.path.ns);
    ListFacts facts{.version = snapshot.version, .continue_token = {}, .remaining = {}};
    auto begin = snapshot.records.begin();
    if (const std::string text = call.query.get("continue"); !text.empty()) {
        const ContinueToken token = TRY(read_token(text));
        facts.version = token.version;
        begin = std::ranges::find_if(snapshot.records, [&](const store::RecordPtr& record) {
            return std::tie(record->key.ns, record->key.name) > std::tie(token.ns, token.name);
        });
    } else {
        const auto asked = TRY(read_version(call.query));
        TRY(check_list_version(call.query, asked, snapshot.version));
    }
    std::vector<store::RecordPtr> matching;
    for (auto at = begin; at != snapshot.records.end(); ++at)
        if (selector.matches(**at)) matching.push_back(std::move(*at));
    if (limit > 0 && matching.size() > static_cast<size_t>(limit)) {
        if (selector.empty()) facts.remaining = static_cast<long>(matching.size()) - limit;
        matching.resize(static_cast<size_t>(limit));
        const store::Key& last = matching.back()->key;
        facts.continue_token = write_token({facts.version, last.ns, last.name});
    }
    return json_answer(200, call.rendering().list(matching, facts, clock_.now()));
}

ApiResult<Answer> Handler::watch(const Call& call) {
    const TimePoint now = clock_.now();
    WatchRequest request{.store_type = call.resource->store_type(),
                         .ns = call.path.ns,
                         .selector = TRY(call.selector()),
                         .since = TRY(read_version(call.query)),
                         .initial_events_end = call.query.flag("sendInitialEvents"),
                         .bookmarks = call.query.flag("allowWatchBookmarks"),
                         .until = {}};
    // Zero means any version there is, beginning with the objects themselves.
    if (request.since == 0) request.since.reset();
    if (!call.path.name.empty())
        request.selector.fields.push_back({"metadata.name", true, call.path.name});
    long seconds = call.query.integer("timeoutSeconds").value_or(0);
    if (seconds <= 0) seconds = default_watch_seconds;
    request.until = now + std::chrono::seconds(std::min(seconds, longest_watch_seconds));
    Answer answer{{.status = 200, .headers = {{"Content-Type", "application/json"}}, .body = {}},
                  nullptr};
    answer.stream =
        std::make_unique<WatchStream>(store_, call.rendering(), std::move(request), now);
    return answer;
}

}  // namespace sluice::standalone::apiserver
