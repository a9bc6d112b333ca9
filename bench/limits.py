# SPDX-License-Identifier: MIT
"""What the figures are called, how they are told, and what usher has to hold."""

FLOORS = ("floor", "floor-vfork")
DYNAMIC_PEERS = ("tini", "dumb-init")   # their size is without the C library that they need
MUSL_PEERS = ("tini-musl", "dumb-init-musl", "catatonit-musl")

# figure: (title, factor from the measured unit, unit told). In all of them less is better.
PROBES = {"probe_http": "probe http", "probe_https_rsa": "probe https, RSA-2048",
          "probe_https_ecdsa": "probe https, P-256", "probe_json": "probe http, a field of JSON",
          "probe_unix": "probe http, unix socket", "probe_tcp": "probe tcp", "probe_grpc": "probe grpc",
          "probe_redis": "probe redis", "probe_postgres": "probe postgres", "probe_mysql": "probe mysql"}
TITLES = {
    "size": ("binary", 1 / 1024, "KiB"),
    "rss": ("Rss, idle", 1, "KiB"),
    "pss": ("Pss, idle", 1, "KiB"),
    "private_dirty": ("Private_Dirty, idle", 1, "KiB"),
    "page_tables": ("page tables, idle", 1, "KiB"),
    "cgroup_memory": ("control group of a container", 1, "KiB"),
    "cgroup_peak": ("control group at its peak, 50 starting at once", 1, "KiB"),
    "calls_launch": ("system calls to launch", 1, ""),
    "heap_calls": ("system calls to launch, for memory (brk, mmap)", 1, ""),
    "calls_signal": ("system calls for a signal", 1, ""),
    "calls_orphan": ("system calls for an orphan", 1, ""),
    "launch": ("launch + exit, PID 1", 1, "µs"),
    "launch_plain": ("launch + exit, not PID 1", 1, "µs"),
    "fifty_start": ("50 containers until all run", 1, "ms"),
    "signal": ("signal sent until handled", 1, "µs"),
    "storm_cpu": ("CPU for a signal, in a storm", 1, "µs"),
    "storm_lost": ("signals lost in the storm", 1, ""),
    "early_lost": ("signals lost 0-3 ms after start", 1, ""),
    **{f"orphan_{what}_{count}": (f"{name}, {which}", 1, unit)
       for count, which in (("single", "one at a time"), ("1000", "1,000 at once"),
                            ("10000", "10,000 at once, ten times"))
       for what, name, unit in (("cpu", "CPU for an orphan", "µs"),
                                ("wall", "time for an orphan", "µs"),
                                ("growth", "growth by all orphans", "KiB"))},
    "orphan_drift": ("CPU for an orphan, last 20,000 by first 20,000", 1, "times"),
    "tree_stop": ("1,000 processes stopped and gone", 1, "ms"),
    "idle_wake_ups": ("wake-ups in 30 s, idle", 1, ""),
    "idle_cpu": ("CPU in 30 s, idle", 1, "µs"),
    "heal_cpu": ("a round of --heal: CPU", 1, "µs"),
    "heal_probe_cpu": ("usher probe with the same check: CPU", 1, "µs"),
    "heal_wake_ups": ("a round of --heal: wake-ups of the watcher", 1, ""),
    "heal_init_wake_ups": ("100 rounds of --heal: wake-ups of PID 1", 1, ""),
    "heal_rss": ("the watcher's Rss", 1, "KiB"),
    "heal_private_dirty": ("the watcher's Private_Dirty", 1, "KiB"),
    "own_wall": ("--own, an entry of a large tree: time", 1, "ns"),
    "own_cpu": ("--own, an entry of a large tree: CPU", 1, "ns"),
    "own_peak": ("--own, a large tree: peak memory", 1, "KiB"),
    **{f"{probe}_{part}": (f"{title}: {name}", factor, unit)
       for probe, title in PROBES.items()
       for part, name, factor, unit in (("wall", "whole process", 1 / 1000, "ms"),
                                        ("cpu", "CPU", 1 / 1000, "ms"),
                                        ("peak", "peak memory", 1, "KiB"),
                                        ("calls", "system calls", 1, ""),
                                        ("load", "100 a second", 1, "% CPU"))},
}


def number(value):
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def times(ratio):
    return "-" if ratio is None else f"{ratio:.2f}"


def title(figure):
    return TITLES.get(figure, (figure.replace("_", " "), 1, ""))


def with_unit(figure):
    name, _, unit = title(figure)
    return f"{name}, {unit}" if unit else name


