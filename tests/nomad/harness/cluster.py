"""Two real Nomad agents, one of them the server too, with the jobs of nomad/ on them."""
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
import uuid

from .network import PRIVATE, PUBLIC

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ["GATEWAY_BIN"])
NOMAD = os.environ["NOMAD"]
HTTP_PORT, HTTPS_PORT = 80, 443
APPLICATIONS = ("app-a", "app-b", "hello", "visitors")


def wait_until(condition, what, seconds=60):
    """The condition's value, once it is true. `what` may be a function: it is asked at the end."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.1)


def agent_configuration(number, folder):
    private, public = PRIVATE[number], PUBLIC[number]
    first = 20000 + 4000 * number
    return {
        "name": f"node-{number}", "data_dir": str(folder), "bind_addr": private, "disable_update_check": True,
        "log_level": "DEBUG", "leave_on_terminate": True, "ui": {"enabled": False}, "acl": {"enabled": True},
        "server": {"enabled": number == 0, "bootstrap_expect": 1} if number == 0 else {"enabled": False},
        "client": {
            "enabled": True, "servers": [f"{PRIVATE[0]}:4647"], "network_interface": "private0",
            # Both nodes share this machine's loopback, where a companion listens.
            "min_dynamic_port": first, "max_dynamic_port": first + 3999,
            "host_network": [{"private": {"cidr": f"{private}/32"}}, {"public": {"cidr": f"{public}/32"}}],
            "options": {"fingerprint.denylist": "env_aws,env_gce,env_azure,env_digitalocean",
                        "driver.allowlist": "raw_exec"},
        },
        "plugin": [{"raw_exec": {"config": {"enabled": True}}}],
    }


class Cluster:
    def __init__(self, work, certificates, secrets):
        self.work, self.certificates, self.secrets = work, certificates, secrets
        self.processes = []
        self.token = str(uuid.uuid4())
        self.address = f"http://{PRIVATE[0]}:4646"
        self.environment = {**os.environ, "NOMAD_ADDR": self.address, "NOMAD_TOKEN": self.token, "NOMAD": NOMAD,
                            "CHECKPOINT_DISABLE": "1"}
        self.programs = work / "programs"

    def start(self):
        self.make_programs()
        for number in range(len(PRIVATE)):
            configuration = self.work / f"node-{number}.json"
            configuration.write_text(json.dumps(agent_configuration(number, self.work / f"node-{number}"), indent=2))
            log = open(self.work / f"node-{number}.log", "wb")
            self.processes.append(subprocess.Popen([NOMAD, "agent", f"-config={configuration}"], stdout=log, stderr=log,
                                                   env=self.environment))
        wait_until(self.knows_token, self.logs)
        wait_until(lambda: self.ready_nodes() == len(PRIVATE), self.logs)
        self.nomad("acl", "policy", "apply", "-namespace", "default", "-job", "autoscaler", "autoscaler",
                   "nomad/autoscaler-policy.hcl")
        return self

    def knows_token(self):
        """Whether the servers have taken the token of whoever may do everything."""
        assert not any(process.poll() for process in self.processes), self.logs()
        try:
            self.ask("/v1/acl/bootstrap", json.dumps({"BootstrapSecret": self.token}).encode())
        except OSError:
            pass
        try:
            return self.api("/v1/acl/token/self")
        except OSError:
            return None

    def make_programs(self):
        """What raw_exec runs, under the names that the jobs use."""
        self.programs.mkdir()
        for name in ("gateway", "app_a", "app_b", "hello", "visitors"):
            (self.programs / name).symlink_to(BIN / name)
        back = self.programs / "hello_back"
        back.write_text(f'#!/bin/sh\nexec /usr/bin/python3 {ROOT}/apps/hello_back/server.py "$@"\n')
        back.chmod(0o755)

    def logs(self):
        return "\n".join((self.work / f"node-{number}.log").read_text()[-3000:] for number in range(len(PRIVATE)))

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def ready_nodes(self):
        assert not any(process.poll() for process in self.processes), self.logs()
        try:
            return sum(node["Status"] == "ready" for node in self.api("/v1/nodes"))
        except OSError:
            return 0

    def api(self, path):
        return self.ask(path, headers={"X-Nomad-Token": self.token})

    def ask(self, path, body=None, headers=None):
        request = urllib.request.Request(self.address + path, body, headers or {})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def nomad(self, *arguments, check=True):
        done = subprocess.run([NOMAD, *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True,
                              timeout=180, check=False)
        assert done.returncode == 0 or not check, f"{arguments}: {done.stdout[-3000:]} {done.stderr[-3000:]}"
        return done

    def put_secrets(self, *arguments):
        subprocess.run([ROOT / "nomad/put-secrets", *arguments], env=self.environment, check=True, timeout=60)

    def items(self, job):
        """What Nomad keeps for the job."""
        return self.api(f"/v1/var/nomad/jobs/{job}")["Items"]

    def run_job(self, file, *arguments, values=None, wait=True):
        """With the values that differ from those of the files."""
        return self.nomad("job", "run", *([] if wait else ["-detach"]), "-preserve-counts", "-var=environment=dev",
                          "-var=driver=raw_exec", f"-var=values={json.dumps(values or {})}", *arguments,
                          f"nomad/{file}.nomad.hcl")

    def run_gateway(self, **values):
        return self.run_job("gateway", f"-var=programs={self.programs}", values=values)

    def run_application(self, name, wait=True, **values):
        """With time to become ready for a machine that is busy."""
        patient = {"healthy_deadline": "1m", "progress_deadline": "2m"}
        return self.run_job("service", f"-var=application={name}", f"-var=programs={self.programs}",
                            values={**patient, **values}, wait=wait)

    def run_autoscaler(self):
        return self.run_job("autoscaler", f"-var=programs={self.programs}", values={"autoscaler_program": os.environ["AUTOSCALER"]})

    def instances(self, service, tag):
        """(address, port) of each that is registered."""
        try:
            found = self.api(f"/v1/service/{service}")
        except urllib.error.HTTPError:
            return []
        return [(each["Address"], each["Port"]) for each in found if tag is None or tag in (each["Tags"] or [])]

    def running(self, job):
        """The job's allocations that run."""
        return [each for each in self.api(f"/v1/job/{job}/allocations") if each["ClientStatus"] == "running"]

    def count(self, job):
        return self.api(f"/v1/job/{job}/scale")["TaskGroups"]["service"]["Desired"]

    def port(self, allocation, label):
        shared = self.api(f"/v1/allocation/{allocation['ID']}")["AllocatedResources"]["Shared"]
        return next(port["Value"] for port in shared["Ports"] if port["Label"] == label)

    def allocation_folder(self, allocation):
        node = re.fullmatch(r"node-(\d)", allocation["NodeName"])[1]
        return self.work / f"node-{node}" / "alloc" / allocation["ID"]

    def task_log(self, allocation, task):
        folder = self.allocation_folder(allocation) / "alloc/logs"
        return "".join(each.read_text() for each in sorted(folder.glob(f"{task}.std*")))
