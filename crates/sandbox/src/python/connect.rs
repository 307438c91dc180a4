//! A `connect` that waits for an answer: what it asked for, and the socket it gets instead.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    os::{fd::OwnedFd, unix::fs::FileExt},
};

use crate::sys::{self, Asked};

/// The address in the memory of the process that asks, where the server may read that. The process may change it at
/// any time: good enough to tell people, never to decide what is safe.
pub fn asked_for(call: Asked) -> Option<SocketAddr> {
    let memory = File::open(format!("/proc/{}/mem", call.thread)).ok()?;
    let mut bytes = [0; 24];
    memory.read_at(&mut bytes, call.second).ok().filter(|size| *size >= 16)?;
    address(&bytes)
}

/// `sockaddr_in` and `sockaddr_in6`.
fn address(bytes: &[u8; 24]) -> Option<SocketAddr> {
    let [f1, f2, p1, p2, rest @ ..] = bytes;
    let port = u16::from_be_bytes([*p1, *p2]);
    match i32::from(u16::from_ne_bytes([*f1, *f2])) {
        libc::AF_INET => {
            let four: [u8; 4] = rest.get(..4)?.try_into().ok()?;
            Some(SocketAddr::from((Ipv4Addr::from(four), port)))
        }
        libc::AF_INET6 => {
            let sixteen: [u8; 16] = rest.get(4..20)?.try_into().ok()?;
            let address = Ipv6Addr::from(sixteen);
            Some(SocketAddr::from((address.to_canonical(), port)))
        }
        _ => None,
    }
}

/// Puts a connected socket in the place of the one that was to be connected, and lets the call succeed.
pub fn finish(listener: &OwnedFd, call: Asked, socket: &TcpStream) {
    // What a library set before it connected still holds afterwards.
    let done =
        socket.set_nonblocking(is_nonblocking(call)).and_then(|()| sys::replace_descriptor(listener, call, socket));
    // The process may have died while it waited.
    let _ = sys::answer(listener, call, if done.is_ok() { 0 } else { libc::EBADF });
}

/// Whether the socket that is to be connected does not block. Where the server may not see that, it blocks, which
/// libraries that wait for readiness can live with.
fn is_nonblocking(call: Asked) -> bool {
    let about = fs::read_to_string(format!("/proc/{}/fdinfo/{}", call.thread, call.first)).unwrap_or_default();
    let flags = about.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|text| i32::from_str_radix(text.trim(), 8).ok());
    flags.is_some_and(|flags| flags & libc::O_NONBLOCK != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_kernel_does() {
        let mut bytes = [0; 24];
        bytes[..2].copy_from_slice(&2_u16.to_ne_bytes());
        bytes[2..8].copy_from_slice(&[0x0C, 0x38, 127, 0, 0, 1]);
        assert_eq!(address(&bytes), Some("127.0.0.1:3128".parse().unwrap()));
        bytes[..2].copy_from_slice(&10_u16.to_ne_bytes());
        bytes[8..24].copy_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 0, 0, 5]);
        assert_eq!(address(&bytes), Some("10.0.0.5:3128".parse().unwrap()));
        bytes[..2].copy_from_slice(&1_u16.to_ne_bytes());
        assert_eq!(address(&bytes), None);
    }
}