class Figures:
    """The measured rows by figure and candidate."""

    def __init__(self, rows):
        self.rows = {}
        for row in rows:
            self.rows.setdefault(row["figure"], {})[row["candidate"]] = row

    def get(self, figure, candidate="usher", what="median"):
        return self.rows.get(figure, {}).get(candidate, {}).get(what)

    def peers(self, figure):
        rows = self.rows.get(figure, {})
        return {name: row for name, row in rows.items()
                if "median" in row and not name.startswith("usher") and name not in FLOORS and not row.get("also")
                and (figure != "size" or name not in DYNAMIC_PEERS)}

    def best_peer(self, figure):
        """(name, median); None: no peer has this figure."""
        peers = self.peers(figure)
        if not peers:
            return None
        name = min(peers, key=lambda n: peers[n]["median"])
        return name, peers[name]["median"]

    def ratio(self, figure, to):
        """usher's median by that of `to`, a candidate or "best peer"; None: not measured."""
        own = self.get(figure)
        best = self.best_peer(figure)
        other = (best and best[1]) if to == "best peer" else self.get(figure, to)
        return own / other if own is not None and other else None


def at_most(name, most, value, unit="", aim=False):
    """`aim`: what we want beyond what must hold."""
    return {"limit": name, "kind": "aim" if aim else "must", "wanted": f"<= {number(most)} {unit}".strip(),
            "measured": "not measured" if value is None else f"{number(value)} {unit}".strip(),
            "holds": value is not None and value <= most}


def judge(rows, partial=False):
    """Every limit: [{limit, kind, wanted, measured, holds}]; with `partial` those that were measured."""
    f = Figures(rows)
    size = f.get("size")
    rss, dirty = f.get("rss", what="worst"), f.get("private_dirty", what="worst")
    found = [
        at_most("release binary", 154, size and size / 1024, "KiB"),
        at_most("Rss of the idle init, worst run", 32, rss, "KiB"),
        at_most("Private_Dirty of the idle init, worst run", 20, dirty, "KiB"),
        at_most("heap: brk and anonymous mmap", 0, f.get("heap_calls"), "calls"),
        at_most("wake-ups while idle", 0, f.get("idle_wake_ups")),
        at_most("system calls to launch", 16, f.get("calls_launch")),
        at_most("launch + exit, x floor", 1.1, f.ratio("launch", "floor")),
        at_most("launch + exit, x floor with vfork", 1.05, f.ratio("launch", "floor-vfork"), aim=True),
        at_most("launch + exit, x best peer", 1, f.ratio("launch", "best peer")),
        at_most("signal until handled, x best peer", 1.05, f.ratio("signal", "best peer")),
        *(at_most(f"{title(figure)[0]}, x floor", 1.1, f.ratio(figure, "floor"))
          for figure in f.rows if figure.startswith("orphan_cpu_")),
        at_most("growth by 100,000 orphans", 0, f.get("orphan_growth_10000"), "KiB"),
        at_most("signals lost 0-3 ms after start", 0, f.get("early_lost")),
        at_most("signals lost in the storm, worst round", 0, f.get("storm_lost", what="worst")),
    ]
    heal, probe = f.get("heal_cpu"), f.get("heal_probe_cpu")
    found += [
        at_most("a round of --heal, CPU, x usher probe", 1, heal / probe if heal and probe else None),
        at_most("wake-ups of PID 1 in 100 rounds of --heal", 0, f.get("heal_init_wake_ups", what="worst")),
    ]
    few, many = f.get("orphan_cpu_1000"), f.get("orphan_cpu_10000")
    floor_few, floor_many = f.get("orphan_cpu_1000", "floor"), f.get("orphan_cpu_10000", "floor")
    measured = few and many and floor_few and floor_many
    found += [
        # What the kernel's own work rises, the floor's rises too.
        at_most("CPU for an orphan, of 10,000 x of 1,000, x the same of the floor", 1.1,
                (many / few) / (floor_many / floor_few) if measured else None),
        at_most("CPU for an orphan, the last 20,000 x the first 20,000", 1.1, f.get("orphan_drift")),
        at_most("probe http, whole process, x curl", 0.1, f.ratio("probe_http_wall", "curl")),
        *(at_most(f"{title(figure)[0]}, x curl -k", 0.35, f.ratio(figure, "curl -k"))
          for figure in f.rows if figure in ("probe_https_rsa_wall", "probe_https_ecdsa_wall")),
    ]
    return [x for x in found if not partial or x["measured"] != "not measured"] + against_peers(f)


