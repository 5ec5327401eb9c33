// SPDX-License-Identifier: Apache-2.0
// A small web service in several versions: what the quickstart delivers.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>

#include "examples/shop/server.hpp"

int main(int argc, char** argv) {
    CLI::App app{"shop: a small web service, listening on POD_IP:PORT"};
    shop::Settings settings;
    shop::ServerOptions options;
    int latency_ms = 0;
    app.add_option("--version", settings.version, "what the x-version header says");
    app.add_option("--error-rate", settings.error_rate, "share of requests that end in 500")
        ->check(CLI::Range(0.0, 1.0));
    app.add_option("--latency-ms", latency_ms, "what each request takes")
        ->check(CLI::Range(0, 60000));
    app.add_option("--address", options.address)->envname("POD_IP");
    app.add_option("--port", options.port)->envname("PORT");
    app.add_option("--pod", settings.pod)->envname("POD_NAME");
    std::string run;
    app.add_option("--run", run, "a mark by which whoever started us finds us again");
    CLI11_PARSE(app, argc, argv);
    options.latency = std::chrono::milliseconds{latency_ms};
    try {
        shop::Service service(settings);
        std::cerr << "shop " << settings.version << " on " << options.address << ":" << options.port
                  << std::endl;
        shop::serve(options, service);
        std::cerr << "shop " << settings.version << " drained" << std::endl;
    } catch (const std::exception& failure) {
        std::cerr << "shop: cannot serve on " << options.address << ":" << options.port << ": "
                  << failure.what() << std::endl;
        return 1;
    }
    return 0;
}
