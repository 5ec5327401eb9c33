// SPDX-License-Identifier: Apache-2.0
// Parts for tests of the local ingress: web servers whose answers say their version, and clients
// that keep their connection, never retry and count everything that is not a whole answer.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sluice::ingress_parts {

// Serves on address:port (0: any) until destroyed. Requests for /held wait until release().
class TinyServer {
public:
    TinyServer(std::string address, int port, std::string version);
    ~TinyServer();
    TinyServer(const TinyServer&) = delete;
    TinyServer& operator=(const TinyServer&) = delete;

    [[nodiscard]] int port() const { return port_; }
    [[nodiscard]] int held() const { return held_; }
    void release() {
        released_ = true;
        released_.notify_all();
    }

private:
    void serve() const;
    void answer(int fd) const;

    int fd_ = -1;
    int port_ = 0;
    std::string version_;
    mutable std::atomic<int> held_ = 0;
    std::atomic<bool> released_ = false;
    std::vector<std::thread> threads_;
};

struct Counts {
    std::map<std::string, int> by_version;  // of answers with status 200
    std::map<int, int> by_code;
    int lost = 0;  // no whole answer
    [[nodiscard]] int all() const;
    void add(const Counts& other);
};

// One request on a connection of its own; code 0 where it was lost.
struct Reply {
    int code = 0;
    std::string version;
    std::string body;
};
Reply fetch(int port, const std::string& host, const std::string& path);

// Sends `count` requests, GET and POST in turn, over one kept connection.
Counts send_requests(int port, const std::string& host, int count);
// The same by several clients at once.
Counts send_by_many(int port, const std::string& host, int clients, int count);

// Clients that send until stopped.
class Load {
public:
    Load(int port, const std::string& host, int clients);
    Counts stop();
    // Requests answered so far.
    [[nodiscard]] int done() const { return done_; }

private:
    std::atomic<bool> stopped_ = false;
    std::atomic<int> done_ = 0;
    std::mutex mutex_;
    Counts counts_;  // guarded by mutex_
    std::vector<std::jthread> threads_;
};

}  // namespace sluice::ingress_parts
