//! What the children of a test have in common: signals and addresses.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use rustix::process::{Pid, Signal};
use tokio::process::Child;

/// Sends a signal to a child that has not been waited for.
pub(crate) fn signal(child: &Child, signal: Signal) {
    let id = child.id().expect("the process has ended");
    let pid = Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

/// Ports below the range from which the kernel takes those of outgoing connections (32768 and up on Linux), so that
/// none of ours is taken between this look and the child's own bind, or while a server is down in a test.
const FIRST_PORT: u16 = 12_000;
const PORTS: u16 = 20_000;

/// A loopback address on which nothing listens now and that no other test of this process is given.
///
/// # Panics
/// When a thousand in a row are taken.
#[must_use]
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test binaries may run side by side: each starts at a place of its own.
    let offset = (std::process::id() % 400) as u16 * 50;
    for _ in 0..1000 {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST_PORT + (offset.wrapping_add(step) % PORTS);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!(
        "no free port between {FIRST_PORT} and {}",
        FIRST_PORT + PORTS
    )
}
