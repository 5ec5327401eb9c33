// SPDX-License-Identifier: Apache-2.0
// What the builders of providers' questions and the parsers of their replies share.
#pragma once

#include <string>
#include <vector>

#include "analysis/providers/provider.hpp"

namespace sluice::analysis {

// ", which asks to be asked again after 30" where a reply says so (RFC 9110 10.2.3), else "".
std::string retry_after_text(const HttpResponse& response);

// The start of a reply's body, for an error.
std::string body_start(const HttpResponse& response);

// As much of a text as a measurement's value keeps.
std::string shortened(std::string_view text);

// JSON as a result: numbers are floats, and the text is compact JSON with numbers as Go writes
// them. Invalid where it holds more values than a condition may look at.
Result<Reading> json_reading(const Json& value);
std::string go_json_text(const Json& value);

// A list of floats: "[0.5,NaN]".
Reading floats_reading(const std::vector<double>& numbers);
// A float for one, nil for none, else a list.
Reading one_or_all(const std::vector<double>& numbers);

// `secretRef{name, namespaced}`, or the Secret of that name in the controller's namespace.
CredentialsRef named_secret(const Json& config, const std::string& otherwise);
// Without blanks around; "" where there is none.
std::string secret_entry(const Credentials& credentials, const std::string& entry);

struct Window {
    long from, to;  // milliseconds since the epoch
};
// The last `interval` (5m) up to now. Invalid: it is no duration.
Result<Window> window_of(const Json& config, TimePoint now);

}  // namespace sluice::analysis
