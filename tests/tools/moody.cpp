// SPDX-License-Identifier: MIT
// An HTTP server that gets into trouble when it is told to: a thread a connection, one request
// each, ${PORT} (8080).
//
//   moody [OPTIONS]
//       --term drain           (default) on TERM it takes no new connection, answers those it has,
//       ends
//       --term ignore|default  it stays, or ends by TERM itself
//       --exit CODE            how it ends after a drain
//       --late MS              listens only after that time
//       --leave N              first starts N children that ignore TERM and outlive it
//       --orphans N            first starts N processes whose parents end, and that end after it
//
//   GET /, /healthz      "ok", or what was set
//   GET /work            "done" after 50 ms
//   GET /set/status/N    from then on the status of /healthz;   /set/delay/MS: how long it takes
//   GET /set/hang/1      accepts no connection any more
//   GET /end/N           ends with N;   /eat: takes memory without an end
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>

namespace {

std::atomic<int> active = 0, status = 200, delay = 0;
std::atomic<bool> hangs = false;

void sleep_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

[[noreturn]] void eat() {
    constexpr std::size_t megabyte = 1 << 20;
    for (;;) {
        if (void* const room = malloc(megabyte)) memset(room, 1, megabyte);
    }
}

// The number behind `route` in a path that begins with it, else -1.
int given(std::string_view path, std::string_view route) {
    return path.substr(0, route.size()) == route ? atoi(path.data() + route.size()) : -1;
}

void send_reply(int fd, int code, std::string_view body) {
    const std::string text =
        "HTTP/1.1 " + std::to_string(code) +
        " -\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
        std::string(body);
    (void)!send(fd, text.data(), text.size(), MSG_NOSIGNAL);
}

void answer(int fd, const std::string& path) {
    if (path == "/healthz" || path == "/") {
        sleep_ms(delay);
        return send_reply(fd, status, status == 200 ? "ok\n" : "in a bad mood\n");
    }
    if (path == "/work") {
        sleep_ms(50);
        return send_reply(fd, 200, "done\n");
    }
    const int code = given(path, "/end/");
    if (int n = given(path, "/set/status/"); n >= 0) status = n;
    if (int n = given(path, "/set/delay/"); n >= 0) delay = n;
    if (given(path, "/set/hang/") >= 0) hangs = true;
    send_reply(fd, 200, "so be it\n");
    if (path == "/eat") eat();
    if (code >= 0) {
        shutdown(fd, SHUT_WR);
        sleep_ms(20);
        _exit(code);
    }
}

void serve(int fd) {
    std::string request;
    char room[2048];
    while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t got = recv(fd, room, sizeof room, 0);
        if (got <= 0) break;
        request.append(room, static_cast<std::size_t>(got));
    }
    if (request.substr(0, 4) == "GET ") answer(fd, request.substr(4, request.find(' ', 4) - 4));
    // Closed by the client first, so that nothing it still sends resets what it is to read.
    shutdown(fd, SHUT_WR);
    const timeval second{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
    while (recv(fd, room, sizeof room, 0) > 0) {
    }
    close(fd);
    --active;
}

int listen_on(int port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<unsigned short>(port));
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) return -1;
    return listen(fd, 512) < 0 ? -1 : fd;
}

void start_child_that_stays() {
    if (fork() != 0) return;
    signal(SIGTERM, SIG_IGN);
    for (;;) pause();
}

void start_orphan() {
    const pid_t child = fork();
    if (child == 0) {
        if (fork() == 0) sleep_ms(200);
        _exit(0);
    }
    waitpid(child, nullptr, 0);
}

}  // namespace

int main(int count, char** words) {
    std::string_view on_term = "drain";
    int exit_code = 0, late = 0, leave = 0, orphans = 0;
    for (int i = 1; i + 1 < count; i += 2) {
        const std::string_view option = words[i];
        const int number = atoi(words[i + 1]);
        if (option == "--term") on_term = words[i + 1];
        if (option == "--exit") exit_code = number;
        if (option == "--late") late = number;
        if (option == "--leave") leave = number;
        if (option == "--orphans") orphans = number;
    }
    while (leave-- > 0) start_child_that_stays();
    while (orphans-- > 0) start_orphan();

    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    if (on_term == "ignore") signal(SIGTERM, SIG_IGN);
    if (on_term == "drain") sigprocmask(SIG_BLOCK, &term, nullptr);
    sleep_ms(late);
    const char* const port = getenv("PORT");
    const int listener = listen_on(port != nullptr ? atoi(port) : 8080);
    if (listener < 0) return perror("listen"), 1;
    if (on_term == "drain") {
        std::thread([&term, listener] {
            int number = 0;
            sigwait(&term, &number);
            shutdown(listener, SHUT_RDWR);  // accept() returns
        }).detach();
    }
    for (int fd; (fd = accept(listener, nullptr, nullptr)) >= 0;) {
        ++active;
        std::thread(serve, fd).detach();
        while (hangs) sleep_ms(10);
    }
    while (active > 0) sleep_ms(5);
    _exit(exit_code);
}
