// SPDX-License-Identifier: MIT
// Telling the service manager (sd_notify(3)).
#pragma once

#include "result.hpp"
#include "text.hpp"

namespace usher::sys {

/// Sends `text` ("READY=1") to the datagram socket `path`, which may be abstract (@NAME). Never
/// blocks: EAGAIN when nobody reads. EINVAL: not a path.
Result<Done> notify(std::string_view path, std::string_view text);

}  // namespace usher::sys
