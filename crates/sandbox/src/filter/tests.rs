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
