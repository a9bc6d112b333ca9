# SPDX-License-Identifier: MIT
"""A cluster of one node inside the sandbox of tests/engines/isolation.py, in two forms: Debian's programs
(scripts/kubernetes), or one binary of k3s.

    198.18.2.1 the node    198.18.0.0/24 its pods    198.18.1.0/24 services; there is no way out

All its processes are children of the runner, and end with the sandbox.
"""
import datetime
import json
import os
import re
import subprocess
import time

import api
import engines
import isolation
from harness import wait_for

NODE, NODE_ADDRESS, DNS_ADDRESS = "node1", "198.18.2.1", "198.18.1.10"
PODS, SERVICES = "198.18.0.0/24", "198.18.1.0/24"
STATE = f"{isolation.WORK}/kubernetes"
CONFIG = f"{STATE}/kubeconfig"
PAUSE = "localhost/pause:1"
# A kubelet sets these for the whole machine, unless they are so already: it sees files that say so.
SYSCTLS = {"vm/overcommit_memory": 1, "vm/panic_on_oom": 0, "kernel/panic": 10,
           "kernel/panic_on_oops": 1, "kernel/keys/root_maxkeys": 1000000,
           "kernel/keys/root_maxbytes": 25000000}
KUBECONFIG = f"""apiVersion: v1
kind: Config
clusters: [{{name: here, cluster: {{server: "https://{api.HOST}:{api.PORT}", insecure-skip-tls-verify: true}}}}]
users: [{{name: tests, user: {{token: {api.TOKEN}}}}}]
contexts: [{{name: here, context: {{cluster: here, user: tests}}}}]
current-context: here
"""


def path(*parts):
    return os.path.join(STATE, *parts)


def write(name, text):
    os.makedirs(os.path.dirname(path(name)), exist_ok=True)
    with open(path(name), "w", encoding="utf-8") as file:
        file.write(text)
    return path(name)


def furnish():
    """What a node has, besides what every sandbox has."""
    for folder in ("/var/log", "/usr/libexec", "/opt"):
        if os.path.isdir(folder):
            isolation.cover(folder)
    for name, value in SYSCTLS.items():
        isolation.mount(write(f"sysctl/{name.replace('/', '.')}", f"{value}\n"), f"/proc/sys/{name}", None,
                        isolation.MS_BIND)
    for name, text in (("hosts", f"127.0.0.1 localhost\n{NODE_ADDRESS} {NODE}\n"),
                       ("resolv.conf", f"nameserver {NODE_ADDRESS}\n")):
        with open(f"/etc/{name}", "w", encoding="ascii") as file:   # of the sandbox
            file.write(text)
    for words in ("link add node0 type bridge", f"address add {NODE_ADDRESS}/24 dev node0",
                  "link set node0 up", "route add default dev node0"):
        engines.call("ip", *words.split())
    with open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as file:
        file.write("1")
    write("tokens.csv", f"{api.TOKEN},tests,1,system:masters\n")
    write("kubeconfig", KUBECONFIG)
    os.makedirs(path("log"))


def answers(request):
    try:
        return request()
    except (OSError, api.Refused, AssertionError):
        return None


