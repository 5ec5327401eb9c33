// SPDX-License-Identifier: Apache-2.0
// load: a steady load of HTTP requests, and a JSON line for each stretch of time with what came
// back.
//   load --target 127.0.0.1:8080 --host shop.example.test --rate 1000
// With --commands it reads "rate N", "drop" and "stop" from standard input; its end means stop.
#include <CLI/CLI.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/streambuf.hpp>
#include <csignal>
#include <iostream>

#include "examples/load/client.hpp"

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

class Program {
public:
    Program(asio::io_context& io, load::ClientOptions options, std::chrono::milliseconds every)
        : client_(io, std::move(options)),
          timer_(io),
          signals_(io, SIGTERM, SIGINT),
          input_(io),
          every_(every) {}

    void start(bool commands) {
        client_.start();
        from_ = std::chrono::system_clock::now();
        due_ = std::chrono::steady_clock::now();
        report_later();
        signals_.async_wait([this](error_code failed, int) {
            if (!failed) stop();
        });
        if (!commands) return;
        input_.assign(::dup(0));
        read_command();
    }

    [[nodiscard]] bool lost_any() const { return total_.losses() > 0; }

private:
    void report_later() {
        due_ += every_;
        timer_.expires_at(due_);
        timer_.async_wait([this](error_code failed) {
            if (failed) return;
            report();
            report_later();
        });
    }

    void report() {
        const auto now = std::chrono::system_clock::now();
        const auto tally = client_.take();
        total_.add(tally);
        std::cout << tally.json("\"from_ms\":" + ms(from_) + ",\"to_ms\":" + ms(now) + ",")
                  << std::endl;
        from_ = now;
    }

    void read_command() {
        asio::async_read_until(input_, line_, '\n', [this](error_code failed, size_t) {
            if (failed) return stop();
            std::istream text(&line_);
            std::string word;
            text >> word;
            double rate = 0;
            if (word == "drop")
                client_.drop_one();
            else if (word == "rate" && text >> rate)
                client_.set_rate(rate);
            else if (word == "stop")
                return stop();
            text.clear();
            std::string rest;
            std::getline(text, rest);
            read_command();
        });
    }

    void stop() {
        if (stopping_) return;
        stopping_ = true;
        client_.stop([this] {
            timer_.cancel();
            signals_.cancel();
            error_code ignored;
            if (input_.is_open()) input_.close(ignored);
            report();
            std::cout << total_.json("\"summary\":true,") << std::endl;
        });
    }

    static std::string ms(std::chrono::system_clock::time_point when) {
        using std::chrono::milliseconds;
        return std::to_string(
            std::chrono::duration_cast<milliseconds>(when.time_since_epoch()).count());
    }

    load::Client client_;
    asio::steady_timer timer_;
    asio::signal_set signals_;
    asio::posix::stream_descriptor input_;
    asio::streambuf line_;
    std::chrono::milliseconds every_;
    std::chrono::steady_clock::time_point due_;
    std::chrono::system_clock::time_point from_;
    load::Tally total_;
    bool stopping_ = false;
};

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"load: a steady load of HTTP requests that never tries one again"};
    std::string target = "127.0.0.1:8080";
    load::ClientOptions options;
    int every_ms = 1000;
    bool commands = false;
    app.add_option("--target", target, "address:port to connect to");
    app.add_option("--host", options.host, "the Host header");
    app.add_option("--rate", options.rate, "requests a second")->check(CLI::Range(0.0, 100000.0));
    app.add_option("--connections", options.connections)->check(CLI::Range(1, 1000));
    app.add_option("--every-ms", every_ms, "one JSON line each")->check(CLI::Range(10, 60000));
    app.add_flag("--commands", commands, "read commands from standard input");
    CLI11_PARSE(app, argc, argv);
    try {
        const auto colon = target.rfind(':');
        if (colon == std::string::npos) throw std::runtime_error("--target is address:port");
        options.target = {asio::ip::make_address(target.substr(0, colon)),
                          static_cast<unsigned short>(std::stoi(target.substr(colon + 1)))};
        asio::io_context io{1};
        Program program(io, options, std::chrono::milliseconds{every_ms});
        program.start(commands);
        io.run();
        return program.lost_any() ? 1 : 0;
    } catch (const std::exception& failure) {
        std::cerr << "load: " << failure.what() << std::endl;
        return 2;
    }
}
