// SPDX-License-Identifier: Apache-2.0
#include "platform/http/curl_transport.hpp"

#include <curl/curl.h>

#include <mutex>
#include <vector>

#include "base/text.hpp"

namespace sluice::http {
namespace {

struct HandleDeleter {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using Handle = std::unique_ptr<CURL, HandleDeleter>;

struct HeaderList {
    curl_slist* first = nullptr;
    HeaderList() = default;
    HeaderList(const HeaderList&) = delete;
    HeaderList& operator=(const HeaderList&) = delete;
    ~HeaderList() { curl_slist_free_all(first); }
    void add(const std::string& line) { first = curl_slist_append(first, line.c_str()); }
};

// What libcurl's callbacks write to during one call.
struct Exchange {
    CURL* handle = nullptr;
    HttpResponse response;
    const OnChunk* on_chunk = nullptr;  // null for a plain send
    std::stop_token stop;
    size_t largest_body = 0;
    bool too_large = false;
    bool ended_by_consumer = false;
};

size_t on_header(char* data, size_t size, size_t count, void* user) {
    auto& exchange = *static_cast<Exchange*>(user);
    const std::string_view line(data, size * count);
    if (line.starts_with("HTTP/")) exchange.response.headers.clear();  // of a 100 or a redirect
    const auto colon = line.find(':');
    if (colon != std::string_view::npos)
        exchange.response.headers.push_back(
            {std::string(trim(line.substr(0, colon))), std::string(trim(line.substr(colon + 1)))});
    return size * count;
}

size_t on_body(char* data, size_t size, size_t count, void* user) {
    auto& exchange = *static_cast<Exchange*>(user);
    const std::string_view piece(data, size * count);
    if (exchange.on_chunk) {
        long status = 0;
        curl_easy_getinfo(exchange.handle, CURLINFO_RESPONSE_CODE, &status);
        if (status / 100 == 2) {
            if ((*exchange.on_chunk)(piece)) return piece.size();
            exchange.ended_by_consumer = true;
            return 0;
        }
    }
    if (exchange.response.body.size() + piece.size() > exchange.largest_body) {
        exchange.too_large = true;
        return 0;
    }
    exchange.response.body += piece;
    return piece.size();
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Exchange*>(user)->stop.stop_requested() ? 1 : 0;
}

curl_blob blob_of(const std::string& text) {
    return {const_cast<char*>(text.data()), text.size(), CURL_BLOB_NOCOPY};
}

class CurlTransport final : public HttpTransport {
public:
    explicit CurlTransport(CurlOptions options) : options_(std::move(options)) {
        static std::once_flag once;
        std::call_once(once, [] { curl_global_init(CURL_GLOBAL_ALL); });
    }

    Result<HttpResponse> send(const HttpRequest& request) override {
        Exchange exchange;
        return perform(request, exchange);
    }

    Result<HttpResponse> stream(const HttpRequest& request, const OnChunk& on_chunk,
                                std::stop_token stop) override {
        Exchange exchange;
        exchange.on_chunk = &on_chunk;
        exchange.stop = std::move(stop);
        return perform(request, exchange);
    }

private:
    Handle take() {
        const std::lock_guard lock(mutex_);
        if (idle_.empty()) return Handle(curl_easy_init());
        Handle handle = std::move(idle_.back());
        idle_.pop_back();
        return handle;
    }

    void give_back(Handle handle) {
        curl_easy_reset(handle.get());  // keeps its connections
        const std::lock_guard lock(mutex_);
        if (idle_.size() < 16) idle_.push_back(std::move(handle));
    }

    std::string url_of(const HttpRequest& request) const {
        return request.url.starts_with('/') ? options_.base_url + request.url : request.url;
    }

    void set_identity(CURL* handle) const {
        if (!options_.ca_pem.empty()) {
            curl_blob ca = blob_of(options_.ca_pem);
            curl_easy_setopt(handle, CURLOPT_CAINFO_BLOB, &ca);
        }
        if (options_.client_certificate_pem.empty()) return;
        curl_blob certificate = blob_of(options_.client_certificate_pem);
        curl_blob key = blob_of(options_.client_key_pem);
        curl_easy_setopt(handle, CURLOPT_SSLCERTTYPE, "PEM");
        curl_easy_setopt(handle, CURLOPT_SSLCERT_BLOB, &certificate);
        curl_easy_setopt(handle, CURLOPT_SSLKEYTYPE, "PEM");
        curl_easy_setopt(handle, CURLOPT_SSLKEY_BLOB, &key);
    }

