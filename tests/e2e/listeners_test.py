"""Listeners from outside: certificates that change, client certificates, PROXY protocol, plain text on
a TLS port, no descriptors left."""

import json
import os
import socket
import ssl
import subprocess
import sys
import threading

from harness import System, free_port, run_tests, wait_until

CONFIG = """\
version: 1
process: {{workers: 2, drain: {{delay: 0s, deadline: 10s}}}}
admin: {{address: "127.0.0.1:{admin}", token: {{file: {folder}/admin-token}}}}
access_log: {{path: {folder}/access.log}}
listeners:
  - {{name: http, address: "127.0.0.1:{http}", proxy_protocol_from: {proxy_from}}}
  - name: https
    address: 127.0.0.1:{https}
    tls: {{certificates: [{{folder: {folder}/tls}}]}}
  - name: mutual
    address: 127.0.0.1:{mutual}
    tls:
      certificates: [{{folder: {folder}/tls}}]
      client_certificates: required
      client_ca: {folder}/tls/server.crt
upstreams:
  - name: app-a
    endpoints: [{app_a}]
routes:
  - {{name: hello, match: {{path: /hello}}, forward: app-a}}
"""


class Listeners(System):
    def __init__(self, proxy_from="[]"):
        super().__init__(mutual=free_port(), proxy_from=proxy_from)

    def write_config(self, text=None):
        super().write_config(text or CONFIG.format(**self.settings))

    def handshake(self, port="https", client=None, name="localhost"):
        context = ssl._create_unverified_context()
        if client:
            context.load_cert_chain(self.folder / f"tls/{client}.crt",
                                    self.folder / f"tls/{client}.key")
        plain = socket.create_connection(("127.0.0.1", self.settings[port]), timeout=20)
        return context.wrap_socket(plain, server_hostname=name)

    def served(self):
        with self.handshake() as tls:
            return ssl.DER_cert_to_PEM_cert(tls.getpeercert(binary_form=True))

    def on_disk(self):
        """The certificate alone, as the standard library writes one."""
        text = (self.folder / "tls/server.crt").read_text()
        return ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(text))


def ask(stream, host="localhost", path="/hello"):
    stream.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    return everything(stream)


def everything(stream):
    data = b""
    while piece := stream.recv(65536):
        data += piece
    return data


def certificates_change_without_a_failed_handshake():
    with Listeners() as system:
        failures, done, stop = [], [0], threading.Event()

        def shake():
            while not stop.is_set():
                try:
                    with system.handshake() as tls:
                        assert ask(tls).startswith(b"HTTP/1.1 200")
                    done[0] += 1
                except (OSError, AssertionError) as error:
                    failures.append(repr(error))

        threads = [threading.Thread(target=shake, daemon=True) for _ in range(2)]
        for thread in threads:
            thread.start()
        for _ in range(4):
            system.make_certificate("server")  # key first, then certificate: a moment of mismatch
            wait_until(lambda: system.served() == system.on_disk(), "the new one is served")
        stop.set()
        for thread in threads:
            thread.join(30)
        assert not failures, (len(failures), failures[:3])
        assert done[0] > 10, done


def a_pair_that_does_not_match_keeps_the_old_one():
    with Listeners() as system:
        good = system.served()
        system.make_certificate("other", ("other.example",))
        (system.folder / "tls/server.key").write_text((system.folder / "tls/other.key").read_text())

        def other_is_served():
            with system.handshake(name="other.example") as tls:
                return tls.getpeercert(binary_form=True) != ssl.PEM_cert_to_DER_cert(good)
        wait_until(other_is_served, "the good pair beside it is taken")
        assert system.served() == good


def plain_http_on_a_tls_port_gets_a_readable_400():
    with Listeners() as system:
        with socket.create_connection(("127.0.0.1", system.settings["https"]), timeout=20) as plain:
            answer = ask(plain)
        assert answer.startswith(b"HTTP/1.1 400 "), answer
        assert b"TLS" in answer or b"HTTPS" in answer, answer


