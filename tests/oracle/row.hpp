// SPDX-License-Identifier: Apache-2.0
// The oracle's table: requests as data, played one after the other against an API server.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/http.hpp"
#include "base/json.hpp"

namespace sluice::oracle {

// Which items of a large answer are compared: those of the list at `at` whose `by` is one of `of`.
struct Pick {
    std::string at;  // a JSON pointer into the body
    std::string by;
    std::vector<std::string> of;
};

struct Row {
    std::string name;  // unique within its file
    std::string method;
    // $(ns), $(core) (/api/v1/namespaces/NS), $(apps) and what earlier rows kept stand in it, and
    // in the body.
    std::string path;
    std::string accept;
    std::string content_type;
    Json body;                                // a text is sent as it is, null means none
    std::map<std::string, std::string> keep;  // variable → JSON pointer into the answer's body
    std::vector<Pick> picks;
    bool status_only = false;  // the body is too large, or says what is the server's own
    bool managed = false;      // metadata.managedFields are compared too
    // Asked again until then, for what a server does in its own time: a status (0: none is waited
    // for), and a value in the body.
    int until_status = 0;
    std::string until_at;
    Json until_is;
};

// One file: a story in a namespace of its own, which has the file's name.
struct Script {
    std::string name;  // "pods"
    std::vector<Row> rows;
};

// Every requests/*.yaml, by name. Throws std::runtime_error with file and row where one is wrong.
std::vector<Script> load_scripts(const std::string& folder);

// What a row's request got, in a form that two servers can agree on: identities, times and versions
// are replaced by words.
// {"status": 201, "type": "application/json", "warnings": […], "body": …}
struct Played {
    std::string row;
    Json answer;
};

std::vector<Played> play(const Script& script, HttpTransport& server);

}  // namespace sluice::oracle
