# Acts that must succeed outside the sandbox and fail inside. Each gets the same facts `p` and returns or raises.
import ctypes, errno, fcntl, mmap, multiprocessing, os, resource, socket, struct, subprocess, sys, threading, time

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long


def raw(p, name, *args):
    result = LIBC.syscall(ctypes.c_long(p["calls"][name]), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, name + ": " + os.strerror(number))
    return result


def read(path):
    with open(path, "rb") as file:
        return file.read(64)


def must(condition):
    if not condition:
        raise RuntimeError("did not work")
    return True


def reaped(pid):
    # In the copy there is nothing to do.
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return True


# files
def a_read_secret(p): return read(p["secret"])
def a_read_passwd(p): return read("/etc/passwd")
def a_read_shadow(p): return read("/etc/shadow")
def a_read_program(p): return read(p["program"])
def a_read_init_environ(p): return must(read("/proc/1/environ") is not None)
def a_read_server_environ(p): return read("/proc/%d/environ" % p["server"])
def a_open_server_memory(p): return os.open("/proc/%d/mem" % p["server"], os.O_RDONLY)
def a_list_server_files(p): return os.listdir("/proc/%d/fd" % p["server"])
def a_list_folder(p): return must("secret" in os.listdir(p["folder"]))
def a_write_folder(p): return open(p["folder"] + "/written", "w").write("x")
def a_write_system(p): return open("/usr/oxidify-escape-test", "w").write("x")
def a_remove_secret(p): return os.rename(p["secret"], p["secret"] + "2") or os.rename(p["secret"] + "2", p["secret"]) or True
def a_change_mode(p): return os.chmod(p["secret"], 0o644) or True
def a_walk_up(p): return read("/tmp/../../../../" + p["secret"])
def a_own_root(p): return read("/proc/self/root" + p["secret"])
def a_own_cwd(p): return os.listdir("/proc/self/cwd")
def a_own_fds(p): return os.listdir("/proc/self/fd")
def a_folder_descriptor(p): return os.open(p["secret"].lstrip("/"), os.O_RDONLY, dir_fd=os.open("/", os.O_RDONLY))
def a_sysfs(p): return os.listdir("/sys/kernel")
def a_sysctl(p): return os.open("/proc/sys/kernel/hostname", os.O_WRONLY)
def a_kernel_log(p): return os.open("/dev/kmsg", os.O_RDONLY)
def a_devices(p): return must(len(os.listdir("/dev")) > 8)
def a_secret_variable(p): return os.environ["OXIDIFY_ESCAPE_SECRET"]


def a_symlink(p):
    link = p["scratch"] + "/link%d" % os.getpid()
    os.symlink(p["secret"], link)
    return read(link)


def a_hard_link(p):
    link = p["folder"] + "/hard%d" % os.getpid()
    os.link(p["secret"], link)
    return read(link)


def a_device_node(p):
    path = p["scratch"] + "/node%d" % os.getpid()
    os.mknod(path, 0o600 | 0o020000, os.makedev(1, 11))
    os.unlink(path)
    return True


def a_fill_disk(p):
    path = p["scratch"] + "/big%d" % os.getpid()
    try:
        for index in range(8):
            with open(path + str(index), "wb") as file:
                file.write(b"x" * (12 << 20))
        return True
    finally:
        for index in range(8):
            if os.path.exists(path + str(index)):
                os.unlink(path + str(index))


def a_open_descriptors(p):
    found = []
    for fd in range(4, 256):
        try:
            about = os.fstat(fd)
            found.append((fd, oct(about.st_mode), about.st_ino))
        except OSError:
            pass
    return must(found) and found


# walls
def a_chroot(p): return os.chroot("/") or True
def a_mount(p): return must(LIBC.unshare(0x20000) == 0 and LIBC.mount(None, b"/", None, 0x44000, None) == 0 and LIBC.mount(b"x", p["scratch"].encode(), b"tmpfs", 0, b"") == 0)
def a_unmount(p):
    must(LIBC.umount2(b"/nowhere-at-all", 2) == 0 or ctypes.get_errno() == errno.ENOENT)
    return True
