//! System call filters, as programs for the kernel's filter machine.
//!
//! Python gets a list of what is denied: an allow list breaks libraries at random, which users of the
//! compatible system know well. The JavaScript worker makes few calls of its own and its user none, so
//! that it gets a list of what is allowed.

mod calls;
#[cfg(test)]
mod tests;

use libc::{c_long, sock_filter};

use self::calls::{DENIED, NEEDED, WORKER};

pub use calls::name;

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
