// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/aws.hpp"

#include "tests/unit/analysis/provider_asked.hpp"

namespace sluice::analysis::provider_test {
namespace {

const TimePoint day_of_suite = *parse_rfc3339("2015-08-30T12:36:00Z");
const AwsKeys suite_keys{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};
const char* const suite_token =
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSP"
    "fIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7"
    "WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8"
    "FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

struct Vector {
    const char* name;
    const char* method;
    const char* target;
    std::vector<HttpHeader> headers;
    const char* body;
    const char* signed_names;
    const char* signature;
};

std::string authorization_of(HttpRequest request, const AwsKeys& keys, const char* service,
                             TimePoint now) {
    sign_aws(request, keys, "us-east-1", service, now);
    return header(request.headers, "Authorization").value_or("none");
}

// AWS' own test suite of Signature Version 4 (aws-sig-v4-test-suite, docs.aws.amazon.com, today in
// awslabs/aws-c-auth).
TEST(AwsSignature, IsTheOneOfTheSuite) {
    const char* plain = "host;x-amz-date";
    const char* one = "host;my-header1;x-amz-date";
    const char* form = "application/x-www-form-urlencoded";
    const std::vector<Vector> vectors{
        {"get-vanilla",
         "GET",
         "/",
         {},
         "",
         plain,
         "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"post-vanilla",
         "POST",
         "/",
         {},
         "",
         plain,
         "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        {"get-vanilla-query-order-key-case",
         "GET",
         "/?Param2=value2&Param1=value1",
         {},
         "",
         plain,
         "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        {"post-vanilla-query",
         "POST",
         "/?Param1=value1",
         {},
         "",
         plain,
         "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
        {"get-unreserved",
         "GET",
         "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
         {},
         "",
         plain,
         "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
        {"get-utf8",
         "GET",
         "/ሴ",
         {},
         "",
         plain,
         "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
        {"get-vanilla-utf8-query",
         "GET",
         "/?ሴ=bar",
         {},
         "",
         plain,
         "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
        {"get-header-key-duplicate",
         "GET",
         "/",
         {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
         "",
         one,
         "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
        {"get-header-value-trim",
         "GET",
         "/",
         {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
         "",
         "host;my-header1;my-header2;x-amz-date",
         "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
        {"post-header-key-case",
         "POST",
         "/",
         {{"MY-HEADER1", "value1"}},
         "",
         one,
         "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
        {"post-header-value-case",
         "POST",
         "/",
         {{"My-Header1", "VALUE1"}},
         "",
         one,
         "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
        {"post-x-www-form-urlencoded",
         "POST",
         "/",
         {{"Content-Type", form}},
         "Param1=value1",
         "content-type;host;x-amz-date",
         "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
        {"post-x-www-form-urlencoded-parameters",
         "POST",
         "/",
         {{"Content-Type", concat(form, "; charset=utf8")}},
         "Param1=value1",
         "content-type;host;x-amz-date",
         "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"}};
    for (const auto& vector : vectors)
        EXPECT_EQ(authorization_of({.method = vector.method,
                                    .url = concat("https://example.amazonaws.com", vector.target),
                                    .headers = vector.headers,
                                    .body = vector.body},
                                   suite_keys, "service", day_of_suite),
                  concat("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/"
                         "aws4_request, SignedHeaders=",
                         vector.signed_names, ", Signature=", vector.signature))
            << vector.name;
}

TEST(AwsSignature, HoldsTheTokenOfTemporaryKeys) {
    AwsKeys keys = suite_keys;
    keys.token = suite_token;
    EXPECT_EQ(authorization_of({.method = "POST", .url = "https://example.amazonaws.com/"}, keys,
                               "service", day_of_suite),
              "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
              "SignedHeaders=host;x-amz-date;x-amz-security-token, "
              "Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
}

// The example of "Signature Version 4 signing process" (IAM) and of S3's "Authorization header".
TEST(AwsSignature, IsTheOneOfTheGuides) {
    EXPECT_TRUE(
        authorization_of(
            {.url = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
             .headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}}},
            suite_keys, "iam", day_of_suite)
            .ends_with("5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"));
    EXPECT_TRUE(
        authorization_of({.url = "https://examplebucket.s3.amazonaws.com/test.txt",
                          .headers = {{"Range", "bytes=0-9"},
                                      {"x-amz-content-sha256",
                                       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b785"
                                       "2b855"}}},
                         {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""},
                         "s3", *parse_rfc3339("2013-05-24T00:00:00Z"))
            .ends_with("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
}

// ---- keys ----

const AskWithKeys show_keys = [](const AwsKeys& keys) -> Result<Query> {
    return Query{.request = {.url = concat(keys.id, " ", keys.secret, " ", keys.token)}};
};

const char* const sts_xml = R"(<AssumeRoleResponse
    xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
    <AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s1</SecretAccessKey>
    <SessionToken>t1</SessionToken><Expiration>2026-11-20T13:00:00Z</Expiration>
    </Credentials></AssumeRoleResult></AssumeRoleResponse>)";
const char* const sts_json = R"({"AssumeRoleWithWebIdentityResponse":
    {"AssumeRoleWithWebIdentityResult": {"Credentials": {"AccessKeyId": "ASIA2",
    "SecretAccessKey": "s2", "SessionToken": "t2"}}}})";

TEST(AwsKeys, ThatAreGivenAreUsedAtOnce) {
    const Credentials given{{"access-key-id", "AK"}, {"secret-access-key", "s"}};
    const AwsAccess access{given, "eu-west-1", "", noon};
    EXPECT_EQ(first_aws_query(access, show_keys)->request.url, "AK s ");
    EXPECT_FALSE(next_aws_query(access, show_keys, {200, {}, "{}"}, 0)->has_value());
}

TEST(AwsKeys, TakeOnARole) {
    const Credentials given{{"access-key-id", "AK"}, {"secret-access-key", "s"}};
    const AwsAccess access{given, "eu-west-1", "arn:aws:iam::1:role/r", noon};
    const auto first = first_aws_query(access, show_keys);
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(first->request.url, "https://sts.eu-west-1.amazonaws.com/");
    EXPECT_EQ(first->request.body,
              "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr"
              "&RoleSessionName=sluice");
    EXPECT_NE(header_of(*first, "Authorization").find("/eu-west-1/sts/aws4_request"),
              std::string::npos);
    EXPECT_EQ((*next_aws_query(access, show_keys, {200, {}, sts_xml}, 0))->request.url,
              "ASIA1 s1 t1");
    EXPECT_FALSE(next_aws_query(access, show_keys, {200, {}, "the answer"}, 1)->has_value());
}

TEST(AwsKeys, OfAServiceAccountAreAskedForWithoutASignature) {
    const Credentials given{{"web-identity-token", "jwt"}, {"role-arn", "arn:sa"}};
    const AwsAccess access{given, "cn-north-1", "arn:other", noon};
    const auto first = first_aws_query(access, show_keys);
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(first->request.url, "https://sts.cn-north-1.amazonaws.com.cn/");
    EXPECT_EQ(header_of(*first, "Authorization"), "none");
    EXPECT_EQ(first->request.body,
              "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Asa"
              "&RoleSessionName=sluice&WebIdentityToken=jwt");
    const auto second = next_aws_query(access, show_keys, {200, {}, sts_json}, 0);
    ASSERT_TRUE(second.ok() && *second);
    EXPECT_EQ(header_of(**second, "X-Amz-Security-Token"), "t2");
    EXPECT_EQ((*next_aws_query(access, show_keys, {200, {}, sts_xml}, 1))->request.url,
              "ASIA1 s1 t1");
}

TEST(AwsKeys, OfAContainerComeFromItsHost) {
    const Credentials given{{"container-url", "http://169.254.170.23/v1/credentials"},
                            {"container-token", "jwt"}};
    const AwsAccess access{given, "eu-west-1", "", noon};
    EXPECT_EQ(header_of(*first_aws_query(access, show_keys), "Authorization"), "jwt");
    EXPECT_EQ((*next_aws_query(
                   access, show_keys,
                   {200, {}, R"({"AccessKeyId": "A", "SecretAccessKey": "s", "Token": "t"})"}, 0))
                  ->request.url,
              "A s t");
}

TEST(AwsKeys, ThatDoNotComeAreAnErrorThatShowsNone) {
    const Credentials given{{"web-identity-token", "jwt"}};
    const AwsAccess access{given, "eu-west-1", "", noon};
    const auto why = [&](HttpResponse response) {
        return next_aws_query(access, show_keys, response, 0).error().message;
    };
    EXPECT_EQ(why({403, {}, R"({"Error": {"Code": "AccessDenied", "Message": "no"}})"}),
              "no AWS keys: answered 403 AccessDenied");
    EXPECT_EQ(why({400, {}, "<Error><Code>ExpiredToken</Code></Error>"}),
              "no AWS keys: answered 400 ExpiredToken");
    EXPECT_EQ(why({429, {{"Retry-After", "3"}}, ""}),
              "no AWS keys: answered 429, which asks to be asked again after 3");
    EXPECT_EQ(why({200, {}, R"({"AccessKeyId": "A")"}), "no AWS keys: the answer holds none");
    const Credentials nothing;
    EXPECT_EQ(first_aws_query({nothing, "r", "", noon}, show_keys).error().message,
              "no AWS keys: none of AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE and "
              "AWS_CONTAINER_CREDENTIALS_FULL_URI is set");
}

}  // namespace
}  // namespace sluice::analysis::provider_test
