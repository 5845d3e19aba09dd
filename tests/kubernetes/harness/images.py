"""What the tests' kubelet runs for an image: the project's programs as they were built, at the paths
that the images put them."""
import os
import pathlib
import signal

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("GATEWAY_BIN", ROOT / "build/release/bin"))


class Image:
    def __init__(self, entrypoint, files, user=65532, stop_signal=signal.SIGTERM):
        self.entrypoint = entrypoint
        self.files = files
        self.user = user
        self.stop_signal = stop_signal


def stand_in(name):
    return Image([f"/usr/local/bin/{name}"],
                 {f"/usr/local/bin/{name}": str(pathlib.Path(__file__).parent / "stand_ins.py")})


def program(name):
    return Image([f"/usr/local/bin/{name}"], {f"/usr/local/bin/{name}": str(BIN / name)})


IMAGES = {
    "gateway": program("gateway"),
    "app-a": Image(["/usr/local/bin/app_a"], {"/usr/local/bin/app_a": str(BIN / "app_a")}),
    "app-b": Image(["/usr/local/bin/app_b"], {"/usr/local/bin/app_b": str(BIN / "app_b")}),
    "hello-front": Image(["/usr/local/bin/hello"], {"/usr/local/bin/hello": str(BIN / "hello")}),
    "hello-back": Image(["/usr/bin/python3", "-u", "/usr/local/bin/hello-back"],
                        {"/usr/local/bin/hello-back": str(ROOT / "apps/hello_back/server.py")},
                        stop_signal=signal.SIGINT),
    "visitors": program("visitors"),
    # As the official image: makes the databases at the first start, then serves them.
    "postgres": Image(["/usr/local/bin/start-postgres"],
                      {"/usr/local/bin/start-postgres": str(pathlib.Path(__file__).parent / "start-postgres")},
                      user=999, stop_signal=signal.SIGINT),
    "echo": stand_in("echo"),
    "cert-manager-acmesolver": stand_in("acmesolver"),
}


RELEASES = {}  # what tests release, by the whole reference


def find(reference):
    """By the last part of the name; the tag or digest must be there and not be `latest`."""
    if reference in RELEASES:
        return RELEASES[reference]
    name, _, version = reference.rsplit("/", 1)[-1].partition("@" if "@" in reference else ":")
    if not version or version == "latest":
        raise KeyError(f"{reference}: an image is named by version")
    if name not in IMAGES:
        raise KeyError(f"{reference}: there is no such image in the tests")
    return IMAGES[name]
