// SPDX-License-Identifier: Apache-2.0
#include "examples/shop/service.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace shop {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::pair<std::string_view, int>, 3> price_list{
    {{"tea", 420}, {"coffee", 560}, {"cocoa", 610}}};  // cents

Answer problem(int status, std::string_view text) {
    return {status, Json{{"error", text}}.dump(), true};
}

}  // namespace

Answer Service::answer(std::string_view method, std::string_view path, std::string_view body) {
    if (path == "/healthz") return {200, R"({"status":"ok"})", false};
    const bool catalogue = path == "/";
    const bool order = path == "/order";
    if (!catalogue && !order) return problem(404, "there is / and /order");
    if (catalogue && method != "GET" && method != "HEAD") return problem(405, "use GET");
    if (order && method != "POST") return problem(405, "use POST");

    if (settings_.error_rate > 0 &&
        std::uniform_real_distribution<double>{}(random_) < settings_.error_rate)
        return problem(500, "the till is jammed");
    if (order) return take_order(body);

    Json items = Json::object();
    for (const auto& [name, cents] : price_list) items[std::string(name)] = cents;
    return {200, Json{{"shop", settings_.version}, {"pod", settings_.pod}, {"cents", items}}.dump(),
            true};
}

Answer Service::take_order(std::string_view body) {
    const Json wish = Json::parse(body, nullptr, false);
    if (!wish.is_object() || !wish.contains("item") || !wish["item"].is_string())
        return problem(400, "an order is {\"item\": \"tea\", \"quantity\": 2}");
    const auto item = wish["item"].get<std::string>();
    const auto asked = wish.find("quantity");
    if (asked != wish.end() && !asked->is_number_integer())
        return problem(400, "quantity is a whole number");
    const auto quantity = asked == wish.end() ? 1 : asked->get<std::int64_t>();
    if (quantity < 1 || quantity > 1000) return problem(400, "quantity is 1 to 1000");
    for (const auto& [name, cents] : price_list)
        if (name == item)
            return {200,
                    Json{{"order", ++orders_},
                         {"item", item},
                         {"quantity", quantity},
                         {"cents", cents * quantity},
                         {"shop", settings_.version}}
                        .dump(),
                    true};
    return problem(404, "no such item");
}

}  // namespace shop
