// SPDX-License-Identifier: Apache-2.0
// Protobuf bodies, as kubectl from 1.32 on and helm send them, into documents. Nothing is ever
// answered in protobuf: clients take JSON. Pure.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
#pragma once

#include <string_view>

#include "base/json.hpp"

namespace sluice::standalone::apiserver {

// A built-in kind's object, with apiVersion and kind. Invalid: no such envelope, a kind that the
// table lacks, or broken bytes.
Result<Json> read_protobuf(std::string_view body);

}  // namespace sluice::standalone::apiserver
