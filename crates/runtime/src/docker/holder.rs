//! The holder: a container that does nothing but keep namespaces and host ports.
//!
//! Its image comes from no registry. It is one program, smaller than its own headers, given
//! here as bytes and imported through the engine:
//!
//! ```text
//! rt_sigaction(SIGCHLD, {SIG_IGN}, NULL, 8)   as process 1 of a shared namespace it has
//!                                             children, which the kernel shall reap
//! loop { pause() }                            on arm64, which has no pause: ppoll of nothing
//! ```

use std::io;

use bollard::Docker;
use bollard::query_parameters::CreateImageOptions;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use model::container::{Failure, FailureName};

use super::error::words;

/// Another program gets another version, so that an engine never runs an old one.
pub(super) const IMAGE: &str = "longshore-holder:1";
pub(super) const PROGRAM: &str = "/hold";

/// Where programs are loaded, as linkers do it.
const BASE: u64 = 0x40_0000;
const HEADERS_BYTES: usize = 64 + 56;

#[rustfmt::skip]
const X86_64: [u8; 64] = [
    0xbf, 0x11, 0x00, 0x00, 0x00,             // mov  edi, 17          SIGCHLD
    0x48, 0x8d, 0x35, 0x14, 0x00, 0x00, 0x00, // lea  rsi, [rip + 20]  the action below
    0x31, 0xd2,                               // xor  edx, edx
    0x41, 0xba, 0x08, 0x00, 0x00, 0x00,       // mov  r10d, 8
    0xb0, 0x0d,                               // mov  al, 13           rt_sigaction
    0x0f, 0x05,                               // syscall
    0x31, 0xc0,                               // xor  eax, eax
    0xb0, 0x22,                               // mov  al, 34           pause
    0x0f, 0x05,                               // syscall
    0xeb, 0xf8,                               // jmp  to the xor
    1, 0, 0, 0, 0, 0, 0, 0,                   // handler SIG_IGN
    0, 0, 0, 0, 0, 0, 0, 0,                   // flags
    0, 0, 0, 0, 0, 0, 0, 0,                   // restorer
    0, 0, 0, 0, 0, 0, 0, 0,                   // mask
];

#[rustfmt::skip]
const AARCH64: [u8; 88] = [
    0x20, 0x02, 0x80, 0xd2,                   // mov  x0, 17           SIGCHLD
    0xa1, 0x01, 0x00, 0x10,                   // adr  x1, 52           the action below
    0x02, 0x00, 0x80, 0xd2,                   // mov  x2, 0
    0x03, 0x01, 0x80, 0xd2,                   // mov  x3, 8
    0xc8, 0x10, 0x80, 0xd2,                   // mov  x8, 134          rt_sigaction
    0x01, 0x00, 0x00, 0xd4,                   // svc  0
    0x00, 0x00, 0x80, 0xd2,                   // mov  x0, 0
    0x01, 0x00, 0x80, 0xd2,                   // mov  x1, 0
    0x02, 0x00, 0x80, 0xd2,                   // mov  x2, 0
    0x03, 0x00, 0x80, 0xd2,                   // mov  x3, 0
    0x28, 0x09, 0x80, 0xd2,                   // mov  x8, 73           ppoll
    0x01, 0x00, 0x00, 0xd4,                   // svc  0
    0xfa, 0xff, 0xff, 0x17,                   // b    to the mov x0, 0
    0x00, 0x00, 0x00, 0x00,                   // the action is aligned
    1, 0, 0, 0, 0, 0, 0, 0,                   // handler SIG_IGN
    0, 0, 0, 0, 0, 0, 0, 0,                   // flags
    0, 0, 0, 0, 0, 0, 0, 0,                   // restorer
    0, 0, 0, 0, 0, 0, 0, 0,                   // mask
];

