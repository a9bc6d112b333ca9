#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Which modules of tests/e2e are the first to notice a change: for `scripts/test quick`.

    git diff --name-only | /usr/bin/python3 tests/e2e/affected.py

reads names of files, one a line, and prints names of modules. They are a guess that fits into a minute,
not all that could notice; that is `scripts/test e2e`.
"""
import argparse
import fnmatch
import glob
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
NOT_TESTS = {"run", "harness", "sandbox", "emulation", "affected"}
SMOKE = "cli exit_status"

# Of src: a file's name without its ending, wherever it lies -> modules. The first row counts.
SOURCES = (
    ("supervisor* init* narrator* run", "drain grace linger signals reaping stop_once real_programs"),
    ("heal* watcher* rest* given_check*", "heal notify hostile"),
    ("wait_for* wait_until_healthy* run_checks* check_list* credentials*", "wait_for wait_ heal"),
    ("user_spec* accounts* find_account* change_user* become_user*", "user own"),
    ("own_tree*", "own"),
    ("gosu*", "user"),
    ("install*", "install_"),
    ("notify*", "notify"),
    ("slips* check_slips*", "slips"),
    ("options* edit_distance* run_settings* duration* number* environment* bad_input*", "cli environment"),
    ("tini* dumb_init* catatonit* peer* imitate* wording*", "compat"),
    ("spawn* start_failure* release_inherited*", "exec_errors startup"),
    ("terminal*", "terminal_*"),
    ("tls* plain_stream* stream*", "probe_tls*"),
    ("http* body*", "probe_http probe_json wait_"),
    ("json*", "probe_json"),
    ("redis* postgres* mysql* server_call* credentials* conversation*", "probe_databases"),
    ("grpc* hpack* wire*", "probe_grpc"),
    ("dns* resolver* ip_address*", "probe_dns probe_sockets"),
    ("program_check* signal_process*", "probe_program probe_cli"),
    ("network* socket*", "probe_sockets probe_http probe_deadline wait_"),
    ("check* probe* outcome*", "probe_cli probe_files probe_http probe_limits probe_program probe_state probe_sockets wait_"),
    ("log* print* text* error_text*", "logging_ cli exec_errors"),
    ("sleep* ending_signals*", "sleep_ wait_"),
    ("status* find_usher* proc*", "status probe_state"),
    ("signals*", "signals cli"),
    ("kernel* file memory returned", "startup reaping signals probe_files probe_sockets"),
    ("*", SMOKE),
)
# What the modules here share.
SHARED = (("tls_lab", "probe_tls*"), ("probe_lab", "probe_http probe_sockets wait_ real_programs"), ("pty_session", "terminal_*"), ("*", SMOKE))
# The rest, by its path.
OTHERS = (("scripts/*", "scripts"), ("docs/* examples/* *.md Dockerfile.example", "docs"))


def first(rows, name):
    return next((modules for patterns, modules in rows
                 if any(fnmatch.fnmatchcase(name, x) for x in patterns.split())), "")


def for_file(path, modules):
    """Patterns of modules for one file, which may be gone."""
    stem = os.path.basename(path).partition(".")[0]
    if path.startswith("src/"):
        return first(SOURCES, stem)
    if os.path.dirname(path) == "tests/e2e":
        return stem if stem in modules else first(SHARED, stem)
    return first(OTHERS, path)


def affected(paths):
    """The modules, sorted, as the titles of their tests have them."""
    modules = {os.path.basename(x)[:-3] for x in glob.glob(os.path.join(HERE, "*.py"))} - NOT_TESTS
    modules -= {"probe_lab", "pty_session", "tls_lab"}
    patterns = " ".join(for_file(path, modules) for path in paths).split() or SMOKE.split()
    return sorted(m.rstrip("_") for m in modules if any(fnmatch.fnmatchcase(m, x) for x in patterns))


if __name__ == "__main__":
    argparse.ArgumentParser(usage=argparse.SUPPRESS, description=__doc__,
                            formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print(*affected(sys.stdin.read().splitlines()))
