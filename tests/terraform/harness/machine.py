"""A machine that boots with cloud-init: a Debian root in a network namespace on a bridge, with Google's metadata server,
a bucket and a Nomad server on it. Only for a process that `run` started in namespaces of its own."""
import http.server
import json
import pathlib
import shutil
import ssl
import subprocess
import threading

from .workspace import HERE

BRIDGE = "nodes"
BUCKET_ADDRESS = "10.10.0.1"
METADATA_ADDRESS = "169.254.169.254"
SERVER_ADDRESS = "10.10.15.253"
BUCKET = "storage.googleapis.com"
TOKEN = "ya29.made-up"


def call(*arguments, **options):
    return subprocess.run([str(each) for each in arguments], check=True, capture_output=True, text=True, **options)


class Google:
    """The metadata server, which knows whether this machine has an account, one bucket behind TLS, and a server of Nomad."""

    def __init__(self, work, program):
        self.work, self.program = work, program
        self.has_account = True
        self.nodes = {}  # that have joined, by name
        self.asked = []  # path and Authorization of every request to the bucket
        call("ip", "link", "set", "lo", "up")
        # Its own address, or it loses that of a machine that goes.
        call("ip", "link", "add", BRIDGE, "address", "02:00:00:00:00:01", "type", "bridge")
        for each in (f"{BUCKET_ADDRESS}/20", f"{METADATA_ADDRESS}/32", f"{SERVER_ADDRESS}/32"):
            call("ip", "address", "add", each, "dev", BRIDGE)
        call("ip", "link", "set", BRIDGE, "up")
        # Names of namespaces stay in this mount namespace.
        pathlib.Path("/run/netns").mkdir(exist_ok=True)
        call("mount", "-t", "tmpfs", "tmpfs", "/run/netns")
        call("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
             f"/CN={BUCKET}", "-addext", f"subjectAltName=DNS:{BUCKET}", "-days", "2",
             "-keyout", work / "bucket.key", "-out", work / "bucket.crt")
        self.certificate = (work / "bucket.crt").read_text()
        self.serve(METADATA_ADDRESS, 80, self.metadata)
        self.serve(BUCKET_ADDRESS, 443, self.bucket, tls=True)
        self.serve(SERVER_ADDRESS, 4646, self.join)

    def serve(self, address, port, answer, tls=False):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.reply(*answer(self.path, self.headers))

            def do_POST(self):
                self.reply(*answer(self.path, self.rfile.read(int(self.headers["Content-Length"]))))

            def reply(self, code, body):
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer((address, port), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.work / "bucket.crt", self.work / "bucket.key")
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def metadata(self, path, headers):
        if headers["Metadata-Flavor"] != "Google":
            return 403, b"Missing Metadata-Flavor:Google header."
        if not self.has_account or path != "/computeMetadata/v1/instance/service-accounts/default/token":
            return 404, b"not found"
        return 200, b'{"access_token":"%s","expires_in":3599,"token_type":"Bearer"}' % TOKEN.encode()

    def bucket(self, path, headers):
        self.asked.append((path, headers["Authorization"]))
        if headers["Authorization"] != f"Bearer {TOKEN}":
            return 401, b"Anonymous caller does not have storage.objects.get access."
        return 200, self.program.read_bytes()

    def join(self, path, body):
        node = json.loads(body)
        self.nodes[node["Name"]] = node
        return 200, b"{}"


class Machine:
    def __init__(self, google, work, name, address, user_data):
        self.google, self.name, self.address = google, name, address
        self.root = work / name
        self.mount(work)
        self.connect()
        self.write("etc/hosts", f"127.0.0.1 localhost\n{METADATA_ADDRESS} metadata.google.internal\n"
                                f"{BUCKET_ADDRESS} {BUCKET}\n")
        self.write("etc/hostname", f"{name}\n")
        self.write("etc/resolv.conf", "")
        with open(self.root / "etc/ssl/certs/ca-certificates.crt", "a") as trusted:
            trusted.write(google.certificate)
        shutil.copy2(HERE / "harness/systemctl", self.root / "usr/local/sbin/systemctl")
        # From a folder, and no more of cloud-init than the user data asks for: this is no whole machine.
        self.write("var/lib/cloud/seed/nocloud/user-data", user_data)
        self.write("var/lib/cloud/seed/nocloud/meta-data", f"instance-id: {name}\n")
        self.write("etc/cloud/cloud.cfg", "datasource_list: [NoCloud, None]\nnetwork: {config: disabled}\n"
                   "cloud_init_modules: [write_files]\ncloud_config_modules: [runcmd]\n"
                   "cloud_final_modules: [scripts_user]\n"
                   "output: {all: '| tee -a /var/log/cloud-init-output.log'}\n"
                   "system_info: {distro: debian, paths: {cloud_dir: /var/lib/cloud, run_dir: /run/cloud-init}}\n")

    def mount(self, work):
        lower = call(HERE / "make-root").stdout.strip()
        upper, scratch, data = (work / f"{self.name}-{each}" for each in ("upper", "work", "data"))
        for each in (upper, scratch, self.root, data / "docker", data / "nomad"):
            each.mkdir(parents=True)
        call("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={scratch}", self.root)
        call("mount", "-t", "proc", "proc", self.root / "proc")
        for each in ("sys", "dev"):
            call("mount", "--rbind", f"/{each}", self.root / each)
        call("mount", "-t", "tmpfs", "tmpfs", self.root / "run")
        # Docker's layers cannot lie on layers.
        for each in ("docker", "nomad"):
            (self.root / "var/lib" / each).mkdir(parents=True, exist_ok=True)
            call("mount", "--bind", data / each, self.root / "var/lib" / each)

    def connect(self):
        call("ip", "netns", "add", self.name)
        call("ip", "link", "add", f"v{self.name}", "type", "veth", "peer", "name", "eth0", "netns", self.name)
        call("ip", "link", "set", f"v{self.name}", "master", BRIDGE, "up")
        for each in (["link", "set", "lo", "up"], ["address", "add", f"{self.address}/20", "dev", "eth0"],
                     ["link", "set", "eth0", "up"], ["route", "add", "default", "via", BUCKET_ADDRESS]):
            call("ip", "-n", self.name, *each)

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def run(self, *arguments):
        return subprocess.run(["nsenter", f"--net=/run/netns/{self.name}", "unshare", "--uts", "chroot", self.root,
                               "/usr/bin/env", "-i", "HOME=/root", "LANG=C.UTF-8",
                               "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *arguments],
                              capture_output=True, text=True, timeout=1500)

    def boot(self):
        """As the units of cloud-init do it, one after another."""
        for stage in (["init", "--local"], ["init"], ["modules", "--mode=config"], ["modules", "--mode=final"]):
            done = self.run("cloud-init", *stage)
            assert done.returncode == 0, f"cloud-init {' '.join(stage)}: {done.stdout}{done.stderr}{self.log()}"
        return self

    def log(self):
        file = self.root / "var/log/cloud-init-output.log"
        return file.read_text() if file.is_file() else ""
