// SPDX-License-Identifier: MIT
#include "error_text.hpp"

#include <errno.h>

namespace usher::sys {

namespace {

Literal text_of(int number) {
    switch (number) {
        case EPERM: return "Operation not permitted";
        case ENOENT: return "No such file or directory";
        case ESRCH: return "No such process";
        case EIO: return "Input/output error";
        case ENXIO: return "No such device or address";
        case E2BIG: return "Argument list too long";
        case ENOEXEC: return "Exec format error";
        case EBADF: return "Bad file descriptor";
        case EAGAIN: return "Resource temporarily unavailable";
        case ENOMEM: return "Out of memory";
        case EACCES: return "Permission denied";
        case EBUSY: return "Device or resource busy";
        case EXDEV: return "Invalid cross-device link";
        case ENOTDIR: return "Not a directory";
        case EISDIR: return "Is a directory";
        case EINVAL: return "Invalid argument";
        case ENFILE: return "Too many open files in system";
        case EMFILE: return "Too many open files";
        case ETXTBSY: return "Text file busy";
        case EFBIG: return "File too large";
        case ENOSPC: return "No space left on device";
        case EROFS: return "Read-only file system";
        case EPIPE: return "Broken pipe";
        case ENAMETOOLONG: return "File name too long";
        case ENOSYS: return "Function not implemented";
        case ELOOP: return "Too many levels of symbolic links";
        case EPROTOTYPE: return "Wrong socket type";
        case EAFNOSUPPORT: return "Address family not supported";
        case EADDRNOTAVAIL: return "Address not available";
        case ENETDOWN: return "Network is down";
        case ENETUNREACH: return "Network is unreachable";
        case ECONNABORTED: return "Connection aborted";
        case ECONNRESET: return "Connection reset by peer";
        case ENOBUFS: return "No buffer space";
        case EDQUOT: return "Disk quota exceeded";
        case ETIMEDOUT: return "Connection timed out";
        case ECONNREFUSED: return "Connection refused";
        case EHOSTUNREACH: return "No route to host";
        case ELIBBAD: return "Corrupted shared library";
        default: return {};
    }
}

}  // namespace

void add_error(Writer& line, int number) {
    const Literal text = text_of(number);
    if (text.empty()) {
        line.add("error ").add(number);
    } else {
        line.add(text);
    }
}

bool is_shortage(int number) {
    return number == EAGAIN || number == ENOMEM || number == ENFILE || number == EMFILE ||
           number == ENOBUFS;
}

}  // namespace usher::sys
