"""The process that runs a reply's code, apart from all else: `python code_sandbox.py FOLDER`, on Linux, alone.

It has namespaces of its own (mounts, processes, network, IPC; users, where it is not root). Its files are Python's and
the system's libraries, read-only, and an empty folder of 16 MiB. Process 1 of its namespace, the supervisor, gets the
program, then starts the process that runs it, and only when the program has ended gets the assertions. The verdict is
the supervisor's: a byte on its standard output, which the code cannot reach. With the supervisor all processes end.

Without FOLDER it runs with the limits of `_limit` alone. It imports the standard library only, and nothing of ours.
"""

import builtins
import contextlib
import ctypes
import functools
import os
import resource
import secrets
import signal
import socket
import sys
import types
from collections.abc import Callable
from pathlib import Path

MEMORY = 512 * 2**20
NOBODY = 65534
NEW_NAMESPACES = 0x00020000 | 0x08000000 | 0x20000000 | 0x40000000  # mounts, IPC, processes, network
NEW_USER = 0x10000000
BIND, RECURSIVE, PRIVATE, NOSUID, NODEV = 0x1000, 0x4000, 0x40000, 0x2, 0x4
DETACH = 0x2
MOUNT_SETATTR, AT_RECURSIVE, ATTRIBUTES = 442, 0x8000, 0x1 | 0x2 | 0x4  # read-only, no setuid, no devices
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
CAPABILITY_VERSION = 0x20080522
FRAMES = frozenset({"sys._getframe", "sys._current_frames", "sys.settrace", "sys.setprofile"})
OBJECTS = frozenset({"gc.get_objects", "gc.get_referrers"})


def main() -> None:
    """Run the job on standard input: two lengths and texts, the program and the assertions."""
    libc = ctypes.CDLL(None, use_errno=True)
    if len(sys.argv) > 1:
        _enter_namespaces(libc)
    supervisor = os.fork()
    if supervisor:
        os.waitpid(supervisor, 0)
        os._exit(0)
    if len(sys.argv) > 1:
        _change_root(libc, sys.argv[1])
        _give_up_rights(libc)
    if sys.platform == "linux":
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # after a change of user, which forgets it
        libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)  # nobody reads the memory of the supervisor
    _supervise()


def _supervise() -> None:
    program = _receive(0)
    ours, theirs = socket.socketpair()
    runner = os.fork()
    if not runner:
        ours.close()
        _run(program, theirs)
    theirs.close()
    os.close(2)
    os.write(1, b"1" if _passes(ours) else b"0")
    os._exit(0)


def _passes(runner: socket.socket) -> bool:
    """Whether the program ends, and then the assertions: only then is it told what to answer."""
    with contextlib.suppress(OSError):  # the runner has ended
        if runner.recv(1) == b"e":
            passed = secrets.token_bytes(16)
            assertions = _receive(0)
            runner.sendall(len(assertions).to_bytes(4, "big") + assertions + passed)
            return runner.recv(len(passed) + 1) == passed
    return False


def _run(program: bytes, supervisor: socket.socket) -> None:
    """Run the program, and then the assertions; any exception, and any exit, ends the process before it says so."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    link = supervisor.detach()
    os.closerange(3, link)
    os.closerange(link + 1, 256)
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    sys.argv = ["answer.py"]
    # what the program replaces is not what runs the assertions
    run, read, write, leave, names = exec, _read, os.write, os._exit, dict(builtins.__dict__)
    parse = functools.partial(compile, mode="exec", dont_inherit=True)
    try:
        _limit()
        _hide_frames()
        run(parse(program, "answer.py"), module.__dict__)
        write(link, b"e")
        assertions = read(link, int.from_bytes(read(link, 4), "big"))
        builtins.__dict__.update(names)
        run(parse(assertions, "assertions.py"), module.__dict__)
        write(link, read(link, 16))
    finally:
        leave(0)


def _hide_frames() -> None:
    """Keep code from looking into the functions that call it: whoever finds the link could answer for himself."""

    def refuse(event: str, arguments: tuple[object, ...]) -> None:
        if event in FRAMES | OBJECTS or (event == "object.__getattr__" and arguments[1] == "tb_frame"):
            raise ValueError(event)  # which namedtuple and its like are ready for

    sys.addaudithook(refuse)


def _limit() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 2**20),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))


def _enter_namespaces(libc: ctypes.CDLL) -> None:
    """Leave the namespaces of the parent; root needs no user namespace, and may not have the right to another."""
    user, group = os.geteuid(), os.getegid()
    if user == 0 and libc.unshare(NEW_NAMESPACES) == 0:
        return
    _check(libc.unshare(NEW_NAMESPACES | NEW_USER))
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        Path("/proc/self", name).write_text(text, "ascii")


def _change_root(libc: ctypes.CDLL, folder: str) -> None:
    """Make a root of Python, the system's libraries, three devices and an empty folder, and go there."""
    _check(libc.mount(b"none", b"/", None, RECURSIVE | PRIVATE, None))
    _check(libc.mount(b"tmpfs", folder.encode(), b"tmpfs", NOSUID | NODEV, b"size=16m,mode=755"))
    prefixes = {Path(sys.prefix), Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}
    root, bound = Path(folder), list[Path]()
    for path in [*map(Path, ("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin")), *sorted(prefixes)]:
        inside = root / path.relative_to("/")
        if path.is_symlink() and path not in prefixes:
            inside.symlink_to(path.readlink())
        elif path.is_dir() and not any(path.is_relative_to(other) for other in bound):
            inside.mkdir(parents=True, exist_ok=True)
            _bind(libc, path, inside)
            bound.append(path)
    (root / "dev").mkdir()
    for device in map(Path, ("/dev/null", "/dev/zero", "/dev/urandom")):
        inside = root / device.relative_to("/")
        inside.touch()
        _check(libc.mount(bytes(device), bytes(inside), None, BIND, None))
    (root / "tmp").mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
    os.chdir(folder)
    _check(libc.pivot_root(b".", b"."))
    _check(libc.umount2(b".", DETACH))
    os.chdir("/tmp")


def _bind(libc: ctypes.CDLL, path: Path, inside: Path) -> None:
    """Show a folder, read-only with all that is mounted below it."""
    _check(libc.mount(bytes(path), bytes(inside), None, BIND | RECURSIVE, None))
    attributes = (ctypes.c_uint64 * 4)(ATTRIBUTES, 0, 0, 0)
    arguments = (ctypes.c_long(-100), bytes(inside), ctypes.c_ulong(AT_RECURSIVE), attributes, ctypes.c_size_t(32))
    _check(libc.syscall(ctypes.c_long(MOUNT_SETATTR), *arguments))


def _give_up_rights(libc: ctypes.CDLL) -> None:
    """Become nobody where that can be, and keep no right that the namespaces gave."""
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):  # in a user namespace there is nobody else
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
    _check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _check(libc.capset((ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()))


def _receive(descriptor: int) -> bytes:
    return _read(descriptor, int.from_bytes(_read(descriptor, 4), "big"))


def _read(descriptor: int, length: int, read: Callable[[int, int], bytes] = os.read) -> bytes:
    data = b""
    while len(data) < length:
        piece = read(descriptor, length - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    main()
