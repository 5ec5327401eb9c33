// SPDX-License-Identifier: Apache-2.0
// GET …/pods/{name}/log.
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/apiserver/call.hpp"

namespace sluice::standalone::apiserver {
namespace {

std::vector<std::string> container_names(const Json& pod, const char* field) {
    std::vector<std::string> names;
    if (const Json* list = find(pod, {"spec", field}); list && list->is_array())
        for (const auto& container : *list) names.push_back(text_at(container, {"name"}));
    return names;
}

// The container that the request names, or the only one there is.
ApiResult<std::string> choose_container(const Json& pod, const std::string& asked) {
    const std::string pod_name = text_at(pod, {"metadata", "name"});
    const auto names = container_names(pod, "containers");
    if (asked.empty()) {
        if (names.size() == 1) return names[0];
        if (names.empty())
            return status::bad_request(concat("pod ", pod_name, " has no containers"));
        return status::bad_request(concat("a container name must be specified for pod ", pod_name,
                                          ", choose one of: [", join(names, " "), "]"));
    }
    for (const char* field : {"containers", "initContainers", "ephemeralContainers"})
        for (const auto& name : container_names(pod, field))
            if (name == asked) return asked;
    return status::bad_request(concat("container ", asked, " is not valid for pod ", pod_name));
}

ApiResult<LogQuery> read_log_query(const Query& query, const Json& pod, TimePoint now) {
    LogQuery log{.ns = text_at(pod, {"metadata", "namespace"}),
                 .pod = text_at(pod, {"metadata", "name"}),
                 .pod_uid = text_at(pod, {"metadata", "uid"}),
                 .container = TRY(choose_container(pod, query.get("container"))),
                 .follow = query.flag("follow"),
                 .previous = query.flag("previous"),
                 .timestamps = query.flag("timestamps"),
                 .tail_lines = query.integer("tailLines"),
                 .since = {},
                 .limit_bytes = query.integer("limitBytes")};
    if (log.tail_lines && *log.tail_lines < 0)
        return status::bad_request("tailLines must be greater than or equal to 0");
    if (const auto seconds = query.integer("sinceSeconds"))
        log.since = now - std::chrono::seconds(*seconds);
    if (const std::string text = query.get("sinceTime"); !text.empty()) {
        const auto since = parse_rfc3339(text);
        if (!since.ok()) return status::bad_request(concat("sinceTime: ", since.error().message));
        log.since = *since;
    }
    return log;
}

// Ends the stream after so many bytes.
class LimitedStream final : public BodyStream {
public:
    LimitedStream(std::unique_ptr<BodyStream> inner, long limit)
        : inner_(std::move(inner)), left_(static_cast<size_t>(std::max(0L, limit))) {}

    Piece next(TimePoint now) override {
        if (left_ == 0) return {"", true};
        Piece piece = inner_->next(now);
        if (piece.bytes.size() >= left_) {
            piece.bytes.resize(left_);
            piece.ended = true;
        }
        left_ -= piece.bytes.size();
        return piece;
    }
    [[nodiscard]] std::optional<TimePoint> due() const override { return inner_->due(); }
    void on_ready(std::function<void()> wake) override { inner_->on_ready(std::move(wake)); }

private:
    std::unique_ptr<BodyStream> inner_;
    size_t left_;
};

}  // namespace

ApiResult<Answer> Handler::pod_log(const Call& call) {
    const auto record = store_.get({call.resource->store_type(), call.path.ns, call.path.name});
    if (!record) return status::not_found(call.resource->type, call.path.name);
    const auto pod = parse_json(record->text);
    if (!pod.ok()) return status::internal(pod.error().message);
    const LogQuery query = TRY(read_log_query(call.query, *pod, clock_.now()));
    LogSource* source = log_source_;
    if (!source) return status::unavailable("no kubelet serves logs");
    auto stream = source->open(query);
    if (!stream.ok()) {
        if (stream.failed_with(ErrorKind::NotFound) || stream.failed_with(ErrorKind::Invalid))
            return status::bad_request(stream.error().message);
        return status::internal(stream.error().message);
    }
    Answer answer = text_answer(200, "");
    answer.stream = std::move(stream).value();
    if (query.limit_bytes)
        answer.stream =
            std::make_unique<LimitedStream>(std::move(answer.stream), *query.limit_bytes);
    return answer;
}

}  // namespace sluice::standalone::apiserver
