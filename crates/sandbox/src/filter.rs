//! System call filters, as programs for the kernel's filter machine.
//!
//! Python gets a list of what is denied: an allow list breaks libraries at random, which users of the
//! compatible system know well. The JavaScript worker makes few calls of its own and its user none, so
//! that it gets a list of what is allowed.

use libc::{c_long, sock_filter};

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Allow,
    /// "Operation not permitted".
    Refuse,
    /// "Function not implemented": the caller falls back to an older call.
    Unknown,
    /// The supervisor is told and answers "operation not permitted".
    Report,
    Kill,
}

impl Answer {
    const fn word(self) -> u32 {
        match self {
            Self::Allow => libc::SECCOMP_RET_ALLOW,
            Self::Refuse => libc::SECCOMP_RET_ERRNO | libc::EPERM as u32,
            Self::Unknown => libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32,
            Self::Report => libc::SECCOMP_RET_USER_NOTIF,
            Self::Kill => libc::SECCOMP_RET_KILL_PROCESS,
        }
    }
}

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xC000_00B7;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("the sandbox knows the system calls of x86_64 and aarch64 only");

const LOAD: u16 = 0x20;
const EQUAL: u16 = 0x15;
const AT_LEAST: u16 = 0x35;
const ANY_BIT: u16 = 0x45;
const AND: u16 = 0x54;
const RETURN: u16 = 0x06;
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
/// Marks the constants that the child replaces by its own process id.
const OWN_PID: u32 = 0xFFFF_FFF0;

const fn argument(index: u32) -> u32 {
    16 + 8 * index
}

