"""The edges of a life: names that do not resolve, signals during the start, files that come after the
configuration that names them, reloads while draining, connections under way at SIGTERM."""

import os
import signal
import socket
import subprocess
import sys
import tempfile

from harness import BIN, CONFIG, System, free_port, run_tests, wait_until

NAMES = """\
  - {name: lost, endpoints: ["nowhere.invalid:80"]}
filters:"""


def signals_caught(pid):
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("SigCgt:"):
                return int(line.split()[1], 16)
    return 0


def ready_comes_after_the_first_look_up_of_each_name():
    class Lost(System):
        def write_config(self, text=None):
            super().write_config((text or CONFIG.format(**self.settings))
                                 .replace("filters:", NAMES, 1))

    with Lost() as system:
        log = system.log("gateway")
        assert "nowhere.invalid" in log.split("serving with", 1)[0], log
        assert system.get("/hello")[0] == 200


def another_name_without_an_answer_keeps_the_endpoints():
    with System() as system:
        system.settings["app_a"] = '"nowhere.invalid:80"'
        system.write_config()
        assert system.reload()[0]
        wait_until(lambda: "cannot resolve nowhere.invalid" in system.log("gateway"), "it is told")
        for _ in range(20):
            assert system.get("/hello")[0] == 200
        system.settings["app_a"] = f'"localhost:{system.app_a_ports[0]}"'
        system.write_config()
        assert system.reload()[0]
        wait_until(lambda: "localhost" in system.admin("/upstreams")[1], "the new name takes over")
        assert system.get("/hello")[0] == 200


def health(config):
    return subprocess.run([BIN / "gateway", "--config", config, "--health"], capture_output=True,
                          text=True, timeout=30, check=False)


def the_program_asks_the_one_that_runs_whether_it_is_well():
    with System() as system:
        config = system.folder / "gateway.yaml"
        well = health(config)
        assert well.returncode == 0, well
        gateway = system.processes["gateway"]
        gateway.terminate()
        assert gateway.wait(20) == 0
        ended = health(config)
        assert ended.returncode == 1 and "nobody listens" in ended.stderr, ended
        mute = system.folder / "mute.yaml"
        mute.write_text("version: 1\nlisteners: [{name: http, address: ':8080'}]\nroutes: []\n")
        ended = health(mute)
        assert ended.returncode == 1 and "neither a status nor an admin address" in ended.stderr, ended


def a_hangup_while_the_configuration_is_read_waits():
    with System() as system:
        gateway = system.processes["gateway"]
        gateway.terminate()
        assert gateway.wait(20) == 0
        system.settings["more_routes"] = "".join(
            f"  - {{name: r{i}, match: {{path: /r/{i}}}, respond: {{status: 204}}}}\n"
            for i in range(3000))
        system.write_config()
        gateway = system.start("gateway", BIN / "gateway", "--config",
                               system.folder / "gateway.yaml")
        wait_until(lambda: signals_caught(gateway.pid) >> (signal.SIGHUP - 1) & 1, "it listens")
        gateway.send_signal(signal.SIGHUP)
        wait_until(system.ready, "it serves")
        wait_until(lambda: system.metric("gateway_reloads_total") >= 1, "and reads it again")


def files_that_come_late_are_seen():
    with System() as system:
        folder = system.folder / "late"
        text = CONFIG.format(**system.settings).replace(
            f"certificates: [{{folder: {system.folder}/tls}}]",
            f"certificates: [{{folder: {system.folder}/tls}}, {{folder: {folder}}}]")
        system.write_config(text)
        ok, answer = system.reload()
        assert not ok and str(folder) in answer["message"], answer
        assert system.metric("gateway_config_refused") == 1
        wait_until(lambda: system.metric('gateway_reloads_total{result="failed"}') >= 2,
                   "the watch has seen the file, too")
        generation = system.metric("gateway_config_generation")
        new = system.folder / "late.new"
        new.mkdir()
        subprocess.run(["cp", system.folder / "tls/server.crt", system.folder / "tls/server.key",
                        new], check=True)
        os.rename(new, folder)
        wait_until(lambda: system.metric("gateway_config_generation") > generation,
                   "the folder that was missing is there")
        assert system.metric("gateway_config_refused") == 0
        system.write_config("version: 2\n")
        assert not system.reload()[0] and system.metric("gateway_config_refused") == 1
        system.write_config(text)
        assert system.reload()[0] and system.metric("gateway_config_refused") == 0, "as in use"


def a_log_that_cannot_be_opened_refuses_the_configuration():
    with System() as system:
        file, log = system.folder / "gateway.yaml", system.folder / "access.log"
        good = CONFIG.format(**system.settings)
        system.write_config(good.replace(str(log), f"{system.folder}/none/access.log"))
        mend = f"No such file or directory (make the folder {system.folder}/none)"
        ok, answer = system.reload()
        assert not ok and f"{file}:4:20: access_log.path: " in answer["message"], answer
        assert mend in answer["message"], answer
        for flags in ([], ["--check"]):
            refused = subprocess.run([BIN / "gateway", "--config", file, *flags], timeout=30,
                                     capture_output=True, text=True, check=False)
            assert refused.returncode == 1 and f"{file}:4:20: " in refused.stderr, refused
            assert mend in refused.stderr, refused
        before = len(log.read_bytes())
        assert system.get("/hello")[0] == 200
        wait_until(lambda: len(log.read_bytes()) > before, "the log in use is written on")


