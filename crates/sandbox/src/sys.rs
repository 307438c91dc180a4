//! System calls that no crate offers safely. The only file with `unsafe` in it.

#![expect(
    unsafe_code,
    reason = "clone, seccomp, landlock, capset and the mount calls have no safe form in a crate we use"
)]

use std::{
    ffi::CString,
    io::{self, IoSliceMut},
    os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd},
    os::unix::ffi::OsStrExt,
    path::Path,
};

use libc::{c_long, c_ulong};
use nix::{
    sys::socket::{ControlMessageOwned, MsgFlags, recvmsg},
    unistd::Pid,
};
use tokio::io::{Interest, unix::AsyncFd};

/// The version word of the capability calls with 64 capabilities.
const CAPABILITY_VERSION_3: u32 = 0x2008_0522;
const LANDLOCK_CREATE_RULESET_VERSION: c_ulong = 1;
const OPEN_TREE_CLONE: c_ulong = 1;
const MOVE_MOUNT_F_EMPTY_PATH: c_ulong = 4;
const MOUNT_ATTR_RDONLY: u64 = 1;
const MOUNT_ATTR_NOSUID: u64 = 2;

fn check(result: c_long) -> io::Result<c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn owned(result: c_long) -> io::Result<OwnedFd> {
    let fd = i32::try_from(check(result)?).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made this descriptor for us; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A copy of this process, in new namespaces where `flags` name some. `None` in the copy.
///
/// # Errors
/// When this process has more than one thread, or the kernel refuses.
pub fn clone(flags: i32) -> io::Result<Option<Pid>> {
    if std::fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::other("a process with threads cannot be copied"));
    }
    let flags = c_ulong::try_from(flags | libc::SIGCHLD).map_err(io::Error::other)?;
    // SAFETY: with a null stack this is fork. There is one thread (checked above), so that the copy
    // finds no lock held by a thread it does not have.
    let pid = check(unsafe { libc::syscall(libc::SYS_clone, flags, 0_usize, 0_usize, 0_usize, 0_usize) })?;
    Ok(if pid == 0 { None } else { Some(Pid::from_raw(i32::try_from(pid).map_err(io::Error::other)?)) })
}

/// Closes every descriptor above standard error: what the server's own parent left open is nothing for a worker.
pub fn close_inherited() -> io::Result<()> {
    // SAFETY: called first in a worker's life, when no value of this process owns a descriptor above 2.
    check(unsafe { libc::syscall(libc::SYS_close_range, 3_usize, u32::MAX as usize, 0_usize) }).map(drop)
}

/// A descriptor that becomes readable when the process ends.
pub fn pidfd(pid: Pid) -> io::Result<OwnedFd> {
    // SAFETY: takes two integers.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0_usize) })
}

/// Gives up every capability, for good.
pub fn drop_capabilities() -> io::Result<()> {
    let header: [u32; 2] = [CAPABILITY_VERSION_3, 0];
    let data = [0_u32; 6];
    // SAFETY: header and data have the sizes that version 3 asks for and outlive the call.
    check(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), data.as_ptr()) }).map(drop)
}

/// Installs a system call filter for good. `no_new_privs` must be on.
pub fn install_filter(filter: &[libc::sock_filter]) -> io::Result<()> {
    let len = u16::try_from(filter.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog { len, filter: filter.as_ptr().cast_mut() };
    let mode = c_ulong::from(libc::SECCOMP_SET_MODE_FILTER);
    // SAFETY: the kernel reads `len` instructions from a slice of that length and writes none.
    check(unsafe { libc::syscall(libc::SYS_seccomp, mode, 0_usize, &raw const program) }).map(drop)
}

/// Version of landlock that the kernel offers, 0 where there is none.
pub fn landlock_version() -> u32 {
    // SAFETY: asks for the version, for which the pointer must be null and the size 0.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, 0_usize, 0_usize, LANDLOCK_CREATE_RULESET_VERSION) };
    u32::try_from(version).unwrap_or(0)
}

/// Forbids every access to files, TCP ports, outside sockets and signals that landlock knows to forbid.
pub fn landlock_deny_all(version: u32) -> io::Result<()> {
    let rules = LandlockRights::of(version).words();
    let size = LandlockRights::size(version);
    // SAFETY: `rules` is three 64-bit words, the layout of `landlock_ruleset_attr`; `size` is at most their size.
    let set = owned(unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, rules.as_ptr(), size, 0_usize) })?;
    // SAFETY: takes two integers.
    check(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, set.as_raw_fd(), 0_usize) }).map(drop)
}