class Cluster:
    """start() brings it up with these images (of images.py); the rest is asked of the API."""
    patience = 120.0
    has_accounts = False   # a service account in each namespace

    def __init__(self, folder):
        self.folder = folder       # of the programs
        self.started = {}          # name: Popen
        self.version = ()          # (1, 20)

    def program(self, name):
        """The path of one of the cluster's programs."""
        raise NotImplementedError

    def bring_up(self, archives):
        raise NotImplementedError

    def kubectl(self, *words, deadline=60.0):
        """Runs kubectl: (status, output, stderr after stdout)."""
        return engines.call(*self.kubectl_command, "--kubeconfig", CONFIG, *words, check=False, deadline=deadline)

    def start(self, images):
        furnish()
        self.bring_up([image.archive for image in images])
        self.wait(lambda: engines.call(*self.runtime_client, "version"), "the runtime answers")
        self.run("ctr", *self.runtime_client[1:], "events")
        self.wait(self.node_is_ready, "the node is ready")
        self.full_version = api.call("GET", f"/api/v1/nodes/{NODE}")["status"]["nodeInfo"]["kubeletVersion"]
        self.version = tuple(map(int, re.match(r"v(\d+)\.(\d+)", self.full_version).groups()))

    def run(self, name, *words):
        """Starts one of the cluster's programs, with a log."""
        with open(path("log", name), "wb") as log:
            self.started[name] = subprocess.Popen(
                [self.program(name), *map(str, words)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**engines.environment(), "PATH": f"{self.search}:{engines.PATH}", "KUBECONFIG": CONFIG},
                cwd=STATE, start_new_session=True)

    def wait(self, condition, what):
        def holds():
            for name, popen in self.started.items():
                assert popen.poll() is None, f"{name} ended"
            time.sleep(0.1)
            return answers(condition)
        try:
            wait_for(holds, what, self.patience)
        except AssertionError as error:
            told = "\n".join(f"--- {name}: {self.last_lines(name)}" for name in self.started)
            raise AssertionError(f"{error}\n{told}") from None

    def last_lines(self, name):
        with open(path("log", name), encoding="utf-8", errors="replace") as file:
            return file.read()[-1500:]

    @staticmethod
    def log_of_runtime():
        return path("log", "ctr")

    def exits(self, container):
        """What the runtime told of a container: [(when, exit status)] of its first process, and whether it ran out of
        memory. A kubelet of 1.20 may lose both when the pod is deleted."""
        found, out_of_memory = [], False
        offset = time.time() - time.monotonic()
        with open(self.log_of_runtime(), encoding="utf-8") as file:
            for line in file:
                if container not in line or "/tasks/" not in line:
                    continue
                out_of_memory = out_of_memory or "/tasks/oom" in line
                told = json.loads(line[line.index("{"):]) if "/tasks/exit" in line else {}
                if told.get("id") == container:
                    ended = datetime.datetime.fromisoformat(told["exited_at"][:19] + "+00:00").timestamp()
                    ended += float("0." + re.search(r"\.(\d+)|$", told["exited_at"])[1] or "0")
                    found.append((ended - offset, told.get("exit_status", 0)))
        return found, out_of_memory

    @staticmethod
    def node_is_ready():
        conditions = api.call("GET", f"/api/v1/nodes/{NODE}")["status"]["conditions"]
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


