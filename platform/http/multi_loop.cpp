// SPDX-License-Identifier: Apache-2.0
#include "platform/http/multi_loop.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/text.hpp"

namespace sluice::http {

using SteadyTime = std::chrono::steady_clock::time_point;

// One request that is sent once, however many asked for it.
struct OpenRequest {
    AsyncRequest asked;
    std::string server;    // scheme, host and port
    std::string identity;  // equal for requests that are the same
    std::vector<AsyncHttp::OnAnswer> waiting;
    SteadyTime ends;
    CURL* handle = nullptr;
    curl_slist* headers = nullptr;
    HttpResponse response;
    size_t largest_body = 0;
    bool too_large = false;

    OpenRequest() = default;
    OpenRequest(const OpenRequest&) = delete;
    OpenRequest& operator=(const OpenRequest&) = delete;
    ~OpenRequest() {
        if (handle) curl_easy_cleanup(handle);
        curl_slist_free_all(headers);
    }
};

using OpenPointer = std::unique_ptr<OpenRequest>;

namespace {

constexpr Duration longest_poll = std::chrono::seconds{1};

size_t take_header(char* data, size_t size, size_t count, void* user) {
    auto& exchange = *static_cast<OpenRequest*>(user);
    const std::string_view line(data, size * count);
    if (line.starts_with("HTTP/")) exchange.response.headers.clear();
    if (const auto colon = line.find(':'); colon != std::string_view::npos)
        exchange.response.headers.push_back(
            {std::string(trim(line.substr(0, colon))), std::string(trim(line.substr(colon + 1)))});
    return size * count;
}

size_t take_body(char* data, size_t size, size_t count, void* user) {
    auto& exchange = *static_cast<OpenRequest*>(user);
    if (exchange.response.body.size() + size * count > exchange.largest_body) {
        exchange.too_large = true;
        return 0;
    }
    exchange.response.body.append(data, size * count);
    return size * count;
}

std::string server_of(std::string_view url) {
    const auto scheme = url.find("://");
    const auto from = scheme == std::string_view::npos ? 0 : scheme + 3;
    return std::string(url.substr(0, url.find_first_of("/?#", from)));
}

std::string identity_of(const AsyncRequest& asked) {
    std::string identity = concat(asked.insecure ? "insecure " : "", asked.request.method, "\n",
                                  asked.request.url, "\n", asked.request.deadline.count(), "\n");
    for (const auto& h : asked.request.headers) identity += concat(h.name, ":", h.value, "\n");
    return identity + "\n" + asked.request.body;
}

// Without the query: it may be long, and it may hold what logs must not.
std::string attempt_of(const HttpRequest& request) {
    std::string_view url = request.url;
    url = url.substr(0, url.find('?'));
    // Nor credentials in front of the host.
    const auto scheme = url.find("://");
    const auto host = scheme == std::string_view::npos ? 0 : scheme + 3;
    const auto at = url.substr(0, url.find('/', host)).rfind('@');
    if (at == std::string_view::npos || at < host) return concat(request.method, " ", url);
    return concat(request.method, " ", url.substr(0, host), url.substr(at + 1));
}

// What the system said about a connection that could not be made: "connection refused".
std::string connect_problem(CURL* handle) {
    long code = 0;
    if (!handle || curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &code) != CURLE_OK || code == 0)
        return curl_easy_strerror(CURLE_COULDNT_CONNECT);
    return to_lower(std::generic_category().message(static_cast<int>(code)));
}

Result<HttpResponse> answer_of(OpenRequest& exchange, CURLcode code) {
    const auto& request = exchange.asked.request;
    if (code == CURLE_OK) {
        long status = 0;
        curl_easy_getinfo(exchange.handle, CURLINFO_RESPONSE_CODE, &status);
        exchange.response.status = static_cast<int>(status);
        return std::move(exchange.response);
    }
    const std::string attempt = attempt_of(request);
    if (exchange.too_large)
        return invalid(
            concat(attempt, ": the answer is larger than ", exchange.largest_body, " bytes"));
    if (code == CURLE_OPERATION_TIMEDOUT)
        return Error{ErrorKind::Timeout,
                     concat(attempt, ": no answer within ", format_duration(request.deadline))};
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return Error{ErrorKind::Denied, concat(attempt, ": ", curl_easy_strerror(code))};
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
        return invalid(concat(attempt, ": not an http or https URL"));
    if (code == CURLE_COULDNT_CONNECT)
        return unavailable(concat(attempt, ": ", connect_problem(exchange.handle)));
    return unavailable(concat(attempt, ": ", curl_easy_strerror(code)));
}

void tell(OpenRequest& exchange, const Result<HttpResponse>& answer) {
    for (auto& on_answer : exchange.waiting) on_answer(answer);
    exchange.waiting.clear();
}

}  // namespace

