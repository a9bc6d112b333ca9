# SPDX-License-Identifier: MIT
"""How Debian's database servers are started, for tests and for bench: commands that make a data folder, and
commands that serve from it. They need no service and no rights; who starts them owns the folder."""
import glob
import os
import shutil

NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")


def postgres_program(name):
    """The newest version's; None: it is not installed."""
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    return found[-1] if found else None


def redis(folder, port, *options):
    return [shutil.which("redis-server"), "--dir", folder, "--bind", "127.0.0.1", "--port", str(port), "--save", "",
            "--daemonize", "no", *options]


def init_postgres(folder):
    """Postgres refuses to be root."""
    return [*NOBODY, postgres_program("initdb"), "-D", folder, "-U", "postgres", "--auth=trust", "--no-sync",
            "--locale=C", "--encoding=UTF8"]


def postgres(folder, port, *settings):
    words = ["listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", "fsync=off", *settings]
    return [*NOBODY, postgres_program("postgres"), "-D", folder, "-p", str(port),
            *(word for setting in words for word in ("-c", setting))]


def init_mariadb(folder):
    return [*NOBODY, shutil.which("mariadb-install-db"), "--no-defaults", f"--datadir={folder}",
            "--auth-root-authentication-method=normal", "--skip-test-db", "--innodb-log-file-size=4M"]


def mariadb(folder, port, *options):
    return [*NOBODY, "/usr/sbin/mariadbd", "--no-defaults", f"--datadir={folder}", f"--socket={folder}/s.sock",
            f"--pid-file={folder}/pid", "--bind-address=127.0.0.1", f"--port={port}", "--innodb-log-file-size=4M",
            *options]


def give_away(folder):
    """To who runs the servers."""
    os.makedirs(folder, exist_ok=True)
    os.chown(folder, 65534, 65534)
    while folder != "/":
        os.chmod(folder, os.stat(folder).st_mode | 0o711)
        folder = os.path.dirname(folder)
        if os.stat(folder).st_mode & 0o001:
            break
