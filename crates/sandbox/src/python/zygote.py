"""The process that Python runs are copies of. It never sees anything of a user's.

Started by the sandbox worker with one argument: what it may use, as JSON. Descriptor 0 is the channel
to the server. For each run it makes a copy of itself; the copy closes every door behind it, says so,
and only then reads code.
"""
import base64, collections, contextlib, copy, ctypes, dataclasses, datetime, decimal, enum, functools, fcntl, gc, hashlib
import io, itertools, json, linecache, math, operator, os, random, re, resource, select, signal, socket, string, struct
import sys, time, traceback, types, typing, urllib.parse, uuid

TOLD = json.loads(sys.argv[1])
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
CLONE_NEWNS, MS_NOSUID, MS_NODEV = 0x20000, 2, 4
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
READ_FILE, WRITE_FILE, READ_DIR, TRUNCATE = 4, 2, 8, 1 << 14
SCRIPT = "code.py"
PROXIES = {n: TOLD["proxy"] for p in ("HTTP", "HTTPS", "ALL") for n in (p + "_PROXY", p.lower() + "_proxy")}
PROXIES.update(NO_PROXY="", no_proxy="")
# Made once, for the copies to use as they are: every page that a copy writes costs it time.
FILTERS = {}
RULES = []
sys.path[:0] = [p for p in TOLD["path"] if p not in sys.path]


def call(name, *arguments):
    result = LIBC.syscall(ctypes.c_long(TOLD["calls"][name]), *arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, "%s: %s" % (name, os.strerror(number)))
    return result


def checked(name, result):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, "%s: %s" % (name, os.strerror(number)))


def shown():
    """What every run may read, opened once: descriptors far above those of a run, and the rights."""
    found = []

    def show(path, rights):
        with contextlib.suppress(OSError):
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
            found.append((fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 200), rights))
            os.close(fd)

    folders = []
    for path in sorted(TOLD["folders"]):
        if os.path.islink(path) or any(path == f or path.startswith(f + "/") for f in folders):
            continue
        if os.path.isdir(path):
            folders.append(path)
        show(path, READ_FILE | READ_DIR if os.path.isdir(path) else READ_FILE)
    for device in ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"):
        show(device, READ_FILE | WRITE_FILE | TRUNCATE)
    if TOLD["namespaces"]:
        show("/", READ_DIR)
    return found


def private_tmp():
    checked("unshare", LIBC.unshare(CLONE_NEWNS))
    options = b"size=%d,nr_inodes=2048,mode=1777" % TOLD["tmp_bytes"]
    checked("mount", LIBC.mount(b"tmp", b"/tmp", b"tmpfs", ctypes.c_ulong(MS_NOSUID | MS_NODEV), options))


def prepare():
    files, ports, scopes = TOLD["landlock_rights"]
    FILTERS["landlock"] = struct.pack("QQQ", files, ports, scopes)
    for fd, rights in shown() if TOLD["landlock"] else []:
        RULES.append(struct.pack("=Qi", rights & files, fd))
    for name, given in TOLD["filters"].items():
        code = base64.b64decode(given["code"])
        keep = ctypes.create_string_buffer(code, len(code))
        program = struct.pack("@HP", len(code) // 8, ctypes.addressof(keep))
        FILTERS[name] = keep, [place * 8 + 4 for place in given["own_pid"]], program


def landlock():
    size = ctypes.c_size_t(TOLD["landlock_size"])
    rules = call("landlock_create_ruleset", FILTERS["landlock"], size, ctypes.c_uint32(0))

    def allow(rule):
        call("landlock_add_rule", ctypes.c_int(rules), ctypes.c_int(1), rule, ctypes.c_uint32(0))

    for rule in RULES:
        allow(rule)
    if TOLD["namespaces"]:
        tmp = os.open("/tmp", os.O_PATH | os.O_CLOEXEC)
        allow(struct.pack("=Qi", TOLD["landlock_rights"][0] & ~((1 << 6) | (1 << 11)), tmp))
        os.close(tmp)
    call("landlock_restrict_self", ctypes.c_int(rules), ctypes.c_uint32(0))
    os.close(rules)


def limits(job):
    def limit(what, value):
        resource.setrlimit(what, (value, value))

    memory = job["memory"]
    limit(resource.RLIMIT_DATA, memory + (48 << 20))
    limit(resource.RLIMIT_AS, memory + (768 << 20))
    limit(resource.RLIMIT_CPU, job["cpu"])
    limit(resource.RLIMIT_FSIZE, TOLD["file_bytes"])
    limit(resource.RLIMIT_NOFILE, 64)
    limit(resource.RLIMIT_CORE, 0)
    if job["user"] is not None:
        limit(resource.RLIMIT_NPROC, TOLD["processes"])
    elif TOLD["namespaces"]:
        limit(resource.RLIMIT_NPROC, TOLD["processes"] + 256)


def drop_user(job):
    if job["user"] is not None:
        user = job["user"]
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    call("capset", struct.pack("=II", 0x20080522, 0), bytes(24))


def close_calls(network):
    """Installs the filter; gives the descriptor under which denied calls are told, when there is one."""
    own = os.getpid() & 0xFFFFFFFF
    for name, flags in (("report_network" if network else "report", 8), ("refuse", 0)):
        code, places, program = FILTERS[name]
        for place in places:
            struct.pack_into("=I", code, place, own)
        try:
            fd = call("seccomp", ctypes.c_ulong(1), ctypes.c_ulong(flags), program)
            return fd if flags else None
        except OSError:
            # A kernel or container that cannot tell about denied calls can still deny them.
            if not flags:
                raise


def confine(job):
    limits(job)
    if TOLD["namespaces"]:
        private_tmp()
    drop_user(job)
    checked("prctl", LIBC.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(9), 0, 0, 0))
    checked("prctl", LIBC.prctl(PR_SET_DUMPABLE, ctypes.c_ulong(0), 0, 0, 0))
    checked("prctl", LIBC.prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)))
    if TOLD["landlock"]:
        landlock()
    return close_calls(job["network"]) if TOLD["seccomp"] else None