class MultiLoop::Loop {
public:
    explicit Loop(MultiLoopOptions options) : options_(std::move(options)) {
        static std::once_flag once;
        std::call_once(once, [] { curl_global_init(CURL_GLOBAL_ALL); });
        multi_ = curl_multi_init();
        check(multi_ != nullptr, "curl_multi_init gave nothing");
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }

    ~Loop() {
        thread_.request_stop();
        curl_multi_wakeup(multi_);
        thread_.join();
        curl_multi_cleanup(multi_);
    }

    void submit(AsyncRequest asked, OnAnswer on_answer) {
        auto exchange = std::make_unique<OpenRequest>();
        exchange->server = server_of(asked.request.url);
        exchange->identity = identity_of(asked);
        exchange->ends = std::chrono::steady_clock::now() + asked.request.deadline;
        exchange->asked = std::move(asked);
        exchange->waiting.push_back(std::move(on_answer));
        if (!accept(exchange)) {
            tell(*exchange, unavailable(concat(attempt_of(exchange->asked.request),
                                               ": too many requests wait for this server")));
            return;
        }
        curl_multi_wakeup(multi_);
    }

private:
    struct Server {
        std::deque<OpenPointer> waiting;
        size_t in_flight = 0;
    };

    // Takes the exchange over, or leaves it where the loop has no room or has ended.
    bool accept(OpenPointer& exchange) {
        const std::lock_guard lock(mutex_);
        if (ended_) return false;
        auto& waiting = arrived_[exchange->server];
        if (waiting >= options_.waiting_per_server) return false;
        ++waiting;
        inbox_.push_back(std::move(exchange));
        return true;
    }

