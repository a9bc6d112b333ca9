// SPDX-License-Identifier: MIT
// Runs a fuzz target once for each file of the folders that are given, in place of libFuzzer, whose
// own library MSan knows nothing of. Options are ignored.
#include <dirent.h>

#include <cstdint>
#include <cstdio>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

static void run_file(const char* path) {
    static uint8_t room[1 << 20];
    std::FILE* file = std::fopen(path, "rb");
    if (file == nullptr) return;
    // An exact copy, so that a byte too far is one that belongs to nobody.
    const std::vector<uint8_t> input(room, room + std::fread(room, 1, sizeof room, file));
    std::fclose(file);
    std::fprintf(stderr, "%s\n", path);  // where a failure is to be looked for
    LLVMFuzzerTestOneInput(input.data(), input.size());
}

int main(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        DIR* folder = argv[i][0] == '-' ? nullptr : opendir(argv[i]);
        while (const dirent* entry = folder == nullptr ? nullptr : readdir(folder)) {
            char path[512];
            std::snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
            if (entry->d_name[0] != '.') run_file(path);
        }
        if (folder != nullptr) closedir(folder);
    }
    return 0;
}