    void set_request(CURL* handle, const HttpRequest& request, HeaderList& headers) const {
        for (const auto& h : request.headers) headers.add(concat(h.name, ": ", h.value));
        headers.add("Expect:");
        if (!options_.bearer_token.empty())
            headers.add("Authorization: Bearer " + options_.bearer_token);
        curl_easy_setopt(handle, CURLOPT_URL, url_of(request).c_str());
        curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
        if (options_.direct) curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
        if (request.method == "HEAD") curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
        if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
            curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.size()));
            curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
        }
        curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.first);
    }

    void set_exchange(CURL* handle, const HttpRequest& request, Exchange& exchange) const {
        exchange.handle = handle;
        exchange.largest_body = options_.largest_body;
        curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(handle, CURLOPT_TCP_NODELAY, 1L);
        curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                         long(options_.connect_deadline.count()));
        curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(handle, CURLOPT_HEADERDATA, &exchange);
        curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(handle, CURLOPT_WRITEDATA, &exchange);
        if (!exchange.on_chunk) {
            curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, long(request.deadline.count()));
            return;
        }
        curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
        curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &exchange);
        // A peer that vanished without a word is noticed within a minute, not in ten.
        curl_easy_setopt(handle, CURLOPT_TCP_KEEPALIVE, 1L);
        curl_easy_setopt(handle, CURLOPT_TCP_KEEPIDLE, 15L);
        curl_easy_setopt(handle, CURLOPT_TCP_KEEPINTVL, 5L);
    }

    Result<HttpResponse> perform(const HttpRequest& request, Exchange& exchange) {
        Handle handle = take();
        if (!handle) return unavailable("libcurl has no handle to give");
        HeaderList headers;
        set_request(handle.get(), request, headers);
        set_identity(handle.get());
        set_exchange(handle.get(), request, exchange);
        // A stop asked for must not wait for libcurl's one-second progress tick.
        const CURLcode code = exchange.on_chunk ? run_stream(handle.get(), exchange.stop)
                                                : curl_easy_perform(handle.get());
        long status = 0;
        curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
        exchange.response.status = static_cast<int>(status);
        give_back(std::move(handle));
        return outcome(request, exchange, code);
    }

    // curl_multi around one handle: its poll is woken by the stop callback.
    static CURLcode run_stream(CURL* handle, const std::stop_token& stop) {
        CURLM* multi = curl_multi_init();
        curl_multi_add_handle(multi, handle);
        CURLcode code = CURLE_ABORTED_BY_CALLBACK;
        {
            const std::stop_callback wake(stop, [multi] { curl_multi_wakeup(multi); });
            for (int running = 1; !stop.stop_requested();) {
                if (curl_multi_perform(multi, &running) != CURLM_OK) break;
                if (running == 0) {
                    int left = 0;
                    if (const CURLMsg* message = curl_multi_info_read(multi, &left))
                        code = message->data.result;
                    break;
                }
                curl_multi_poll(multi, nullptr, 0, 60'000, nullptr);
            }
        }
        curl_multi_remove_handle(multi, handle);
        curl_multi_cleanup(multi);
        return code;
    }

    Result<HttpResponse> outcome(const HttpRequest& request, Exchange& exchange,
                                 CURLcode code) const {
        const auto where = [&] {
            std::string url = url_of(request);
            return concat(request.method, " ", url.substr(0, url.find('?')));
        };
        if (code == CURLE_OK || exchange.ended_by_consumer) return std::move(exchange.response);
        const bool began = exchange.on_chunk && exchange.response.status / 100 == 2;
        if (began && (code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR))
            return std::move(exchange.response);
        if (exchange.on_chunk && exchange.stop.stop_requested())
            return std::move(exchange.response);
        if (exchange.too_large)
            return invalid(
                concat(where(), ": the answer is larger than ", options_.largest_body, " bytes"));
        if (code == CURLE_OPERATION_TIMEDOUT)
            return Error{ErrorKind::Timeout,
                         concat(where(), ": no answer within ", format_duration(request.deadline))};
        if (code == CURLE_PEER_FAILED_VERIFICATION)
            return Error{ErrorKind::Denied, concat(where(), ": ", curl_easy_strerror(code))};
        if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
            return invalid(concat("\"", url_of(request), "\" is not an http or https URL"));
        return unavailable(concat(where(), ": ", curl_easy_strerror(code)));
    }

    CurlOptions options_;
    std::mutex mutex_;
    std::vector<Handle> idle_;  // guarded by mutex_
};

}  // namespace

std::unique_ptr<HttpTransport> make_curl_transport(CurlOptions options) {
    return std::make_unique<CurlTransport>(std::move(options));
}

}  // namespace sluice::http