def a_unshare_user(p): return raw(p, "unshare", 0x10000000) == 0
def a_unshare_mounts(p): return raw(p, "unshare", 0x20000) == 0
def a_unshare_network(p): return raw(p, "unshare", 0x40000000) == 0
def a_setns(p): return raw(p, "setns", os.open("/proc/%d/ns/uts" % p["server"], os.O_RDONLY), 0) == 0
def a_open_tree(p): return raw(p, "open_tree", -100, b"/", 1)
def a_fsopen(p): return raw(p, "fsopen", b"tmpfs", 0)
def a_handle(p):
    buffer = ctypes.create_string_buffer(struct.pack("II", 128, 0) + bytes(128))
    return raw(p, "name_to_handle_at", -100, b"/usr", buffer, ctypes.byref(ctypes.c_int()), 0) == 0
def a_set_hostname(p):
    return must(LIBC.unshare(0x04000000) == 0 and socket.sethostname("escaped") is None)
def a_raise_limit(p): return resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024)) or True
def a_raise_memory(p): return resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2) or True
def a_personality(p): return raw(p, "personality", 0xFFFFFFFF) >= 0
def a_own_filter(p):
    LIBC.prctl(38, 1, 0, 0, 0)
    code = struct.pack("HBBI", 6, 0, 0, 0x7FFF0000)
    keep = ctypes.create_string_buffer(code)
    return raw(p, "seccomp", 1, 0, struct.pack("@HP", 1, ctypes.addressof(keep))) == 0
def a_dumpable(p): return must(LIBC.prctl(4, ctypes.c_ulong(1), 0, 0, 0) == 0)
def a_outlive_parent(p): return must(LIBC.prctl(1, ctypes.c_ulong(0), 0, 0, 0) == 0)


# users and rights
def a_setuid(p): return os.setuid(0) or True
def a_setgid(p): return os.setgid(0) or True
def a_setresuid(p): return os.setresuid(0, 0, 0) or True
def a_setgroups(p): return os.setgroups([0]) or True
def a_capabilities(p):
    full = struct.pack("=IIIIII", 1, 1, 0, 0, 0, 0)
    return raw(p, "capset", struct.pack("=II", 0x20080522, 0), full) == 0
def a_change_owner(p): return os.chown(p["secret"], os.getuid(), os.getgid()) or True


# processes
def a_fork(p): return reaped(os.fork())
def a_system(p): return must(os.system("true") == 0)
def a_popen(p): return must(os.popen("echo hi").read() == "hi\n")
def a_subprocess(p): return must(subprocess.run(["/bin/echo", "hi"], capture_output=True).stdout == b"hi\n")
def a_posix_spawn(p): return reaped(os.posix_spawn("/bin/true", ["true"], {}))
def a_multiprocessing(p):
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(0,))
    child.start()
    child.join()
    return must(child.exitcode == 0)
def a_raw_clone(p): return reaped(raw(p, "clone", 17, 0, 0, 0, 0))
def a_raw_clone3(p):
    arguments = ctypes.create_string_buffer(struct.pack("QQQQQQQQ", 0, 0, 0, 0, 17, 0, 0, 0))
    return reaped(raw(p, "clone3", arguments, 64))
def a_exec(p):
    # Replaces the process: only what comes after shows that it was refused.
    os.execv("/bin/sh", ["sh", "-c", "echo '{\"did\": \"exec\"}'"])
def a_raw_execveat(p):
    argv = (ctypes.c_char_p * 4)(b"sh", b"-c", b"echo '{\"did\": \"exec\"}'", None)
    return raw(p, "execveat", -100, b"/bin/sh", argv, 0, 0)
def a_signal_other(p): return os.kill(p["victim"], 0) or True
def a_signal_server(p): return os.kill(p["server"], 0) or True
def a_signal_all(p): return os.kill(-os.getpgid(p["victim"]), 0) or True
def a_signal_parent(p): return os.kill(os.getppid(), 0) or must(os.getppid() > 0)
def a_tkill(p): return raw(p, "tkill", p["victim"], 0) == 0
def a_tgkill(p): return raw(p, "tgkill", p["victim"], p["victim"], 0) == 0
def a_queue_signal(p):
    info = ctypes.create_string_buffer(struct.pack("iii", 0, 0, -1) + bytes(116))
    return raw(p, "rt_sigqueueinfo", p["victim"], 0, info) == 0
def a_pidfd(p): return raw(p, "pidfd_open", p["victim"], 0)
def a_pidfd_own(p): return raw(p, "pidfd_open", os.getpid(), 0)
def a_ptrace(p): return must(raw(p, "ptrace", 0x4206, p["victim"], 0, 0) == 0 and raw(p, "ptrace", 0x4207, p["victim"], 0, 0) == 0)
def a_read_memory(p):
    buffer = ctypes.create_string_buffer(8)
    local = ctypes.create_string_buffer(struct.pack("PN", ctypes.addressof(buffer), 8))
    remote = ctypes.create_string_buffer(struct.pack("PN", p["address"], 8))
    return must(raw(p, "process_vm_readv", p["victim"], local, 1, remote, 1, 0) >= 0)