/// What a version of landlock can forbid, as the bit sets of its interface.
#[derive(Clone, Copy, Debug)]
pub struct LandlockRights {
    pub files: u64,
    pub ports: u64,
    pub scopes: u64,
}

impl LandlockRights {
    pub fn of(version: u32) -> Self {
        let file_bits = match version {
            0 => 0,
            1 => 13,
            2 => 14,
            3 | 4 => 15,
            _ => 16,
        };
        Self {
            files: (1_u64 << file_bits) - 1,
            ports: if version >= 4 { 3 } else { 0 },
            scopes: if version >= 6 { 3 } else { 0 },
        }
    }

    /// Size of the structure that a version reads.
    pub fn size(version: u32) -> usize {
        match version {
            0..=3 => 8,
            4 | 5 => 16,
            _ => 24,
        }
    }

    pub fn words(self) -> [u64; 3] {
        [self.files, self.ports, self.scopes]
    }
}

fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other)
}

/// A detached, read-only copy of what is mounted at a path, to be put somewhere by [`attach_tree`].
pub fn copy_tree(path: &Path, writable: bool) -> io::Result<OwnedFd> {
    let name = c_path(path)?;
    let cloexec = c_ulong::try_from(libc::O_CLOEXEC).map_err(io::Error::other)?;
    let recursive = c_ulong::try_from(libc::AT_RECURSIVE).map_err(io::Error::other)?;
    let flags = OPEN_TREE_CLONE | cloexec | recursive;
    // SAFETY: `name` is a C string that outlives the call.
    let tree = owned(unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, name.as_ptr(), flags) })?;
    let empty = c_ulong::try_from(libc::AT_EMPTY_PATH).map_err(io::Error::other)?;
    let set = MOUNT_ATTR_NOSUID | if writable { 0 } else { MOUNT_ATTR_RDONLY };
    set_attributes(tree.as_raw_fd(), c"".as_ptr(), empty | recursive, set)?;
    Ok(tree)
}

fn set_attributes(directory: i32, path: *const libc::c_char, flags: c_ulong, set: u64) -> io::Result<()> {
    // attr_set, attr_clr, propagation, userns_fd
    let attributes = [set, 0, 0, 0_u64];
    let size = std::mem::size_of_val(&attributes);
    // SAFETY: `attributes` has the layout and size of `mount_attr`; `path` is a C string of the caller's.
    let done = unsafe { libc::syscall(libc::SYS_mount_setattr, directory, path, flags, attributes.as_ptr(), size) };
    check(done).map(drop)
}

/// Puts a copied tree at a path.
pub fn attach_tree(tree: &OwnedFd, target: &Path) -> io::Result<()> {
    let target = c_path(target)?;
    let fd = tree.as_raw_fd();
    // SAFETY: both paths are C strings that outlive the call.
    let done = unsafe {
        libc::syscall(libc::SYS_move_mount, fd, c"".as_ptr(), libc::AT_FDCWD, target.as_ptr(), MOVE_MOUNT_F_EMPTY_PATH)
    };
    check(done).map(drop)
}

/// Makes the mount at a path read-only.
pub fn make_read_only(path: &Path) -> io::Result<()> {
    let path = c_path(path)?;
    set_attributes(libc::AT_FDCWD, path.as_ptr(), 0, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID)
}