class Debian(Cluster):
    """etcd, the API server, the controllers, the scheduler, kube-proxy, containerd with runc, and the
    kubelet, each a process of its own."""

    def __init__(self, folder):
        super().__init__(folder)
        root = os.path.join(folder, "root", "usr")
        self.search = f"{folder}/bin:{root}/bin:{root}/sbin"
        self.cni = f"{root}/lib/cni"
        self.runc = f"{root}/sbin/runc"
        self.socket = path("containerd", "sock")
        self.kubectl_command = [f"{root}/bin/kubectl"]
        self.runtime_client = [f"{root}/bin/ctr", "--address", self.socket, "--namespace", "k8s.io"]

    def program(self, name):
        for folder in self.search.split(":"):
            if os.path.exists(f"{folder}/{name}"):
                return f"{folder}/{name}"
        raise FileNotFoundError(name)

    def bring_up(self, archives):
        self.start_runtime(archives)
        self.start_control_plane()
        self.start_kubelet()
        self.start_proxy()

    def start_control_plane(self):
        store, peers = "http://127.0.0.1:23790", "http://127.0.0.1:23800"
        self.run("etcd", "--data-dir", path("etcd"), "--listen-client-urls", store, "--advertise-client-urls", store,
                 "--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster",
                 f"default={peers}")
        key = path("accounts.key")
        engines.call("openssl", "genrsa", "-out", key, "2048")
        local = ("--bind-address", "127.0.0.1", "--cert-dir", path("certificates"))
        self.run("kube-apiserver", *local, "--etcd-servers", store, "--advertise-address", NODE_ADDRESS,
                 "--secure-port", api.PORT, "--service-account-issuer", "https://kubernetes.local",
                 "--service-account-key-file", key, "--service-account-signing-key-file", key, "--token-auth-file",
                 path("tokens.csv"), "--kubelet-preferred-address-types", "InternalIP", "--authorization-mode",
                 "AlwaysAllow", "--service-cluster-ip-range", SERVICES, "--disable-admission-plugins",
                 "ServiceAccount")
        self.wait(lambda: api.ask("GET", "/readyz") == b"ok", "the API server answers")
        for name, port, more in (
                ("kube-controller-manager", 10257, ("--service-account-private-key-file", key, "--kube-api-qps", 100)),
                ("kube-scheduler", 10259, ())):
            self.run(name, *local, "--kubeconfig", CONFIG, "--leader-elect=false", "--port", 0, "--secure-port", port,
                     "--authentication-skip-lookup", *more)

    def start_runtime(self, archives):
        write("cni/10-pods.conflist", f"""{{"cniVersion": "0.4.0", "name": "pods", "plugins": [
            {{"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
              "ipam": {{"type": "host-local", "dataDir": "{path('addresses')}", "ranges": [[{{"subnet": "{PODS}"}}]],
                        "routes": [{{"dst": "0.0.0.0/0"}}]}}}}]}}""")
        # CAP_SYS_RESOURCE may be missing, without which no score of OOM can be made lower.
        configuration = write("containerd/config.toml", f"""version = 2
root = "{path('containerd', 'root')}"
state = "{path('containerd', 'state')}"
[grpc]
  address = "{self.socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{path('containerd', 'opt')}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
      BinaryName = "{self.runc}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{self.cni}"
    conf_dir = "{path('cni')}"
""")
        self.run("containerd", "-c", configuration)
        self.wait(lambda: engines.call(*self.runtime_client, "version"), "containerd answers")
        for archive in archives:
            engines.call(*self.runtime_client, "images", "import", archive)

    def start_kubelet(self):
        configuration = write("kubelet.yaml", f"""apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: {NODE_ADDRESS}
healthzPort: 0
authentication: {{anonymous: {{enabled: true}}, webhook: {{enabled: false}}}}
authorization: {{mode: AlwaysAllow}}
cgroupDriver: cgroupfs
failSwapOn: false
clusterDNS: [{DNS_ADDRESS}]
clusterDomain: cluster.local
oomScoreAdj: 0
syncFrequency: 10s              # some of what is to be done waits for the next round, of 1 min
nodeStatusUpdateFrequency: 2s   # ready sooner
kubeAPIQPS: 50                  # as from 1.27 on
kubeAPIBurst: 100
eventRecordQPS: 50
eventBurst: 100
""")
        self.run("kubelet", "--config", configuration, "--kubeconfig", CONFIG, "--root-dir", path("kubelet"),
                 "--cert-dir", path("certificates"), "--container-runtime", "remote", "--container-runtime-endpoint",
                 f"unix://{self.socket}", "--hostname-override", NODE, "--node-ip", NODE_ADDRESS,
                 "--pod-infra-container-image", PAUSE)

    def start_proxy(self):
        configuration = write("proxy.yaml", f"""apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {{kubeconfig: {CONFIG}}}
mode: iptables
hostnameOverride: {NODE}
clusterCIDR: {PODS}
bindAddress: {NODE_ADDRESS}
metricsBindAddress: 127.0.0.1:10249
healthzBindAddress: 127.0.0.1:10256
oomScoreAdj: 0
conntrack: {{maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}}
""")
        self.run("kube-proxy", "--config", configuration)


class K3s(Cluster):
    """All of it in one binary, which brings its own containerd, runc and CNI plugins: for the workflow `kubernetes`. It
    was not run where this was written, for want of a k3s."""
    search, has_accounts = "", True

    def __init__(self, binary):
        super().__init__(os.path.dirname(binary))
        self.binary = binary
        self.kubectl_command = [binary, "kubectl"]
        self.runtime_client = [binary, "ctr", "--namespace", "k8s.io"]

    def program(self, name):
        return self.binary

    def bring_up(self, archives):
        os.makedirs(path("k3s/agent/images"))
        for number, archive in enumerate(archives):   # it loads what is there when it starts
            os.symlink(archive, path(f"k3s/agent/images/{number}.tar"))
        self.run("k3s", "server", "--data-dir", path("k3s"), "--write-kubeconfig", path("k3s.yaml"),
                 "--node-name", NODE, "--node-ip", NODE_ADDRESS, "--flannel-iface", "node0",
                 "--flannel-backend", "host-gw", "--cluster-cidr", "198.19.0.0/16", "--service-cidr", SERVICES,
                 "--cluster-dns", DNS_ADDRESS, "--https-listen-port", api.PORT, "--pause-image", PAUSE,
                 "--disable", "traefik,servicelb,metrics-server,local-storage,coredns", "--disable-helm-controller",
                 "--disable-cloud-controller", "--disable-network-policy",
                 "--kube-apiserver-arg", f"token-auth-file={path('tokens.csv')}")
