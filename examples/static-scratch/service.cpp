// SPDX-License-Identifier: MIT
// A sample of a program without a shell around it: GET / and GET /healthz over HTTP/1.1 on ${PORT}
// (8080). On TERM or INT it takes no new connection, answers those it has, and ends with 0.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t most_connections = 256;
constexpr std::size_t longest_request = 8192;
constexpr time_t patience = 5;  // seconds for a client to finish its request

struct Connection {
    int fd;
    time_t until;
    std::string request{};
};

volatile sig_atomic_t stopping = 0;
void stop(int) { stopping = 1; }

time_t now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

int listen_on(unsigned short port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) return -1;
    return listen(fd, 128) < 0 ? -1 : fd;
}

std::string answer(std::string_view request) {
    const bool is_get = request.substr(0, 4) == "GET ";
    const std::string_view path = is_get ? request.substr(4, request.find(' ', 4) - 4) : "";
    const char* status = is_get ? "404 Not Found" : "405 Method Not Allowed";
    std::string body;
    if (path == "/" || path == "/healthz") {
        status = "200 OK";
        body = path == "/" ? "hello\n" : "ok\n";
    }
    return std::string("HTTP/1.1 ") + status +
           "\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

// False: the connection is done with.
bool serve(Connection& connection, bool readable) {
    char room[2048];
    const ssize_t got = readable ? recv(connection.fd, room, sizeof room, 0) : -1;
    if (got > 0) connection.request.append(room, static_cast<std::size_t>(got));
    if (connection.request.find("\r\n\r\n") != std::string::npos) {
        // A fresh socket has room for so short an answer.
        const std::string text = answer(connection.request);
        (void)!send(connection.fd, text.data(), text.size(), MSG_NOSIGNAL);
        return false;
    }
    return connection.request.size() < longest_request && now() < connection.until &&
           (got > 0 || !readable);
}

}  // namespace

int main() {
    const char* const given = getenv("PORT");
    const int port = atoi(given != nullptr ? given : "8080");
    int listener = port > 0 && port < 65536 ? listen_on(static_cast<unsigned short>(port)) : -1;
    if (listener < 0) return perror("listen"), 1;
    // Blocked but while it waits: a signal comes between two steps, never inside one.
    sigset_t ends, none;
    sigemptyset(&none);
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, nullptr);
    struct sigaction action {};
    action.sa_handler = stop;
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);

    std::vector<Connection> connections;
    while (listener >= 0 || !connections.empty()) {
        const bool has_room = connections.size() < most_connections;
        std::vector<pollfd> polled{{has_room ? listener : -1, POLLIN, 0}};
        for (const Connection& one : connections) polled.push_back({one.fd, POLLIN, 0});
        const timespec second{1, 0};  // to look at the clock, only while somebody is connected
        if (ppoll(polled.data(), polled.size(), connections.empty() ? nullptr : &second, &none) < 0)
            for (pollfd& entry : polled) entry.revents = 0;
        for (std::size_t i = connections.size(); i-- > 0;) {
            if (serve(connections[i], polled[i + 1].revents != 0)) continue;
            close(connections[i].fd);
            connections.erase(connections.begin() + static_cast<std::ptrdiff_t>(i));
        }
        // Those that the kernel has already accepted are answered too, also after the stop signal.
        for (int fd; listener >= 0 && connections.size() < most_connections &&
                     (fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;)
            connections.push_back({fd, now() + patience});
        if (stopping && listener >= 0) listener = (close(listener), -1);
    }
}