def read_exactly(fd, size):
    parts = []
    while size:
        part = os.read(fd, min(size, 1 << 20))
        if not part:
            os._exit(0)
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view):]


def answer(body):
    write_all(3, struct.pack("<I", len(body)) + body)


def said(error):
    """The error as the interpreter prints it, without the frames of this file; and its line in the code."""
    trace, line = error.__traceback__, None
    while trace is not None and trace.tb_frame.f_code.co_filename != SCRIPT:
        trace = trace.tb_next
    for frame, number in traceback.walk_tb(trace):
        if frame.f_code.co_filename == SCRIPT:
            line = number
    if isinstance(error, SyntaxError) and error.filename == SCRIPT:
        line = error.lineno
    if trace is None and not isinstance(error, SyntaxError):
        text = "".join(traceback.format_exception_only(type(error), error))
    else:
        text = "".join(traceback.format_exception(type(error), error, trace, limit=30))
    return text.strip()[:20000], line


def evaluated(request):
    """The answer of `main`: its result, its error, or that it took too much memory."""
    dumps = json.dumps
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    code = request["code"]
    linecache.cache[SCRIPT] = (len(code), None, code.splitlines(True), SCRIPT)
    try:
        try:
            exec(compile(code, SCRIPT, "exec"), module.__dict__)
            if "main" not in module.__dict__:
                raise NameError("name 'main' is not defined: the code must define a function main")
            result = module.__dict__["main"](**request["inputs"])
            return b"O" + dumps(result, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
        except SystemExit:
            raise RuntimeError("the code ended before main returned") from None
    except MemoryError:
        return b"M"
    except BaseException as error:
        text, line = said(error)
        return b"E" + dumps({"text": text, "line": line}).encode("utf-8", "replace")


def call_main(request):
    answer(evaluated(request))
    os._exit(0)


def run_script(request):
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    sys.argv[:] = [""]
    status = 0
    try:
        exec(compile(request["code"], SCRIPT, "exec"), module.__dict__)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if status and not isinstance(end.code, int):
            sys.stderr.write("%s\n" % (end.code,))
    except BaseException as error:
        sys.stderr.write(said(error)[0] + "\n")
        status = 1
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(status & 0xFF)


def child(job, fds):
    run, out, err = fds
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    null = os.open("/dev/null", os.O_RDONLY)
    for source, target in ((null, 0), (out, 1), (err, 2), (run, 3)):
        os.dup2(source, target)
    os.closerange(4, 200)
    listener = confine(job)
    os.closerange(200, 1024)
    try:
        os.stat(os.__file__)
        if job["id"] == 1:
            import colorsys  # Not loaded yet: shows that libraries can still be read.
    except Exception as error:
        raise OSError("the run's user cannot read the libraries of %s: %s" % (sys.prefix, error)) from None
    with socket.socket(fileno=os.dup(3)) as channel:
        if listener is None:
            channel.sendall(b"+")
        else:
            passed = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", listener))]
            channel.sendmsg([b"!"], passed)
            os.close(listener)
    if job["network"] and listener is not None:
        os.environ.update(PROXIES)
    (size,) = struct.unpack("<I", read_exactly(3, 4))
    request = json.loads(read_exactly(3, size))
    if request["script"]:
        run_script(request)
    call_main(request)


def rehearse():
    """Does what each copy will do. What the interpreter keeps of it is then shared, not written again by every copy."""
    code = "def main(a):\n    return {'a': a}\n"
    own = sys.modules["__main__"]
    for _ in range(20):
        request = json.loads(json.dumps({"code": code, "inputs": {"a": 1}, "script": False}))
        evaluated(request)
        with contextlib.suppress(OSError):
            os.close(call("landlock_create_ruleset", FILTERS["landlock"], ctypes.c_size_t(TOLD["landlock_size"]), ctypes.c_uint32(0)))
    sys.modules["__main__"] = own
    linecache.cache.pop(SCRIPT)
    # Once for what is done after every fork.
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)


def serve():
    prepare()
    rehearse()
    control = socket.socket(fileno=0)
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 1)
    os.close(null)
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(reader, select.POLLIN)
    running = {}
    hello = {"python": sys.version.split()[0], "layers": TOLD["layers"], "first_user": TOLD["first_user"]}
    control.sendall(json.dumps(hello).encode())
    gc.collect()
    gc.freeze()
    while True:
        ready = {fd for fd, _ in poll.poll()}
        if reader in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(reader, 4096)
            reap(control, running)
        if control.fileno() in ready:
            data, passed, _, _ = control.recvmsg(4096, socket.CMSG_SPACE(12))
            if not data:
                return
            job = json.loads(data)
            if job["do"] == "fork":
                fds = list(struct.unpack("3i", passed[0][2]))
                start(job, fds, running)
            elif job["id"] in running.values():
                pid = next(pid for pid, known in running.items() if known == job["id"])
                os.kill(pid, signal.SIGKILL)


def start(job, fds, running):
    pid = os.fork()
    if pid:
        running[pid] = job["id"]
        for fd in fds:
            os.close(fd)
        return
    try:
        child(job, fds)
    except BaseException as error:
        with contextlib.suppress(BaseException):
            os.write(3, b"-" + str(error).encode()[:1000])
    os._exit(97)


def reap(control, running):
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        known = running.pop(pid, None)
        if known is not None:
            control.sendall(json.dumps({"id": known, "status": status}).encode())


serve()