macro_rules! calls {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {
        &[$($(#[$meta])* (stringify!($name), libc::$name)),+]
    };
}

/// Calls that code never gets.
const DENIED: &[(&str, c_long)] = calls![
    SYS_execve,
    SYS_execveat,
    #[cfg(target_arch = "x86_64")]
    SYS_fork,
    #[cfg(target_arch = "x86_64")]
    SYS_vfork,
    SYS_unshare,
    SYS_setns,
    SYS_mount,
    SYS_umount2,
    SYS_move_mount,
    SYS_open_tree,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
    SYS_mount_setattr,
    SYS_pivot_root,
    SYS_chroot,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_process_madvise,
    SYS_process_mrelease,
    SYS_move_pages,
    SYS_migrate_pages,
    SYS_kcmp,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_kexec_file_load,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_open_by_handle_at,
    SYS_name_to_handle_at,
    SYS_personality,
    SYS_quotactl,
    SYS_quotactl_fd,
    SYS_acct,
    SYS_syslog,
    SYS_clock_settime,
    SYS_clock_adjtime,
    SYS_settimeofday,
    SYS_adjtimex,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_vhangup,
    SYS_fanotify_init,
    SYS_pidfd_open,
    SYS_pidfd_getfd,
    SYS_pidfd_send_signal,
    SYS_tkill,
    SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo,
    SYS_setpriority,
    SYS_ioprio_set,
    SYS_sched_setscheduler,
    SYS_sched_setparam,
    SYS_sched_setattr,
    SYS_setuid,
    SYS_setgid,
    SYS_setreuid,
    SYS_setregid,
    SYS_setresuid,
    SYS_setresgid,
    SYS_setfsuid,
    SYS_setfsgid,
    SYS_setgroups,
    SYS_capset,
    SYS_memfd_create,
    SYS_memfd_secret,
    SYS_shmget,
    SYS_shmat,
    SYS_msgget,
    SYS_semget,
    SYS_mq_open,
    SYS_mknodat,
    #[cfg(target_arch = "x86_64")]
    SYS_mknod,
    #[cfg(target_arch = "x86_64")]
    SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    SYS_modify_ldt,
];

/// Calls whose arguments decide.
const INSPECTED: &[(&str, c_long)] = calls![
    SYS_clone,
    SYS_socket,
    SYS_socketpair,
    SYS_bind,
    SYS_listen,
    SYS_connect,
    SYS_sendto,
    SYS_sendmsg,
    SYS_sendmmsg,
    SYS_ioctl,
    SYS_prctl,
    SYS_kill,
    SYS_tgkill,
    SYS_prlimit64,
    SYS_sched_setaffinity,
    SYS_seccomp,
];

/// What the JavaScript worker needs.
const WORKER: &[(&str, c_long)] = calls![
    SYS_read,
    SYS_readv,
    SYS_write,
    SYS_writev,
    SYS_recvfrom,
    SYS_recvmsg,
    SYS_sendto,
    SYS_sendmsg,
    SYS_close,
    SYS_ppoll,
    #[cfg(target_arch = "x86_64")]
    SYS_poll,
    SYS_munmap,
    SYS_mremap,
    SYS_brk,
    SYS_madvise,
    SYS_futex,
    SYS_clock_gettime,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_getpid,
    SYS_gettid,
    SYS_getrandom,
    SYS_sched_yield,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_restart_syscall,
    SYS_exit,
    SYS_exit_group,
];

/// What a run needs to start, whatever an operator lists.
const NEEDED: &[(&str, c_long)] = calls![
    SYS_read,
    SYS_write,
    SYS_openat,
    SYS_close,
    SYS_close_range,
    SYS_lseek,
    SYS_dup,
    SYS_fcntl,
    SYS_ioctl,
    SYS_fstat,
    SYS_newfstatat,
    SYS_statx,
    SYS_readlinkat,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_getdents64,
    SYS_getcwd,
    SYS_sendmsg,
    SYS_mmap,
    SYS_mprotect,
    SYS_munmap,
    SYS_mremap,
    SYS_brk,
    SYS_madvise,
    SYS_futex,
    SYS_clock_gettime,
    SYS_getpid,
    SYS_gettid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getrandom,
    SYS_prlimit64,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_sched_yield,
    SYS_restart_syscall,
    SYS_exit,
    SYS_exit_group,
    #[cfg(target_arch = "x86_64")]
    SYS_stat,
    #[cfg(target_arch = "x86_64")]
    SYS_lstat,
    #[cfg(target_arch = "x86_64")]
    SYS_readlink,
    #[cfg(target_arch = "x86_64")]
    SYS_access,
];

/// Name of a system call that Python code may not make, without the prefix of the constant.
#[must_use]
pub fn name(number: i64) -> Option<&'static str> {
    let found = DENIED.iter().chain(INSPECTED).find(|(_, known)| *known == number);
    found.map(|(name, _)| name.strip_prefix("SYS_").unwrap_or(name))
}

#[derive(Default)]
struct Builder {
    code: Vec<sock_filter>,
}

impl Builder {
    fn push(&mut self, code: u16, yes: u8, no: u8, k: u32) {
        self.code.push(sock_filter { code, jt: yes, jf: no, k });
    }

    fn load(&mut self, offset: u32) {
        self.push(LOAD, 0, 0, offset);
    }

    fn give(&mut self, answer: Answer) {
        self.push(RETURN, 0, 0, answer.word());
    }

    /// Answers when the loaded word equals this one.
    fn when_equal(&mut self, word: u32, answer: Answer) {
        self.push(EQUAL, 0, 1, word);
        self.give(answer);
    }

    fn when_any_bit(&mut self, bits: u32, answer: Answer) {
        self.push(ANY_BIT, 0, 1, bits);
        self.give(answer);
    }

    fn start(&mut self) {
        self.load(ARCH);
        self.push(EQUAL, 1, 0, ARCHITECTURE);
        self.give(Answer::Kill);
        self.load(NUMBER);
        if cfg!(target_arch = "x86_64") {
            // The calls of the x32 interface.
            self.push(AT_LEAST, 0, 1, 0x4000_0000);
            self.give(Answer::Kill);
        }
    }

    /// Rules for one call; they end with an answer on every path.
    fn rules(&mut self, number: c_long, rules: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        rules(&mut inner);
        let skip = u8::try_from(inner.code.len()).unwrap_or(u8::MAX);
        self.push(EQUAL, 0, skip, word(number));
        self.code.append(&mut inner.code);
    }
}

fn word(number: c_long) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A filter and the places in it where the process writes its own id.
#[derive(Clone, Debug)]
pub struct Filter {
    pub code: Vec<sock_filter>,
    pub own_pid: Vec<usize>,
}

impl Filter {
    /// The instructions as the kernel reads them.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.code.len() * 8);
        for step in &self.code {
            bytes.extend_from_slice(&step.code.to_ne_bytes());
            bytes.extend_from_slice(&[step.jt, step.jf]);
            bytes.extend_from_slice(&step.k.to_ne_bytes());
        }
        bytes
    }
}

/// The filter of a Python run. `no` is what a denied call gets. With `allowed`, calls outside that list are denied too;
/// it opens none of those that are denied anyway.
#[must_use]
pub fn python(no: Answer, network: bool, allowed: Option<&[u32]>) -> Filter {
    let mut filter = Builder::default();
    filter.start();
    for (_, number) in DENIED {
        filter.when_equal(word(*number), no);
    }
    // Without it the C library uses `clone`, whose flags can be seen here.
    filter.when_equal(word(libc::SYS_clone3), Answer::Unknown);
    // Filters of one's own could hold up the answers of this one.
    filter.when_equal(word(libc::SYS_seccomp), no);
    if let Some(allowed) = allowed {
        only(&mut filter, no, allowed);
    }
    filter.rules(libc::SYS_clone, |rules| {
        let new = libc::CLONE_NEWNS
            | libc::CLONE_NEWUSER
            | libc::CLONE_NEWPID
            | libc::CLONE_NEWNET
            | libc::CLONE_NEWIPC
            | libc::CLONE_NEWUTS
            | libc::CLONE_NEWCGROUP;
        rules.load(argument(0));
        rules.when_any_bit(new.cast_unsigned(), no);
        rules.when_any_bit(libc::CLONE_THREAD.cast_unsigned(), Answer::Allow);
        rules.give(no);
    });
    sockets(&mut filter, no, network);
    filter.rules(libc::SYS_ioctl, |rules| {
        rules.load(argument(1));
        // Typing into a terminal.
        rules.when_equal(0x5412, no);
        rules.when_equal(0x541C, no);
        // Asking a socket about the interfaces and routes of its machine.
        rules.push(AND, 0, 0, 0xFF00);
        rules.when_equal(0x8900, no);
        rules.give(Answer::Allow);
    });
    filter.rules(libc::SYS_prctl, |rules| {
        rules.load(argument(0));
        let own = [libc::PR_SET_PDEATHSIG, libc::PR_SET_DUMPABLE, libc::PR_SET_MM, libc::PR_SET_SECCOMP];
        for option in own.into_iter().chain([libc::PR_SET_PTRACER]) {
            rules.when_equal(option.cast_unsigned(), no);
        }
        rules.give(Answer::Allow);
    });
    for number in [libc::SYS_kill, libc::SYS_tgkill] {
        filter.rules(number, |rules| {
            rules.load(argument(0));
            rules.when_equal(OWN_PID, Answer::Allow);
            rules.give(no);
        });
    }
    for number in [libc::SYS_prlimit64, libc::SYS_sched_setaffinity] {
        filter.rules(number, |rules| {
            rules.load(argument(0));
            rules.when_equal(0, Answer::Allow);
            rules.when_equal(OWN_PID, Answer::Allow);
            rules.give(no);
        });
    }
    filter.give(Answer::Allow);
    let places = filter.code.iter().enumerate().filter(|(_, step)| step.code == EQUAL && step.k == OWN_PID);
    let own_pid = places.map(|(index, _)| index).collect();
    Filter { code: filter.code, own_pid }
}

/// Denies what lies between the allowed numbers.
fn only(filter: &mut Builder, no: Answer, allowed: &[u32]) {
    let needed = NEEDED.iter().map(|(_, number)| word(*number));
    let numbers: std::collections::BTreeSet<u32> = allowed.iter().copied().chain(needed).collect();
    let mut from = 0;
    for number in numbers.into_iter().chain([u32::MAX]) {
        if number > from {
            filter.push(AT_LEAST, 0, 2, from);
            filter.push(AT_LEAST, 1, 0, number);
            filter.give(no);
        }
        from = number.saturating_add(1);
    }
}

fn sockets(filter: &mut Builder, no: Answer, network: bool) {
    let unix = libc::AF_UNIX.cast_unsigned();
    filter.rules(libc::SYS_socketpair, |rules| {
        rules.load(argument(0));
        rules.when_equal(unix, Answer::Allow);
        rules.give(no);
    });
    filter.rules(libc::SYS_socket, |rules| {
        if network {
            // TCP only: other streams and datagrams could go their own ways.
            rules.load(argument(2));
            rules.push(EQUAL, 2, 0, 0);
            rules.push(EQUAL, 1, 0, libc::IPPROTO_TCP.cast_unsigned());
            rules.give(no);
            rules.load(argument(1));
            rules.push(AND, 0, 0, 0xF);
            rules.push(EQUAL, 1, 0, libc::SOCK_STREAM.cast_unsigned());
            rules.give(no);
            rules.load(argument(0));
            rules.when_equal(libc::AF_INET.cast_unsigned(), Answer::Allow);
            rules.when_equal(libc::AF_INET6.cast_unsigned(), Answer::Allow);
        }
        rules.give(no);
    });
    // Where there is a network, the supervisor connects; nobody else ever does.
    for number in [libc::SYS_bind, libc::SYS_listen, libc::SYS_connect] {
        filter.when_equal(word(number), no);
    }
    // Data in the first packet would connect without asking.
    for (number, flags) in [(libc::SYS_sendto, 3), (libc::SYS_sendmsg, 2), (libc::SYS_sendmmsg, 3)] {
        filter.rules(number, |rules| {
            rules.load(argument(flags));
            rules.when_any_bit(libc::MSG_FASTOPEN.cast_unsigned(), no);
            rules.give(Answer::Allow);
        });
    }
}

/// The filter of the JavaScript worker.
#[must_use]
pub fn worker() -> Filter {
    let mut filter = Builder::default();
    filter.start();
    for (_, number) in WORKER {
        filter.when_equal(word(*number), Answer::Allow);
    }
    for number in [libc::SYS_mmap, libc::SYS_mprotect] {
        filter.rules(number, |rules| {
            rules.load(argument(2));
            rules.when_any_bit(libc::PROT_EXEC.cast_unsigned(), Answer::Refuse);
            rules.give(Answer::Allow);
        });
    }
    filter.give(Answer::Refuse);
    Filter { code: filter.code, own_pid: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a filter as the kernel does.
    fn run(filter: &Filter, arch: u32, number: c_long, arguments: [u32; 3]) -> u32 {
        let (mut at, mut word_now) = (0, 0);
        loop {
            let step = filter.code[at];
            at += 1;
            let jump = |yes: bool| usize::from(if yes { step.jt } else { step.jf });
            match step.code {
                LOAD => {
                    word_now = match step.k {
                        NUMBER => word(number),
                        ARCH => arch,
                        offset => arguments[((offset - 16) / 8) as usize],
                    }
                }
                AND => word_now &= step.k,
                EQUAL => at += jump(word_now == step.k),
                AT_LEAST => at += jump(word_now >= step.k),
                ANY_BIT => at += jump(word_now & step.k != 0),
                RETURN => return step.k,
                other => panic!("unknown instruction {other:#x}"),
            }
        }
    }

    #[test]
    fn calls_get_the_answer_of_the_list() {
        let filter = python(Answer::Report, false, None);
        let network = python(Answer::Refuse, true, None);
        let thread = libc::CLONE_THREAD.cast_unsigned();
        let (report, refuse, allow) = (Answer::Report.word(), Answer::Refuse.word(), Answer::Allow.word());
        for (filter, number, arguments, expected) in [
            (&filter, libc::SYS_execve, [0; 3], report),
            (&filter, libc::SYS_read, [0; 3], allow),
            (&filter, libc::SYS_clone3, [0; 3], Answer::Unknown.word()),
            (&filter, libc::SYS_clone, [thread, 0, 0], allow),
            (&filter, libc::SYS_clone, [17, 0, 0], report),
            (&filter, libc::SYS_clone, [thread | libc::CLONE_NEWUSER.cast_unsigned(), 0, 0], report),
            (&filter, libc::SYS_socket, [2, 1, 0], report),
            (&filter, libc::SYS_socket, [1, 1, 0], report),
            (&filter, libc::SYS_socketpair, [1, 1, 0], allow),
            (&filter, libc::SYS_socketpair, [16, 1, 0], report),
            (&network, libc::SYS_socket, [2, 1, 0], allow),
            (&network, libc::SYS_socket, [10, 1 | 0x80000, 0], allow),
            (&network, libc::SYS_socket, [2, 2, 0], refuse),
            (&network, libc::SYS_socket, [16, 3, 0], refuse),
            (&network, libc::SYS_listen, [0; 3], refuse),
            (&filter, libc::SYS_connect, [0; 3], report),
            (&network, libc::SYS_connect, [0; 3], refuse),
            (&network, libc::SYS_socket, [2, 1, 6], allow),
            (&network, libc::SYS_socket, [2, 1, 262], refuse),
            (&network, libc::SYS_socket, [2, 1, 132], refuse),
            (&network, libc::SYS_socket, [1, 1, 0], refuse),
            (&network, libc::SYS_sendmsg, [0, 0, 0x2000_0000], refuse),
            (&network, libc::SYS_sendmsg, [0, 0, 0x4000], allow),
            (&filter, libc::SYS_ioctl, [0, 0x8912, 0], report),
            (&filter, libc::SYS_ioctl, [0, 0x541B, 0], allow),
            (&filter, libc::SYS_kill, [OWN_PID, 9, 0], allow),
            (&filter, libc::SYS_kill, [1, 9, 0], report),
            (&filter, libc::SYS_kill, [u32::MAX, 9, 0], report),
            (&filter, libc::SYS_prlimit64, [0; 3], allow),
            (&filter, libc::SYS_prlimit64, [2, 0, 0], report),
            (&filter, libc::SYS_ioctl, [0, 0x5412, 0], report),
            (&filter, libc::SYS_ioctl, [0, 0x5401, 0], allow),
            (&filter, libc::SYS_prctl, [1, 0, 0], report),
            (&filter, libc::SYS_prctl, [15, 0, 0], allow),
        ] {
            assert_eq!(run(filter, ARCHITECTURE, number, arguments), expected, "{number} {arguments:?}");
        }
        assert_eq!(run(&filter, 0x4000_0003, libc::SYS_read, [0; 3]), Answer::Kill.word());
        #[cfg(target_arch = "x86_64")]
        assert_eq!(run(&filter, ARCHITECTURE, 0x4000_0000 | libc::SYS_read, [0; 3]), Answer::Kill.word());
        assert_eq!(filter.own_pid.len(), 4);
        assert_eq!(filter.bytes().len(), filter.code.len() * 8);
    }

    #[test]
    fn an_allow_list_denies_the_rest_and_opens_nothing() {
        let filter = python(Answer::Refuse, false, Some(&[0, 1, 59, word(libc::SYS_getppid)]));
        for (number, expected) in [
            (libc::SYS_read, Answer::Allow),
            (libc::SYS_getppid, Answer::Allow),
            (libc::SYS_openat, Answer::Allow),
            (libc::SYS_uname, Answer::Refuse),
            (libc::SYS_socket, Answer::Refuse),
            (libc::SYS_clone3, Answer::Unknown),
            (4_000, Answer::Refuse),
        ] {
            assert_eq!(run(&filter, ARCHITECTURE, number, [0; 3]), expected.word(), "{number}");
        }
        #[cfg(target_arch = "x86_64")]
        assert_eq!(run(&filter, ARCHITECTURE, libc::SYS_execve, [0; 3]), Answer::Refuse.word());
        let all: Vec<u32> = (0..600).collect();
        let filter = python(Answer::Refuse, false, Some(&all));
        assert_eq!(run(&filter, ARCHITECTURE, libc::SYS_uname, [0; 3]), Answer::Allow.word());
        assert!(filter.code.len() < 400, "a whole range is one comparison: {}", filter.code.len());
    }

    #[test]
    fn the_worker_gets_what_it_needs_and_no_more() {
        let filter = worker();
        for (number, arguments, expected) in [
            (libc::SYS_read, [0; 3], Answer::Allow),
            (libc::SYS_mmap, [0, 0, 3], Answer::Allow),
            (libc::SYS_mmap, [0, 0, 7], Answer::Refuse),
            (libc::SYS_openat, [0; 3], Answer::Refuse),
            (libc::SYS_socket, [0; 3], Answer::Refuse),
            (libc::SYS_clone, [0; 3], Answer::Refuse),
        ] {
            assert_eq!(run(&filter, ARCHITECTURE, number, arguments), expected.word(), "{number}");
        }
    }

    #[test]
    fn every_denied_call_has_a_name() {
        assert_eq!(name(libc::SYS_socket), Some("socket"));
        assert_eq!(name(libc::SYS_execve), Some("execve"));
        assert_eq!(name(libc::SYS_read), None);
    }
}
