// SPDX-License-Identifier: Apache-2.0
// The whole Json type, for the few headers that hold documents by value. Everybody else gets by
// with base/json.hpp, which compiles four times as fast.
#pragma once

#include <nlohmann/json.hpp>

#include "base/json.hpp"