/// The whole program for `x86_64` or `arm64`; `None` for another machine.
fn program(architecture: &str) -> Option<Vec<u8>> {
    const EM_X86_64: u16 = 62;
    const EM_AARCH64: u16 = 183;
    match architecture {
        "x86_64" => Some(elf(EM_X86_64, &X86_64)),
        "arm64" => Some(elf(EM_AARCH64, &AARCH64)),
        _ => None,
    }
}

/// A static executable of one segment that is read and run.
fn elf(machine: u16, code: &[u8]) -> Vec<u8> {
    let length = (HEADERS_BYTES + code.len()) as u64;
    let mut bytes = Vec::with_capacity(HEADERS_BYTES + code.len());
    // 64 bits, little endian, version 1.
    bytes.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    for word in [2_u16, machine] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.extend_from_slice(&1_u32.to_le_bytes());
    // Entry, program headers right behind this header, no section headers.
    for word in [BASE + HEADERS_BYTES as u64, 64, 0] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.extend_from_slice(&0_u32.to_le_bytes());
    for word in [64_u16, 56, 1, 64, 0, 0] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    // PT_LOAD, readable and executable; offset, addresses, sizes, alignment.
    for word in [1_u32, 5] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    for word in [0, BASE, BASE, length, length, 0x1000] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.extend_from_slice(code);
    bytes
}

fn archive(program: &[u8]) -> io::Result<Vec<u8>> {
    let mut header = tar::Header::new_ustar();
    header.set_size(program.len() as u64);
    header.set_mode(0o755);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, PROGRAM.trim_start_matches('/'), program)?;
    archive.into_inner()
}

/// Gives the engine the holder's image. Doing it twice is harmless.
pub(super) async fn import(client: &Docker, architecture: &str) -> Result<(), Failure> {
    let cannot = |cause: String| {
        Failure::new(
            FailureName::ContainerNetworkingError,
            format!("the image {IMAGE} cannot be given to the engine ({cause}): look at its disk"),
        )
    };
    let program = program(architecture)
        .ok_or_else(|| cannot(format!("there is no holder for {architecture}")))?;
    let archive = archive(&program).map_err(|error| cannot(error.to_string()))?;
    let options = CreateImageOptions {
        from_src: Some("-".to_owned()),
        // With its tag: of one that is given beside it Podman takes no notice.
        repo: Some(IMAGE.to_owned()),
        ..CreateImageOptions::default()
    };
    let body = bollard::body_full(Bytes::from(archive));
    let imported = client.create_image(Some(options), Some(body), None);
    imported
        .try_for_each(|_| async { Ok(()) })
        .await
        .map_err(|error| cannot(words(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_machine_has_a_program_of_its_own() {
        for (architecture, machine) in [("x86_64", 62), ("arm64", 183)] {
            let bytes = program(architecture).unwrap();
            assert_eq!((bytes[18], bytes[19]), (machine, 0));
            assert_eq!(bytes.len() as u64, u64::from(bytes[96]));
        }
        assert_eq!(program("riscv64"), None);
    }

    /// The program of this machine, started as a process: it stays, and it takes no child of
    /// its own for granted, so that only a signal ends it.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_program_waits_until_it_is_killed() {
        use std::os::unix::fs::PermissionsExt as _;
        use std::os::unix::process::ExitStatusExt as _;

        let architecture = match std::env::consts::ARCH {
            "aarch64" => "arm64",
            other => other,
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hold");
        std::fs::write(&path, program(architecture).unwrap()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut child = std::process::Command::new(&path).spawn().unwrap();
        let status = format!("/proc/{}/status", child.id());
        let ignores_children = || {
            let text = std::fs::read_to_string(&status).unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix("SigIgn:"));
            let mask = u64::from_str_radix(line.unwrap().trim(), 16).unwrap();
            mask & (1 << 16) != 0
        };
        while !ignores_children() {
            assert_eq!(child.try_wait().unwrap(), None, "it has ended");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }
}