def against_peers(f):
    """Whether usher is ahead of every peer, however built, or within the spread, in each figure."""
    found = []
    for figure in f.rows:
        best = f.best_peer(figure)
        own = f.rows[figure].get("usher", {})
        if not best or "median" not in own or figure == "orphan_drift":   # a ratio of one's own
            continue
        peer = f.rows[figure][best[0]]
        if own["median"] == best[1]:
            word = "equal"
        elif own["q1"] <= peer["q3"] and peer["q1"] <= own["q3"]:
            word = "within the spread"
        else:
            word = "ahead" if own["median"] < best[1] else None
        _, factor, unit = title(figure)
        measured = f"{number(own['median'] * factor)} and {number(best[1] * factor)} {unit}".strip()
        found.append({"limit": f"{title(figure)[0]}: against {best[0]}", "kind": "peer", "figure": figure,
                      "peer": best[0], "wanted": "not behind",
                      "measured": f"{measured}: {word or 'behind, x ' + times(f.ratio(figure, best[0]))}",
                      "holds": word is not None})
    return found


# --- telling -------------------------------------------------------------------------------------

def spread(row):
    """Half the distance of the quartiles, in percent of the median."""
    return (row["q3"] - row["q1"]) / 2 / row["median"] * 100 if row["median"] else 0


def cell(row, factor):
    """The median and its spread."""
    if "median" not in row:
        return "-"
    text = number(row["median"] * factor)
    return f"{text} ±{spread(row):.0f}%" if spread(row) >= 0.5 else text


def columns(rows):
    for i in range(max(len(row) for row in rows)):
        width = max((len(row[i]) for row in rows if i < len(row)), default=0)
        for row in rows:
            if i < len(row):
                row[i] = row[i].ljust(width) if i == 0 else row[i].rjust(width)
    return ["  ".join(row).rstrip() for row in rows]


def table(f, figures):
    """One row a figure, one column a candidate that has any of them."""
    names = []
    for figure in figures:
        names += [name for name in f.rows[figure] if name not in names]
    rows = [["", "rounds", *names, "x floor", "x vfork", "x best peer"]]
    for figure in figures:
        measured = f.rows[figure]
        factor = title(figure)[1]
        ratios = [f.ratio(figure, to) for to in (*FLOORS, "best peer")]
        rounds = max((row.get("rounds", 0) for row in measured.values()), default=0)
        rows.append([with_unit(figure), str(rounds),
                     *[cell(measured.get(n, {}), factor) for n in names],
                     *map(times, ratios)])
    # Without a floor there is no ratio to it.
    empty = [i for i in range(len(rows[0])) if all(row[i] == "-" for row in rows[1:])]
    return columns([[c for i, c in enumerate(row) if i not in empty] for row in rows])


def print_tables(report):
    machine = report["machine"]
    f = Figures(report["figures"])
    print(f"{machine['date']}, {machine['architecture']}, {machine['cpus']} CPUs ({machine['cpu']}), "
          f"{machine['kernel']}. Medians; ± is half the distance of the quartiles; less is better.")
    groups = [[] for _ in range(len(PROBES) + 2)]
    for figure in (*[t for t in TITLES if t in f.rows], *[g for g in f.rows if g not in TITLES]):
        if all("failed" in row for row in f.rows[figure].values()):
            continue
        place = next((i for i, p in enumerate(PROBES, 1) if figure.startswith(p)), 0)
        groups[-1 if figure.startswith("core ") else place].append(figure)
    for group in groups:
        if group:
            print("\n" + "\n".join(table(f, group)))
    for row in report["figures"]:
        if "failed" in row:
            print(f"{row['figure']}, {row['candidate']}: {row['failed']}")
    print_verdicts(report["limits"])


def print_verdicts(verdicts):
    """Where a peer is ahead comes first."""
    limits, aims, peers = ([x for x in verdicts if x["kind"] == kind] for kind in ("must", "aim", "peer"))
    behind = [x for x in peers if not x["holds"]]
    if peers and not behind:
        print("\nNo peer is ahead.")
    for heading, found in (("A PEER IS AHEAD", behind), ("Limits", limits), ("Aims", aims),
                           ("Not behind the best peer", [x for x in peers if x["holds"]])):
        rows = [["  " + x["limit"], x["measured"]] if x["kind"] == "peer" else
                ["  " + x["limit"], "holds" if x["holds"] else "MISSED", x["measured"], x["wanted"]] for x in found]
        if rows:
            print("\n".join(["", heading, *columns(rows)]))
