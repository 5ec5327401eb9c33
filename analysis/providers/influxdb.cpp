// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/influxdb.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "analysis/providers/replies.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace influxdb {
namespace {

constexpr size_t most_values = 500'000;

// RFC 4180: cells may stand in quotes, with "" for one.
class Csv {
public:
    explicit Csv(std::string_view text) : text_(text) {}

    [[nodiscard]] bool over() const { return at_ >= text_.size(); }
    // The next line's cells; one empty cell for an empty line.
    std::vector<std::string> line() {
        std::vector<std::string> cells{""};
        bool quoted = false;
        for (; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (quoted) {
                if (c != '"') {
                    cells.back() += c;
                } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
                    cells.back() += text_[++at_];
                } else {
                    quoted = false;
                }
            } else if (c == '"') {
                quoted = true;
            } else if (c == ',') {
                cells.emplace_back();
            } else if (c == '\n') {
                ++at_;
                break;
            } else if (c != '\r') {
                cells.back() += c;
            }
        }
        return cells;
    }

private:
    std::string_view text_;
    size_t at_ = 0;
};

Result<Value> typed(const std::string& cell, const std::string& type) {
    if (type == "string") return Value{cell};
    if (cell.empty()) return Value{};
    if (type == "long" || type == "unsignedLong")
        if (const auto whole = parse_integer(cell)) return Value{*whole};
    if (type == "boolean") return Value{cell == "true"};
    if (type == "double" || type == "long" || type == "unsignedLong") {
        if (const auto number = parse_number(cell)) return Value{*number};
        return unavailable(concat("a value of type ", type, " is \"", cell, "\""));
    }
    return Value{cell};
}

// One table: its annotations, the names of its columns, and its rows.
struct Table {
    std::vector<std::string> types;
    size_t value = std::string::npos;  // column of _value
    bool named = false;

    bool failed = false;  // it holds an error instead of data

    void name(const std::vector<std::string>& cells) {
        named = true;
        const auto found = std::find(cells.begin(), cells.end(), "_value");
        value =
            found == cells.end() ? std::string::npos : static_cast<size_t>(found - cells.begin());
        failed = std::find(cells.begin(), cells.end(), "error") != cells.end();
    }
};

}  // namespace
}  // namespace influxdb

std::optional<CredentialsRef> influxdb_credentials(const Json& config) {
    const std::string profile = text_at(config, {"profile"});
    return CredentialsRef{profile.empty() ? "influxdb" : profile};
}

Result<Query> build_influxdb_query(const Json& config, const Credentials& credentials) {
    const auto secret = [&](const char* key) {
        const auto found = credentials.find(key);
        return found == credentials.end() ? std::string() : std::string(trim(found->second));
    };
    std::string address = secret("address");
    if (secret("authToken").empty() || address.empty() || secret("org").empty())
        return invalid("authToken, org, or address not found");
    while (address.ends_with('/')) address.pop_back();
    const Json body = {{"query", text_at(config, {"query"})},
                       {"type", "flux"},
                       {"dialect",
                        {{"annotations", {"datatype", "group", "default"}},
                         {"delimiter", ","},
                         {"header", true}}}};
    return Query{
        .request = {.method = "POST",
                    .url = concat(address, "/api/v2/query?org=", percent_encode(secret("org"))),
                    .headers = {{"Authorization", "Token " + secret("authToken")},
                                {"Content-Type", "application/json"},
                                {"Accept", "application/csv"}},
                    .body = sluice::to_text(body),
                    .deadline = std::chrono::seconds{30}}};
}

Result<Reading> parse_influxdb_response(const HttpResponse& response) {
    if (response.status / 100 != 2) {
        const auto answer = parse_json(response.body);
        const std::string said = answer.ok() ? text_at(*answer, {"message"}) : "";
        return unavailable(concat("influxdb answered ", response.status, ": ",
                                  said.empty() ? body_start(response) : said,
                                  retry_after_text(response)));
    }
    influxdb::Csv csv(response.body);
    influxdb::Table table;
    List values;
    while (!csv.over()) {
        const auto cells = csv.line();
        if (cells.size() == 1 && cells[0].empty()) {
            table = {};  // an empty line parts tables
        } else if (cells[0].starts_with('#')) {
            if (table.named) table = {};
            if (cells[0] == "#datatype") table.types = cells;
        } else if (!table.named) {
            table.name(cells);
        } else if (table.failed) {
            return unavailable(cells.size() > 1 ? cells[1] : cells[0]);
        } else if (table.value < cells.size()) {
            const auto& type =
                table.value < table.types.size() ? table.types[table.value] : std::string("string");
            values.push_back(TRY(influxdb::typed(cells[table.value], type)));
            if (values.size() > influxdb::most_values)
                return invalid("the answer holds too many values");
        }
    }
    if (values.empty()) return unavailable("no results returned from flux query");
    const Value result = list_value(std::move(values));
    std::string text = result.weight > 200 ? concat(result.list()->size(), " values")
                                           : sluice::analysis::to_text(result);
    return Reading{result, std::move(text), {}};
}

}  // namespace sluice::analysis
