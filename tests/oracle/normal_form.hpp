// SPDX-License-Identifier: Apache-2.0
// Makes answers of two servers comparable.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/oracle/row.hpp"

namespace sluice::oracle {

// Of one script on one server: the versions of an object are counted from the first that was seen,
// so that a write that changes nothing still shows.
class NormalForm {
public:
    Json of(const Row& row, const HttpResponse& response);

private:
    Json tidy(const Json& value, const std::string& key);
    static void sort_causes(Json& body);
    Json tidy_object(const Json& object);
    std::string version_word(const std::string& uid, const std::string& version);

    bool managed_ = false;                                      // of the row at hand
    std::map<std::string, std::vector<std::string>> versions_;  // by uid, in order of appearance
};

struct Difference {
    std::string path;  // "/body/spec/replicas"
    std::string text;  // "ours 1, theirs 2"
};

// Nothing where they are equal. Where the status differs that alone is told.
std::vector<Difference> differences(const Json& ours, const Json& theirs);

}  // namespace sluice::oracle
