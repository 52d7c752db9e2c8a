//! What every server needs of its place: the data directory with its disk, and a port.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Access, access, statvfs};
use store::{DataDirLock, LockError};

use super::check::Check;
use crate::config::Config;
use crate::data_dir::ServerFile;

pub(super) const MIB: u64 = 1024 * 1024;
/// With less free than this, images of usual size do not fit.
const DISK_WARNING_MIB: u64 = 2048;
/// With less, the server cannot be trusted to write its journal.
const DISK_MISSING_MIB: u64 = 64;

pub(super) fn checks(config: &Config, data_dir: &Path) -> Vec<Check> {
    let server = server(data_dir);
    vec![
        data_directory(data_dir, server.as_ref()),
        disk(data_dir),
        listen(config, server.as_ref()),
    ]
}

/// Who holds the data directory.
struct Holder {
    pid: Option<u32>,
    /// Where it serves, if that is known.
    url: Option<String>,
}

fn server(data_dir: &Path) -> Option<Holder> {
    let Err(LockError::Held { pid, .. }) = DataDirLock::look(data_dir) else {
        return None;
    };
    // A file that cannot be read says nothing, and one of another process is stale.
    let file = ServerFile::read(data_dir).ok().flatten();
    let file = file.filter(|file| Some(file.pid) == pid);
    Some(Holder {
        pid,
        url: file.map(|file| file.url),
    })
}

fn data_directory(data_dir: &Path, server: Option<&Holder>) -> Check {
    const SUBJECT: &str = "data directory";
    let path = data_dir.display();
    let Ok(found) = fs::metadata(data_dir) else {
        let existing = existing(data_dir);
        return match access(existing, Access::WRITE_OK | Access::EXEC_OK) {
            Ok(()) => Check::ok(SUBJECT, format!("{path}, made by the first command")),
            Err(error) => Check::missing(
                SUBJECT,
                &format!("{path} cannot be made: {error}; choose another --data-dir"),
            ),
        };
    };
    if let Err(error) = access(
        data_dir,
        Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK,
    ) {
        let sentence = format!(
            "{path} cannot be used: {error}; use sudo, as whoever made it, or another --data-dir"
        );
        return Check::missing(SUBJECT, &sentence);
    }
    let mode = found.mode() & 0o777;
    if mode & 0o077 != 0 {
        let found = format!("{path} has mode {mode:o}: it holds keys and logs");
        return Check::warning(SUBJECT, found, format!("chmod 700 {path}"));
    }
    Check::ok(SUBJECT, format!("{path}, {}", used_by(server)))
}

fn used_by(server: Option<&Holder>) -> String {
    let Some(Holder { pid, url }) = server else {
        return "free".to_owned();
    };
    let process = pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    );
    match url {
        Some(url) => format!("in use by {process}, which serves {url}"),
        None => format!("in use by {process}"),
    }
}

/// The folder itself, or the one in which it would be made.
fn existing(path: &Path) -> &Path {
    let mut all = path.ancestors();
    all.find(|one| one.exists()).unwrap_or(Path::new("/"))
}

fn disk(data_dir: &Path) -> Check {
    const SUBJECT: &str = "disk";
    match statvfs(existing(data_dir)) {
        Ok(disk) => of_disk(disk.f_bavail.saturating_mul(disk.f_frsize) / MIB),
        Err(error) => Check::missing(SUBJECT, &format!("its space is not known: {error}"))
            .or_remedy("choose another --data-dir"),
    }
}

fn of_disk(free_mib: u64) -> Check {
    const SUBJECT: &str = "disk";
    let found = format!("{free_mib} MiB are free for images, logs and state");
    if free_mib < DISK_MISSING_MIB {
        Check::missing(SUBJECT, &found)
            .or_remedy("free some space there, or choose another --data-dir")
    } else if free_mib < DISK_WARNING_MIB {
        Check::warning(SUBJECT, found, "choose a --data-dir on a larger disk")
    } else {
        Check::ok(SUBJECT, found)
    }
}

/// The address that `longshore up` listens on.
fn listen(config: &Config, server: Option<&Holder>) -> Check {
    const SUBJECT: &str = "port";
    let listen = &config.listen;
    let bound = config.addresses().map(|addresses| {
        let mut addresses = addresses.into_iter();
        addresses.try_for_each(|address| TcpListener::bind(address).map(drop))
    });
    match bound {
        Ok(Ok(())) => Check::ok(SUBJECT, format!("{listen} is free")),
        Ok(Err(error)) => taken(listen, server, &error),
        Err(error) => Check::missing(SUBJECT, &error.to_string()).or_remedy("change `listen`"),
    }
}

fn taken(listen: &str, server: Option<&Holder>, error: &io::Error) -> Check {
    const SUBJECT: &str = "port";
    let url = server.and_then(|server| server.url.as_deref());
    if url.is_some_and(|url| port(url) == port(listen)) {
        return Check::ok(SUBJECT, format!("{listen} is served by our own server"));
    }
    let remedy = "longshore up --listen 127.0.0.1:0, which takes a free one; `ss -ltnp` names the \
                  program that has this one";
    Check::warning(
        SUBJECT,
        format!("{listen} cannot be listened on: {error}"),
        remedy,
    )
}

fn port(address: &str) -> Option<&str> {
    address.rsplit_once(':').map(|(_, port)| port)
}

#[cfg(test)]
mod tests {
    use super::super::check::State;
    use super::*;

    #[test]
    fn little_space_is_a_warning_and_hardly_any_is_missing() {
        for (mib, state) in [
            (0, State::Missing),
            (63, State::Missing),
            (64, State::Warning),
            (2047, State::Warning),
            (2048, State::Ok),
        ] {
            let check = of_disk(mib);
            assert_eq!(check.state, state, "{mib}");
            assert_eq!(check.remedy.is_some(), state != State::Ok, "{mib}");
        }
    }

    #[test]
    fn a_directory_is_told_as_it_stands() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("a/b");
        let check = |state, words: &str| {
            let check = data_directory(&dir, server(&dir).as_ref());
            assert_eq!(check.state, state);
            assert!(check.found.contains(words), "{check:?}");
        };
        check(State::Ok, "made by the first command");
        assert!(!dir.exists());
        let lock = DataDirLock::acquire(&dir).unwrap();
        check(State::Ok, &format!("process {}", std::process::id()));
        drop(lock);
        check(State::Ok, "free");
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&dir, open).unwrap();
        check(State::Warning, "mode 755");
    }

    #[test]
    fn a_port_of_ours_is_no_trouble() {
        let error = || io::Error::from(io::ErrorKind::AddrInUse);
        let holder = |url: &str| Holder {
            pid: Some(1),
            url: Some(url.to_owned()),
        };
        let ours = holder("http://127.0.0.1:8327");
        let check = taken("127.0.0.1:8327", Some(&ours), &error());
        assert_eq!(check.state, State::Ok);
        let other = holder("http://127.0.0.1:40000");
        for server in [Some(&other), None] {
            let check = taken("127.0.0.1:8327", server, &error());
            assert_eq!(check.state, State::Warning);
            assert!(check.remedy.unwrap().contains("--listen"));
        }
    }
}
