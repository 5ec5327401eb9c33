// SPDX-License-Identifier: Apache-2.0
// Requests to AWS: Signature Version 4
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html),
// and where keys come from.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "analysis/providers/provider.hpp"

namespace sluice::analysis {

struct AwsKeys {
    std::string id, secret, token;  // token: of temporary keys, else empty
    bool operator==(const AwsKeys&) const = default;
};

// Adds X-Amz-Date, X-Amz-Security-Token where there is a token, and Authorization; signs every
// header that is there. The URL's path counts as it is sent (its escapes are escaped again, as all
// services but S3 want it).
void sign_aws(HttpRequest& request, const AwsKeys& keys, const std::string& region,
              const std::string& service, TimePoint now);

// What the controller was given (own_credentials["aws"]): access-key-id, secret-access-key and
// session-token; or web-identity-token and role-arn; or container-url and container-token. Besides,
// region, and role-session-name.
struct AwsAccess {
    const Credentials& given;
    std::string region;  // of STS
    std::string role;    // to be taken on behind the given keys; empty: none
    TimePoint now;
};

// What is asked once the keys are known.
using AskWithKeys = std::function<Result<Query>(const AwsKeys&)>;

// The first request: for keys where they are not given, else `ask`. Invalid: nothing is given.
Result<Query> first_aws_query(const AwsAccess& access, const AskWithKeys& ask);
// What follows the answer to request number `step`; nothing after `ask`. Unavailable: the answer
// gives no keys; the answer itself, which may hold some, is not shown.
Result<std::optional<Query>> next_aws_query(const AwsAccess& access, const AskWithKeys& ask,
                                            const HttpResponse& response, int step);

}  // namespace sluice::analysis
