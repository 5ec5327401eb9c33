// SPDX-License-Identifier: Apache-2.0
#include "base/result.hpp"

namespace sluice {

std::string_view to_text(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::Invalid: return "Invalid";
        case ErrorKind::NotFound: return "NotFound";
        case ErrorKind::AlreadyExists: return "AlreadyExists";
        case ErrorKind::Conflict: return "Conflict";
        case ErrorKind::Gone: return "Gone";
        case ErrorKind::Denied: return "Denied";
        case ErrorKind::Unavailable: return "Unavailable";
        case ErrorKind::NoSpace: return "NoSpace";
        case ErrorKind::Timeout: return "Timeout";
        case ErrorKind::Internal: return "Internal";
    }
    unreachable();
}

}  // namespace sluice