def a_log_in_use_that_breaks_keeps_no_reload_out_and_is_tried_again():
    with System() as system:
        folder = system.folder / "logs"
        folder.mkdir()
        system.write_config(CONFIG.format(**system.settings).replace(
            f"{system.folder}/access.log", f"{folder}/access.log"))
        assert system.reload()[0]
        os.rename(folder, system.folder / "moved")
        gateway = system.processes["gateway"]
        gateway.send_signal(signal.SIGUSR1)
        wait_until(lambda: f"access log {folder}/access.log: No such" in system.log("gateway"),
                   "it is told")
        system.write_config((system.folder / "gateway.yaml").read_text().replace(
            "name: hello", "name: greeting"))
        ok, answer = system.reload()
        assert ok, answer
        assert system.get("/hello")[0] == 200
        folder.mkdir()
        gateway.send_signal(signal.SIGUSR1)
        wait_until((folder / "access.log").exists, "the log is opened again")
        assert system.get("/hello")[0] == 200
        wait_until(lambda: '"greeting"' in (folder / "access.log").read_text(), "and written")


KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: nobody
contexts: [{name: nobody, context: {cluster: nobody, user: nobody}}]
clusters: [{name: nobody, cluster: {server: "http://127.0.0.1:%d"}}]
users: [{name: nobody, user: {}}]
"""
ENTRANCES = """\
version: 1
listeners: [{name: http, address: "127.0.0.1:%d"}]
routes: []
"""


def a_flag_of_the_cluster_that_cannot_be_used_is_said_and_ends_the_start():
    with socket.socket() as taken, tempfile.TemporaryDirectory() as folder:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = f"127.0.0.1:{taken.getsockname()[1]}"
        for name, text in (("kubeconfig", KUBECONFIG % free_port()), ("gateway.yaml", ENTRANCES % free_port())):
            with open(f"{folder}/{name}", "w") as file:
                file.write(text)
        for flags, words in (
                (["--metrics-service=m", f"--metrics-listen={busy}"], "already in use"),
                (["--metrics-service=m", "--metrics-listen=nowhere"], "--metrics-listen"),
                (["--metrics-service=m", "--metrics-listen=127.0.0.1:0", f"--peers-listen={busy}"], "already in use"),
                (["--publish-service=gateway"], "--publish-service"),
                (["--default-certificate=tls"], "--default-certificate"),
                (["--default-backend=jobs/app-a"], "--default-backend")):
            done = subprocess.run([BIN / "gateway", "--kubernetes", f"--kubeconfig={folder}/kubeconfig",
                                   f"--config={folder}/gateway.yaml", *flags],
                                  capture_output=True, text=True, timeout=30)
            assert done.returncode == 1, (flags, done.returncode, done.stderr)
            assert words in done.stderr.lower() or words in done.stderr, (flags, done.stderr)


def a_reload_while_draining_is_answered():
    with System(drain_delay="10s") as system:
        gateway = system.processes["gateway"]
        gateway.send_signal(signal.SIGTERM)
        wait_until(lambda: system.admin("/readyz")[0] == 503, "it drains")
        ok, answer = system.reload()
        assert not ok and "draining" in answer["message"], answer
        assert gateway.poll() is None
        gateway.send_signal(signal.SIGTERM)
        gateway.wait(10)


def a_proxy_header_under_way_at_sigterm_is_waited_for():
    class Proxied(System):
        def write_config(self, text=None):
            text = text or CONFIG.format(**self.settings)
            address = f'"127.0.0.1:{self.settings["http"]}"'
            super().write_config(text.replace(
                f"address: {address}", f"address: {address}, proxy_protocol_from: [127.0.0.0/8]"))

    with Proxied() as system:
        gateway = system.processes["gateway"]
        with socket.create_connection(("127.0.0.1", system.settings["http"]), timeout=20) as client:
            client.sendall(b"PROXY TCP4 192.0.2.7 ")
            gateway.send_signal(signal.SIGTERM)

            def refused():
                try:
                    socket.create_connection(("127.0.0.1", system.settings["http"]), 1).close()
                    return False
                except ConnectionRefusedError:
                    return True
                except OSError:
                    return False
            wait_until(refused, "nobody else is let in")
            client.sendall(b"127.0.0.1 4711 80\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = b""
            while chunk := client.recv(4096):
                answer += chunk
            assert answer.startswith(b"HTTP/1.1 200"), answer
        assert gateway.wait(20) == 0


if __name__ == "__main__":
    sys.exit(run_tests([ready_comes_after_the_first_look_up_of_each_name,
                        another_name_without_an_answer_keeps_the_endpoints,
                        the_program_asks_the_one_that_runs_whether_it_is_well,
                        a_hangup_while_the_configuration_is_read_waits,
                        files_that_come_late_are_seen,
                        a_log_that_cannot_be_opened_refuses_the_configuration,
                        a_log_in_use_that_breaks_keeps_no_reload_out_and_is_tried_again,
                        a_flag_of_the_cluster_that_cannot_be_used_is_said_and_ends_the_start,
                        a_reload_while_draining_is_answered,
                        a_proxy_header_under_way_at_sigterm_is_waited_for]))
