#!/usr/bin/env python3
"""Becomes one container: python3 container.py SPEC.json. Enters the pod's network namespace, makes a
root of the image's files over the machine's /usr, mounts the volumes, drops what the manifest drops,
and executes the command, so that the process that the kubelet started is the container's own."""
import ctypes
import json
import os
import pathlib
import resource
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG = 24, 38, 1
LAST_CAPABILITY = 40


def call(name, *arguments):
    if getattr(LIBC, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}{arguments}: {os.strerror(number)}")


def mount(source, target, kind=None, flags=0, data=None):
    encode = [each.encode() if each is not None else None for each in (str(source), str(target), kind)]
    call("mount", *encode, ctypes.c_ulong(flags), data.encode() if data else None)


def bind(source, target, read_only=False):
    target = pathlib.Path(target)
    if pathlib.Path(source).is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    mount(source, target, flags=MS_BIND | MS_REC)
    if read_only:
        mount(source, target, flags=MS_BIND | MS_REMOUNT | MS_RDONLY)


def make_root(spec):
    root = pathlib.Path(spec["root"])
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    mount("tmpfs", root, "tmpfs")
    bind("/usr", root / "usr", read_only=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    mount("tmpfs", root / "usr/local", "tmpfs")
    for target, source in spec["files"].items():
        bind(source, root / target.lstrip("/"), read_only=True)
    for each in ("null", "zero", "full", "random", "urandom"):
        bind(f"/dev/{each}", root / "dev" / each)
    (root / "dev/shm").mkdir()
    mount("tmpfs", root / "dev/shm", "tmpfs")
    (root / "dev/fd").symlink_to("/proc/self/fd")
    for number, each in enumerate(("stdin", "stdout", "stderr")):
        (root / "dev" / each).symlink_to(f"/proc/self/fd/{number}")
    bind("/proc", root / "proc")
    for name, text in spec["etc"].items():
        (root / "etc").mkdir(exist_ok=True)
        (root / "etc" / name).write_text(text)
    for each in ("/etc/ssl", "/etc/ld.so.cache", "/etc/alternatives", "/etc/postgresql-common"):
        if os.path.exists(each):
            bind(each, root / each.lstrip("/"), read_only=True)
    for each in ("tmp", "var", "run"):
        (root / each).mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
    for volume in spec["mounts"]:
        bind(volume["source"], root / volume["target"].lstrip("/"), volume["read_only"])
    if spec["read_only_root"]:
        mount("tmpfs", root, flags=MS_REMOUNT | MS_RDONLY)
        mount("tmpfs", root / "usr/local", flags=MS_REMOUNT | MS_RDONLY)
    os.chroot(root)
    os.chdir(spec["directory"] or "/")


def drop(spec):
    if spec["drop_capabilities"]:
        for capability in range(LAST_CAPABILITY + 1):
            LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (16384, 16384))
    if spec["group"] is not None:
        os.setgroups(spec["groups"])
        os.setgid(spec["group"])
    if spec["user"] is not None:
        os.setuid(spec["user"])
    if spec["no_new_privileges"]:
        LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    LIBC.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)  # last: a change of user clears it


def main():
    spec = json.loads(pathlib.Path(sys.argv[1]).read_text())
    with open(spec["network"]) as namespace:
        call("setns", namespace.fileno(), CLONE_NEWNET)
    # Ports below 1024 belong to nobody in particular, as in a pod of a real node.
    pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0")
    call("unshare", CLONE_NEWNS)
    make_root(spec)
    drop(spec)
    os.umask(0o022)
    try:
        os.execvpe(spec["command"][0], spec["command"], spec["environment"])
    except OSError as error:
        sys.exit(f"cannot run {spec['command'][0]}: {error}")


main()