    void run(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            take_inbox();
            const auto wait = start_what_may();
            int running = 0;
            curl_multi_perform(multi_, &running);
            if (finish_done()) continue;
            curl_multi_poll(multi_, nullptr, 0, static_cast<int>(wait.count()), nullptr);
        }
        end();
    }

    void take_inbox() {
        std::vector<OpenPointer> inbox;
        {
            const std::lock_guard lock(mutex_);
            inbox.swap(inbox_);
        }
        for (auto& exchange : inbox) {
            if (const auto same = open_.find(exchange->identity); same != open_.end()) {
                forget_waiting(exchange->server);
                same->second->waiting.push_back(std::move(exchange->waiting.front()));
                continue;
            }
            open_[exchange->identity] = exchange.get();
            auto& server = servers_[exchange->server];
            server.waiting.push_back(std::move(exchange));
        }
    }

    // Returns how long nothing of its own is due.
    Duration start_what_may() {
        const auto now = std::chrono::steady_clock::now();
        auto wait = longest_poll;
        for (auto at = servers_.begin(); at != servers_.end();) {
            auto& server = at->second;
            expire(server, now);
            while (!server.waiting.empty() && server.in_flight < options_.in_flight_per_server)
                start(server, now);
            for (const auto& exchange : server.waiting) {
                const auto left = std::chrono::ceil<Duration>(exchange->ends - now);
                wait = std::min(wait, std::max(left, Duration{1}));
            }
            at = server.waiting.empty() && server.in_flight == 0 ? servers_.erase(at) : ++at;
        }
        return wait;
    }

    void expire(Server& server, SteadyTime now) {
        for (auto at = server.waiting.begin(); at != server.waiting.end();) {
            if ((*at)->ends > now) {
                ++at;
                continue;
            }
            const OpenPointer exchange = std::move(*at);
            at = server.waiting.erase(at);
            forget_waiting(exchange->server);
            open_.erase(exchange->identity);
            tell(*exchange, answer_of(*exchange, CURLE_OPERATION_TIMEDOUT));
        }
    }

    void start(Server& server, SteadyTime now) {
        OpenPointer exchange = std::move(server.waiting.front());
        server.waiting.pop_front();
        forget_waiting(exchange->server);
        exchange->handle = curl_easy_init();
        if (!exchange->handle || !prepare(*exchange, now) ||
            curl_multi_add_handle(multi_, exchange->handle) != CURLM_OK) {
            open_.erase(exchange->identity);
            tell(*exchange, answer_of(*exchange, CURLE_OUT_OF_MEMORY));
            return;
        }
        ++server.in_flight;
        CURL* handle = exchange->handle;
        running_[handle] = std::move(exchange);
    }

    bool prepare(OpenRequest& exchange, SteadyTime now) const {
        CURL* handle = exchange.handle;
        const auto& request = exchange.asked.request;
        exchange.largest_body = options_.largest_body;
        for (const auto& h : request.headers)
            exchange.headers =
                curl_slist_append(exchange.headers, concat(h.name, ": ", h.value).c_str());
        exchange.headers = curl_slist_append(exchange.headers, "Expect:");
        const auto left = std::chrono::ceil<Duration>(exchange.ends - now);
        curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
        curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
        if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
            curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.size()));
            curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
        }
        curl_easy_setopt(handle, CURLOPT_HTTPHEADER, exchange.headers);
        curl_easy_setopt(handle, CURLOPT_USERAGENT, options_.user_agent.c_str());
        curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(handle, CURLOPT_TCP_NODELAY, 1L);
        curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, long(std::max(left, Duration{1}).count()));
        curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                         long(options_.connect_deadline.count()));
        curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header);
        curl_easy_setopt(handle, CURLOPT_HEADERDATA, &exchange);
        curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
        curl_easy_setopt(handle, CURLOPT_WRITEDATA, &exchange);
        if (exchange.asked.insecure) {
            curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
            curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
        }
        return exchange.headers != nullptr;
    }

    bool finish_done() {
        bool any = false;
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            const CURLcode code = message->data.result;
            CURL* handle = message->easy_handle;
            const auto found = running_.find(handle);
            curl_multi_remove_handle(multi_, handle);
            if (found == running_.end()) continue;
            const OpenPointer exchange = std::move(found->second);
            running_.erase(found);
            --servers_[exchange->server].in_flight;
            open_.erase(exchange->identity);
            tell(*exchange, answer_of(*exchange, code));
            any = true;
        }
        return any;
    }

    void end() {
        {
            const std::lock_guard lock(mutex_);
            ended_ = true;
        }
        take_inbox();
        const Result<HttpResponse> over = unavailable("the HTTP loop has ended");
        for (auto& [name, server] : servers_)
            for (auto& exchange : server.waiting) tell(*exchange, over);
        for (auto& [handle, exchange] : running_) {
            curl_multi_remove_handle(multi_, handle);
            tell(*exchange, over);
        }
        servers_.clear();
        running_.clear();
    }

    void forget_waiting(const std::string& server) {
        const std::lock_guard lock(mutex_);
        const auto found = arrived_.find(server);
        if (found != arrived_.end() && --found->second == 0) arrived_.erase(found);
    }

    const MultiLoopOptions options_;
    CURLM* multi_ = nullptr;
    std::mutex mutex_;
    std::vector<OpenPointer> inbox_;         // guarded by mutex_
    std::map<std::string, size_t> arrived_;  // waiting by server; guarded by mutex_
    bool ended_ = false;                     // guarded by mutex_
    // The loop's thread only:
    std::map<std::string, Server> servers_;
    std::map<CURL*, OpenPointer> running_;
    std::map<std::string, OpenRequest*> open_;  // by identity: waiting or under way
    std::jthread thread_;
};

MultiLoop::MultiLoop(MultiLoopOptions options)
    : loop_(std::make_unique<Loop>(std::move(options))) {}

MultiLoop::~MultiLoop() = default;

void MultiLoop::submit(AsyncRequest request, OnAnswer on_answer) {
    loop_->submit(std::move(request), std::move(on_answer));
}

}  // namespace sluice::http
