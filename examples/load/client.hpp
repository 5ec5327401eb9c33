// SPDX-License-Identifier: Apache-2.0
// A steady load of real HTTP requests over keep-alive connections, half of them POST. It never
// tries a request again: what is lost is lost, and counted.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "examples/load/report.hpp"

namespace load {

struct ClientOptions {
    boost::asio::ip::tcp::endpoint target;
    std::string host = "localhost";  // the Host header
    int connections = 64;
    std::chrono::milliseconds timeout{5000};  // for connect, and for a whole answer
    double rate = 1000;                       // requests a second
};

class Connection;

// One thread: that of the io_context. Requests leave on schedule, whether or not answers come back
// (an open loop), as long as a connection is free.
class Client {
public:
    Client(boost::asio::io_context& io, ClientOptions options);
    ~Client();

    void start();
    // Sends no more; `done` is called once every answer is here, or lost.
    void stop(std::function<void()> done);
    void set_rate(double rate);
    // The next request asks for a path that the shop does not answer.
    void drop_one() { ++drops_; }
    // What has been seen since the last call.
    Tally take();

private:
    friend class Connection;
    void tick();
    void send_due();
    void released(std::shared_ptr<Connection> connection);

    boost::asio::io_context& io_;
    ClientOptions options_;
    boost::asio::steady_timer timer_;
    std::deque<std::shared_ptr<Connection>> idle_;
    std::chrono::steady_clock::time_point scheduled_from_;
    std::uint64_t scheduled_ = 0;  // since scheduled_from_
    std::uint64_t number_ = 0;
    int busy_ = 0;
    int drops_ = 0;
    bool stopping_ = false;
    std::function<void()> done_;
    Tally tally_;
};

}  // namespace load