def clients_prove_who_they_are_and_stay_with_their_name():
    with Listeners() as system:
        with system.handshake("mutual", client="server") as tls:
            assert ask(tls).startswith(b"HTTP/1.1 200")
        with system.handshake("mutual", client="server") as tls:
            assert ask(tls, host="other.example").startswith(b"HTTP/1.1 421"), "SNI is not Host"
        try:
            with system.handshake("mutual") as tls:
                answer = ask(tls)
        except OSError:
            answer = b""
        assert answer == b"", "no certificate, no answer"


def addresses_come_from_trusted_proxies_alone():
    with Listeners(proxy_from="[127.0.0.0/8]") as system:
        port = system.settings["http"]
        with socket.create_connection(("127.0.0.1", port), timeout=20) as proxy:
            proxy.sendall(b"PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\n")
            assert ask(proxy).startswith(b"HTTP/1.1 200")
        with socket.create_connection(("127.0.0.1", port), timeout=20) as silent:
            try:
                assert ask(silent) == b"", "who must send a header and does not is not served"
            except ConnectionResetError:
                pass

        def logged():
            lines = (system.folder / "access.log").read_text().splitlines()
            return any("192.0.2.7" in json.dumps(json.loads(line)) for line in lines)
        wait_until(logged, "the access log names the client that the proxy named")


def a_removed_listener_answers_or_refuses():
    """Whoever was let in is answered, also between the last accept and the close."""
    with Listeners() as system:
        port = free_port()
        without = CONFIG.format(**system.settings)
        side = f'  - {{name: side, address: "127.0.0.1:{port}"}}\nupstreams:\n'
        answered, refused, failures, stop = [0], [0], [], threading.Event()

        def call():
            while not stop.is_set():
                try:
                    stream = socket.create_connection(("127.0.0.1", port), timeout=20)
                except ConnectionRefusedError:
                    refused[0] += 1
                    stop.wait(0.01)
                    continue
                except OSError as error:
                    failures.append(repr(error))
                    continue
                try:
                    with stream:
                        answer = ask(stream)
                    assert answer.startswith(b"HTTP/1.1 200"), answer
                    answered[0] += 1
                except (OSError, AssertionError) as error:
                    failures.append(repr(error))

        threads = [threading.Thread(target=call, daemon=True) for _ in range(6)]
        for thread in threads:
            thread.start()
        for _ in range(6):
            answers = answered[0]
            system.write_config(without.replace("upstreams:\n", side))
            assert system.reload()[0]
            wait_until(lambda: answered[0] > answers + 100, "the new listener answers")
            refusals = refused[0]
            system.write_config(without)
            assert system.reload()[0]
            wait_until(lambda: refused[0] > refusals, "it refuses once it is gone")
        stop.set()
        for thread in threads:
            thread.join(30)
        assert not failures, (len(failures), failures[:3])


def without_descriptors_it_rests_and_comes_back():
    with Listeners() as system:
        gateway = system.processes["gateway"].pid
        used = len(os.listdir(f"/proc/{gateway}/fd"))
        kept = system.connection()
        kept.request("GET", "/hello")
        assert kept.getresponse().read()
        limit = str(used + 8)
        subprocess.run(["prlimit", f"--pid={gateway}", f"--nofile={limit}:"], check=True)
        crowd = [socket.create_connection(("127.0.0.1", system.settings["http"]), timeout=20)
                 for _ in range(40)]
        wait_until(lambda: len(os.listdir(f"/proc/{gateway}/fd")) >= used + 8, "all are in use")
        ticks = cpu_ticks(gateway)
        threading.Event().wait(1)
        assert cpu_ticks(gateway) - ticks < 30, "it spins"
        for each in crowd:
            each.close()
        wait_until(lambda: system.get("/hello")[0] == 200, "it accepts again", seconds=5)
        subprocess.run(["prlimit", f"--pid={gateway}", "--nofile=1024:"], check=True)
        kept.close()


def cpu_ticks(pid):
    fields = open(f"/proc/{pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


if __name__ == "__main__":
    sys.exit(run_tests([certificates_change_without_a_failed_handshake,
                        a_pair_that_does_not_match_keeps_the_old_one,
                        plain_http_on_a_tls_port_gets_a_readable_400,
                        clients_prove_who_they_are_and_stay_with_their_name,
                        addresses_come_from_trusted_proxies_alone,
                        a_removed_listener_answers_or_refuses,
                        without_descriptors_it_rests_and_comes_back]))
