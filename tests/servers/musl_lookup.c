/* SPDX-License-Identifier: MIT
 * musl_lookup NAME...: what getaddrinfo of musl gives: for each name a line with the addresses, or
 * the error's number. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>

int main(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = 0;
        const int error = getaddrinfo(argv[i], 0, &hints, &list);
        if (error) printf("error %d", error);
        for (struct addrinfo* a = list; a; a = a->ai_next) {
            char text[64];
            const void* from = a->ai_family == AF_INET
                                   ? (void*)&((struct sockaddr_in*)a->ai_addr)->sin_addr
                                   : (void*)&((struct sockaddr_in6*)a->ai_addr)->sin6_addr;
            printf("%s ", inet_ntop(a->ai_family, from, text, sizeof text));
        }
        puts("");
        fflush(stdout);
    }
    return 0;
}
