// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/wavefront.hpp"

#include <nlohmann/json.hpp>

#include "analysis/providers/replies.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace wavefront {
namespace {

struct Point {
    double value = 0;
    long time = 0;
};

// The query asks for one moment, so the point nearest to it is the last.
Result<Point> last_point(const Json& series) {
    const Json* points = find(series, {"data"});
    if (!points || !points->is_array() || points->empty())
        return unavailable("a series has no points");
    const Json& last = points->back();
    if (!last.is_array() || last.size() != 2 || !last[0].is_number() || !last[1].is_number())
        return unavailable(concat("a point is not [time, value]: ", go_json_text(last)));
    const double time = last[0].get<double>();
    return Point{last[1].get<double>(), time > 0 && time < 1e15 ? static_cast<long>(time) : 0};
}

}  // namespace
}  // namespace wavefront

std::optional<CredentialsRef> wavefront_credentials(const Json&) {
    return CredentialsRef{"wavefront-api-tokens"};
}

Result<Query> build_wavefront_query(const Json& config, const Credentials& credentials,
                                    TimePoint now) {
    const std::string address = text_at(config, {"address"});
    const auto token = credentials.find(address);
    if (token == credentials.end()) return invalid("API token not found");
    // Keys of a Secret hold no scheme: an address is a host.
    const bool whole = address.find("://") != std::string::npos;
    const long at = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch() /
                    std::chrono::seconds{1} * 1000;
    return Query{.request = {.url = concat(whole ? "" : "https://", address, "/api/v2/chart/api?q=",
                                           percent_encode(text_at(config, {"query"})), "&s=", at,
                                           "&e=", at, "&g=s&p=1&i=true"),
                             .headers = {{"Authorization", concat("Bearer ", trim(token->second))}},
                             .deadline = std::chrono::seconds{30}}};
}

Result<Reading> parse_wavefront_response(const HttpResponse& response) {
    if (response.status / 100 != 2)
        return unavailable(concat("wavefront answered ", response.status, ": ",
                                  body_start(response), retry_after_text(response)));
    const Json answer = TRY(parse_json(response.body).while_doing("wavefront's answer"));
    if (const auto message = text_at(answer, {"errorMessage"}); !message.empty())
        return unavailable(message);
    const Json* series = find(answer, {"timeseries"});
    if (!series || !series->is_array() || series->empty())
        return unavailable("No TimeSeries found in response from Wavefront");
    std::vector<double> values;
    std::vector<std::string> times;
    for (const auto& one : *series) {
        const auto point = TRY(wavefront::last_point(one));
        values.push_back(point.value);
        times.push_back(std::to_string(point.time));
    }
    Reading reading = values.size() == 1 ? Reading{Value{values[0]}, format_float(values[0]), {}}
                                         : floats_reading(values);
    reading.metadata["timestamps"] =
        values.size() == 1 ? times[0] : concat("[", join(times, ","), "]");
    if (const auto warnings = text_at(answer, {"warnings"}); !warnings.empty())
        reading.metadata["warnings"] = warnings;
    return reading;
}

}  // namespace sluice::analysis