def a_compare(p): return raw(p, "kcmp", p["victim"], p["victim"], 0, 0, 0) >= 0
def a_limits_of_other(p): return resource.prlimit(p["victim"], resource.RLIMIT_CORE)
def a_priority_of_other(p): return os.setpriority(os.PRIO_PROCESS, p["victim"], 1) or True
def a_cores_of_other(p): return os.sched_setaffinity(p["victim"], {0}) or True


# network
def outside(sock):
    sock.settimeout(3)
    return must(sock.recv(20) == b"HTTP/1.0 200 outside")
def a_connect(p): return outside(socket.create_connection(("127.0.0.1", p["port"]), 2))
def a_connect_late(p):
    sock = socket.socket()
    sock.setblocking(False)
    sock.connect_ex(("127.0.0.1", p["port"]))
    time.sleep(0.3)
    return outside(sock)
def a_fast_open(p):
    sock = socket.socket()
    sock.sendto(b"x", 0x20000000, ("127.0.0.1", p["port"]))
    return outside(sock)
def a_multipath(p):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
    sock.connect(("127.0.0.1", p["port"]))
    return outside(sock)
def a_interfaces(p): return fcntl.ioctl(socket.socket(), 0x8933, b"lo" + bytes(38))
def a_request(p):
    import urllib.request
    return must(urllib.request.urlopen("http://127.0.0.1:%d/" % p["port"], timeout=3).read() == b"outside")
def a_bind(p):
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    return server.listen() or True
def a_datagram(p): return socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", p["port"]))
def a_six(p):
    sock = socket.socket(socket.AF_INET6)
    sock.connect(("::ffff:127.0.0.1", p["port"]))
    return outside(sock)
def a_unix_path(p): return socket.socket(socket.AF_UNIX).connect(p["unix"]) or True
def a_unix_abstract(p): return socket.socket(socket.AF_UNIX).connect("\0" + p["abstract"]) or True
def a_netlink(p): return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
def a_raw_socket(p): return socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
def a_packet_socket(p): return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
def a_resolve(p): return must(socket.getaddrinfo("localhost", p["port"])) and outside(socket.create_connection(("localhost", p["port"]), 2))


# the kernel's larger doors
def a_io_uring(p): return raw(p, "io_uring_setup", 4, ctypes.create_string_buffer(256))
def a_userfaultfd(p): return raw(p, "userfaultfd", 1)
def a_bpf(p): return raw(p, "bpf", 0, ctypes.create_string_buffer(struct.pack("IIII", 2, 4, 4, 1) + bytes(112)), 128)
def a_perf(p): return raw(p, "perf_event_open", ctypes.create_string_buffer(struct.pack("IIQ", 1, 128, 0) + bytes(112)), 0, -1, -1, 0)
def a_keys(p): return raw(p, "keyctl", 0, -3, 1)
def a_add_key(p): return raw(p, "add_key", b"user", b"oxidify", b"x", 1, -3)
def a_memory_file(p): return raw(p, "memfd_create", b"x", 0)
def a_shared_memory(p): return raw(p, "shmget", 0, 4096, 0o1600)
def a_message_queue(p): return raw(p, "msgget", 0, 0o1600)
def a_posix_queue(p): return raw(p, "mq_open", b"oxidify%d" % os.getpid(), 0o102, 0o600, 0)
def a_clock(p): return raw(p, "adjtimex", ctypes.create_string_buffer(256)) >= 0
def a_syslog(p): return raw(p, "syslog", 10, 0, 0) >= 0
def a_ports(p): return raw(p, "iopl", 0) == 0
def a_old_interface(p):
    # getpid through the 32-bit gate
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    return must(call() > 0)


# what others left
def a_other_run(p):
    path = p["scratch"] + "/left"
    if p["first"]:
        open(path, "w").write("left")
        raise RuntimeError("left for the next")
    return read(path)
def a_other_state(p):
    import json
    if p["first"]:
        json.left = "left"
        open(p["scratch"] + "/state", "w").write("left")
        raise RuntimeError("left for the next")
    return getattr(json, "left", None) or read(p["scratch"] + "/state")