/// Brings the loopback interface of this network namespace up.
pub fn loopback_up() -> io::Result<()> {
    // SAFETY: plain data of integers and bytes; all zero is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(b"lo") {
        *place = libc::c_char::try_from(*byte).map_err(io::Error::other)?;
    }
    request.ifr_ifru.ifru_flags = libc::c_short::try_from(libc::IFF_UP).map_err(io::Error::other)?;
    let socket = std::net::UdpSocket::bind((std::net::Ipv4Addr::UNSPECIFIED, 0))?;
    // SAFETY: the request is the structure that SIOCSIFFLAGS reads and outlives the call.
    let done = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    check(c_long::from(done)).map(drop)
}

/// A system call that waits for an answer.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub id: u64,
    pub number: i64,
    /// The thread that made it.
    pub thread: u32,
    /// Its first two arguments.
    pub first: u64,
    pub second: u64,
}

/// The next call that waits; the descriptor must be readable.
pub fn next_asked(listener: &impl AsFd) -> io::Result<Asked> {
    // SAFETY: plain data of integers; the kernel demands zeros.
    let mut notice: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    let fd = listener.as_fd().as_raw_fd();
    // SAFETY: the structure is the one this request writes and outlives the call.
    check(c_long::from(unsafe { libc::ioctl(fd, libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut notice) }))?;
    let [first, second, ..] = notice.data.args;
    Ok(Asked { id: notice.id, number: i64::from(notice.data.nr), thread: notice.pid, first, second })
}

/// Answers a call with an error number, or with success where it is 0.
pub fn answer(listener: &impl AsFd, asked: Asked, error: i32) -> io::Result<()> {
    let answer = libc::seccomp_notif_resp { id: asked.id, val: 0, error: -error, flags: 0 };
    let fd = listener.as_fd().as_raw_fd();
    // SAFETY: the structure is the one this request reads and outlives the call.
    check(c_long::from(unsafe { libc::ioctl(fd, libc::SECCOMP_IOCTL_NOTIF_SEND, &raw const answer) })).map(drop)
}

/// Puts a copy of `with` where the first argument of a waiting call points in the descriptors of its process.
pub fn replace_descriptor(listener: &impl AsFd, asked: Asked, with: &impl AsFd) -> io::Result<()> {
    let place = i32::try_from(asked.first).map_err(io::Error::other)?;
    let order = libc::seccomp_notif_addfd {
        id: asked.id,
        flags: u32::try_from(libc::SECCOMP_ADDFD_FLAG_SETFD).map_err(io::Error::other)?,
        srcfd: with.as_fd().as_raw_fd().cast_unsigned(),
        newfd: place.cast_unsigned(),
        newfd_flags: libc::O_CLOEXEC.cast_unsigned(),
    };
    let fd = listener.as_fd().as_raw_fd();
    // SAFETY: the structure is the one this request reads and outlives the call.
    check(c_long::from(unsafe { libc::ioctl(fd, libc::SECCOMP_IOCTL_NOTIF_ADDFD, &raw const order) })).map(drop)
}

/// A message of at most `room` bytes from a stream socket, with the last descriptor that came with it.
pub fn receive(stream: &impl AsFd, room: usize) -> io::Result<(Vec<u8>, Option<OwnedFd>)> {
    let mut word = vec![0; room];
    let mut space = nix::cmsg_space!([i32; 1]);
    let mut parts = [IoSliceMut::new(&mut word)];
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(stream.as_fd().as_raw_fd(), &mut parts, Some(&mut space), flags)?;
    let mut passed = None;
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(fds) = control {
            // SAFETY: the kernel has just made these descriptors in this process; nobody else owns them.
            passed = fds.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }).next_back();
        }
    }
    let size = message.bytes;
    word.truncate(size);
    Ok((word, passed))
}

/// A descriptor whose readiness the runtime watches.
pub fn watch(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open, and the same descriptor, for as long as it lives.
    unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }.map_err(io::Error::from)
}
