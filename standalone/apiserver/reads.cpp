// SPDX-License-Identifier: Apache-2.0
// GET: one object, a list, a watch.
#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.hpp"
#include "standalone/apiserver/call.hpp"
#include "standalone/apiserver/list_options.hpp"
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

// The objects as they were at an earlier version, by the changes since; Gone where those are
// forgotten.
Result<std::vector<store::RecordPtr>> objects_at(const store::Store& store, const std::string& type,
                                                 const std::string& ns, long version) {
    store::Snapshot snapshot = store.list(type, ns);
    if (version >= snapshot.version) return std::move(snapshot.records);
    const auto changes = TRY(store.changes(type, version, std::numeric_limits<size_t>::max()));
    std::map<store::Key, store::RecordPtr> state;
    for (auto& record : snapshot.records) state.emplace(record->key, std::move(record));
    std::set<store::Key> seen;
    for (const auto& change : changes.items) {
        const store::Key& key = change->object->key;
        if ((!ns.empty() && key.ns != ns) || !seen.insert(key).second) continue;
        if (change->previous)
            state[key] = change->previous;
        else
            state.erase(key);
    }
    std::vector<store::RecordPtr> records;
    for (auto& [key, record] : state) records.push_back(std::move(record));
    return records;
}

// What a list begins with: the present, or the moment that a token or an exact version names.
ApiResult<store::Snapshot> snapshot_for(const store::Store& store, const ListOptions& options,
                                        const std::string& type, const std::string& ns,
                                        std::optional<ContinueToken>& token) {
    if (!options.continue_token.empty()) token = TRY(read_token(options.continue_token));
    const long asked = token ? token->version : options.version.value_or(0);
    const long newest = store.version();
    if (asked > newest) return status::too_large_version(asked, newest);
    if (asked == 0 || (!token && !options.exact)) return store.list(type, ns);
    auto records = objects_at(store, type, ns, asked);
    if (records.ok()) return store::Snapshot{asked, std::move(records).value()};
    if (!token)
        return status::expired(
            concat("The provided resource version is too old: ", asked, " (", newest, ")"));
    return status::expired(
        "The provided continue parameter is too old to display a consistent list result. You can "
        "start a new list without the continue parameter.");
}

}  // namespace

ApiResult<Answer> Handler::get(const Call& call) {
    const auto record = store_.get({call.resource->store_type(), call.path.ns, call.path.name});
    if (!record) return status::not_found(call.resource->type, call.path.name);
    TRY(call.rendering().check());
    return json_answer(200, call.rendering().object(*record, clock_.now()));
}

ApiResult<Answer> Handler::list(const Call& call) {
    const ListOptions options = TRY(read_list_options(call.query, false));
    TRY(call.rendering().check());
    const Selector selector = TRY(call.selector());
    const long limit = options.limit;
    std::optional<ContinueToken> token;
    store::Snapshot snapshot =
        TRY(snapshot_for(store_, options, call.resource->store_type(), call.path.ns, token));
    ListFacts facts{.version = snapshot.version, .continue_token = {}, .remaining = {}};
    auto begin = snapshot.records.begin();
    if (token)
        begin = std::ranges::find_if(snapshot.records, [&](const store::RecordPtr& record) {
            return std::tie(record->key.ns, record->key.name) > std::tie(token->ns, token->name);
        });
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
    const ListOptions options = TRY(read_list_options(call.query, true));
    WatchRequest request{.store_type = call.resource->store_type(),
                         .ns = call.path.ns,
                         .selector = TRY(call.selector()),
                         .since = options.version,
                         .initial_events_end = options.initial_events,
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
