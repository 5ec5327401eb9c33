// SPDX-License-Identifier: Apache-2.0
#include "platform/kube/patience.hpp"

#include <sys/stat.h>

#include <condition_variable>
#include <random>

#include "base/text.hpp"
#include "platform/file.hpp"

namespace sluice::kube {
namespace {

constexpr int most_returns = 10;  // as client-go

// Which file is there, and when it was written: a mounted token is replaced by turning a link.
std::string file_state(const std::string& path) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) return {};
    return concat(facts.st_dev, " ", facts.st_ino, " ", facts.st_mtim.tv_sec, " ",
                  facts.st_mtim.tv_nsec, " ", facts.st_size);
}

void wait_really(Duration duration) {
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, duration, [] { return false; });
}

// Up to a tenth more, so that many who were told the same do not come back together.
Duration jittered(Duration wait) {
    thread_local std::minstd_rand random{std::random_device{}()};
    return wait + Duration{static_cast<long>(random() %
                                             static_cast<unsigned long>(wait.count() / 10 + 1))};
}

bool is_eviction(const HttpRequest& request) {
    return std::string_view(request.url).substr(0, request.url.find('?')).ends_with("/eviction");
}

class PatientTransport final : public HttpTransport {
public:
    PatientTransport(std::unique_ptr<HttpTransport> inner, Patience patience)
        : inner_(std::move(inner)),
          has_token_(!patience.token_file.empty()),
          token_(patience.token_file, std::move(patience.token)),
          wait_(patience.wait ? std::move(patience.wait) : wait_really) {}

    Result<HttpResponse> send(const HttpRequest& request) override {
        HttpRequest attempt = request;
        Duration left = request.deadline;
        for (int i = 0;; ++i) {
            const auto begun = std::chrono::steady_clock::now();
            attempt.headers = with_token(request);
            attempt.deadline = left;
            auto answer = inner_->send(attempt);
            const auto told = answer.ok() ? told_to_wait(request, *answer) : std::nullopt;
            if (!told || i == most_returns) return answer;
            left -= std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - begun);
            const Duration wait = jittered(*told);
            if (wait >= left) return answer;
            wait_(wait);
            left -= wait;
        }
    }
    Result<HttpResponse> stream(const HttpRequest& request, const OnChunk& on_chunk,
                                std::stop_token stop) override {
        HttpRequest attempt = request;
        attempt.headers = with_token(request);
        return inner_->stream(attempt, on_chunk, std::move(stop));
    }

private:
    std::vector<HttpHeader> with_token(const HttpRequest& request) {
        auto headers = request.headers;
        if (has_token_) headers.push_back({"Authorization", "Bearer " + token_.current()});
        return headers;
    }
    static std::optional<Duration> told_to_wait(const HttpRequest& request,
                                                const HttpResponse& answer) {
        const auto after = header(answer.headers, "Retry-After");
        if (answer.status != 429 || !after || is_eviction(request)) return std::nullopt;
        const auto seconds = parse_integer(trim(*after));
        if (!seconds || *seconds < 0 || *seconds > 3600) return std::nullopt;
        return std::chrono::seconds{*seconds};
    }

    std::unique_ptr<HttpTransport> inner_;
    bool has_token_;
    TokenFile token_;
    std::function<void(Duration)> wait_;
};

}  // namespace

TokenFile::TokenFile(std::string path, std::string first)
    : path_(std::move(path)), token_(std::move(first)) {}

std::string TokenFile::current() {
    const std::lock_guard lock(mutex_);
    const std::string state = file_state(path_);
    if (state.empty() || state == seen_as_) return token_;
    const auto text = read_file(path_);
    const std::string fresh = text.ok() ? std::string(trim(*text)) : "";
    // A file that is being written, or gone for a moment, is looked at again by the next request.
    if (fresh.empty()) return token_;
    seen_as_ = state;
    token_ = fresh;
    return token_;
}

std::unique_ptr<HttpTransport> with_patience(std::unique_ptr<HttpTransport> inner,
                                             Patience patience) {
    return std::make_unique<PatientTransport>(std::move(inner), std::move(patience));
}

}  // namespace sluice::kube
