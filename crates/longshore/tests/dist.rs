//! The ways to get Longshore that `cargo xtask dist` makes, taken as their users take them: the
//! archive unpacked, the package installed, the image loaded and run.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expected by failing"
)]

#[allow(dead_code, reason = "some of it is for other tests")]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;

use support::{LONGSHORE, Place, entries, text};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a program prints on standard output; it must succeed.
#[track_caller]
fn answer(program: impl AsRef<Path>, words: &[&str]) -> String {
    let done = Command::new(program.as_ref())
        .args(words)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", program.as_ref().display()));
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{words:?}: {told}");
    String::from_utf8(done.stdout).unwrap()
}

/// Made once for all tests, from this build without what only debuggers read.
struct Dist {
    _folder: TempDir,
    path: PathBuf,
}

impl Dist {
    fn made() -> &'static Self {
        static MADE: OnceLock<Dist> = OnceLock::new();
        MADE.get_or_init(Self::make)
    }

    fn make() -> Self {
        let folder = tempfile::Builder::new().prefix("ls-").tempdir().unwrap();
        let binary = folder.path().join("longshore");
        answer("strip", &["-o", &text(&binary), LONGSHORE]);
        let path = folder.path().join("dist");
        Self::at(&binary, &path);
        Self {
            _folder: folder,
            path,
        }
    }

    fn at(binary: &Path, path: &Path) {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["xtask", "dist", "--binary"]).arg(binary);
        cargo.arg("--out").arg(path);
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        let done = cargo.stdin(Stdio::null()).output().unwrap();
        let told = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{told}");
    }

    /// The one file whose name ends so.
    #[track_caller]
    fn file(&self, end: &str) -> PathBuf {
        let names = entries(&self.path);
        let name = names.iter().find(|name| name.ends_with(end));
        self.path
            .join(name.unwrap_or_else(|| panic!("no {end} in {names:?}")))
    }

    /// The package, unpacked as `dpkg` does.
    fn installed(&self, place: &Place) -> PathBuf {
        let root = place.path("installed");
        let words = ["--extract", &text(&self.file(".deb")), &text(&root)];
        answer("dpkg-deb", &words);
        root
    }
}

#[test]
fn the_sums_are_right_and_name_every_file() {
    let dist = Dist::made();
    let mut check = Command::new("sha256sum");
    let check = check.args(["--check", "--strict", "SHA256SUMS"]);
    assert!(check.current_dir(&dist.path).status().unwrap().success());
    let sums = fs::read_to_string(dist.file("SHA256SUMS")).unwrap();
    let named: BTreeSet<&str> = sums.lines().map(|line| &line[66..]).collect();
    let there = entries(&dist.path);
    let there = there.iter().map(String::as_str);
    let there: BTreeSet<&str> = there.filter(|&name| name != "SHA256SUMS").collect();
    assert_eq!(named, there);
    assert_eq!(there.len(), 4);
}

#[test]
fn the_archive_is_unpacked_and_runs() {
    let (dist, place) = (Dist::made(), Place::new());
    let archive = dist.file("-linux.tar.gz");
    let folder = text(&place.path(""));
    answer("tar", &["-xzf", &text(&archive), "-C", &folder]);
    let name = archive.file_name().unwrap().to_str().unwrap();
    let root = place.path(name.strip_suffix(".tar.gz").unwrap());
    let version = answer(root.join("longshore"), &["--version"]);
    assert_eq!(version, format!("longshore {VERSION}\n"));
    for path in [
        "LICENSE",
        "NOTICE",
        "README.md",
        "completions/_longshore",
        "completions/longshore.bash",
        "completions/longshore.fish",
        "docs/CONFIGURATION.md",
        "examples/compose.yaml",
        "examples/migrate.json",
        "man/longshore-run.1",
        "packaging/longshore.service",
    ] {
        let size = fs::metadata(root.join(path)).map(|found| found.len());
        assert!(size.is_ok_and(|size| size > 0), "{path}");
    }
}

#[test]
fn the_package_says_what_it_needs_and_what_belongs_to_the_operator() {
    let (dist, place) = (Dist::made(), Place::new());
    let package = text(&dist.file(".deb"));
    let field = |name| answer("dpkg-deb", &["--field", &package, name]);
    assert_eq!(field("Package"), "longshore\n");
    assert_eq!(field("Version"), format!("{VERSION}\n"));
    let depends = field("Depends");
    assert!(depends.starts_with("libc6 (>= 2."), "{depends}");
    let control = place.path("control");
    answer("dpkg-deb", &["--control", &package, &text(&control)]);
    let conffiles = fs::read_to_string(control.join("conffiles")).unwrap();
    assert_eq!(conffiles, "/etc/longshore/config.toml\n");
    for script in ["postinst", "prerm", "postrm"] {
        answer("sh", &["-n", &text(&control.join(script))]);
        let said = fs::read_to_string(control.join(script)).unwrap();
        let starts = |verb| said.contains(&format!("systemctl {verb}"));
        assert!(!starts("enable") && !starts("start"), "{said}");
    }
}

/// With a database of packages of its own, so that nothing of this machine changes.
#[test]
fn the_package_is_installed_and_removed() {
    let (dist, place) = (Dist::made(), Place::new());
    let root = place.path("root");
    for folder in ["var/lib/dpkg/info", "var/lib/dpkg/updates"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    let at = format!("--root={}", root.display());
    // Its scripts would need a shell in there, and its libraries are this machine's.
    let words = [&at, "--force-depends", "--force-script-chrootless"];
    let dpkg = |more: &[&str]| answer("dpkg", &[&words[..], more].concat());
    dpkg(&["--install", &text(&dist.file(".deb"))]);
    let version = answer(root.join("usr/bin/longshore"), &["--version"]);
    assert_eq!(version, format!("longshore {VERSION}\n"));
    let settings = root.join("etc/longshore/config.toml");
    let told = answer(
        root.join("usr/bin/longshore"),
        &["--config", &text(&settings), "config"],
    );
    assert!(told.contains("listen = \"127.0.0.1:8327\""), "{told}");
    fs::write(&settings, "region = \"eu-west-1\"\n").unwrap();
    dpkg(&["--remove", "longshore"]);
    assert!(!root.join("usr/bin/longshore").exists());
    assert!(settings.exists(), "the operator's own settings stay");
}

#[test]
fn the_unit_is_one_that_systemd_takes() {
    let (dist, place) = (Dist::made(), Place::new());
    let root = dist.installed(&place);
    let unit = root.join("usr/lib/systemd/system/longshore.service");
    let unit = fs::read_to_string(unit).unwrap();
    for line in [
        "ExecStart=/usr/bin/longshore up",
        "KillMode=process",
        "Delegate=yes",
        "Environment=LONGSHORE_CONFIG=/etc/longshore/config.toml",
    ] {
        assert!(unit.lines().any(|one| one == line), "{line}");
    }
    // It is looked for where the unit says, and is not installed on this machine.
    let here = unit.replace("/usr/bin/longshore", LONGSHORE);
    let file = place.file("longshore.service", here);
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no", &file])
        .output();
    // Not every machine has it.
    if let Ok(verified) = verified {
        let told = String::from_utf8_lossy(&verified.stderr);
        assert!(!told.contains("longshore.service"), "{told}");
        assert!(verified.status.success(), "{told}");
    }
}

#[test]
fn the_image_is_loaded_and_runs() {
    let (dist, place) = (Dist::made(), Place::new());
    let loaded = place.run(&["image", "load", &text(&dist.file(".oci.tar"))]);
    let name = format!("docker.io/library/longshore:{VERSION}");
    assert_eq!(loaded.succeeded().out, format!("loaded {name}\n"));
    let run = |words: &[&str]| {
        let definition = json!({
            "family": "longshore", "networkMode": "none",
            "containerDefinitions": [{
                "name": "app", "image": format!("longshore:{VERSION}"), "memory": 256,
                "command": words,
            }],
        });
        let file = place.file("longshore.json", definition.to_string());
        place.run(&["run", &file]).succeeded().out
    };
    assert_eq!(run(&["--version"]), format!("longshore {VERSION}\n"));
    let settings = run(&["config"]);
    for line in ["listen = \"0.0.0.0:8327\"", "driver = \"docker\""] {
        assert!(settings.lines().any(|one| one == line), "{settings}");
    }
    place.assert_nothing_left();
}

#[test]
fn the_bill_of_materials_names_what_is_linked() {
    let dist = Dist::made();
    let text = fs::read_to_string(dist.file(".cdx.json")).unwrap();
    assert!(!text.contains("://"), "an address of a registry");
    let bill: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(bill["bomFormat"], "CycloneDX");
    let components = bill["components"].as_array().unwrap();
    let names = components.iter().filter_map(|one| one["name"].as_str());
    let names: BTreeSet<&str> = names.collect();
    for linked in [
        "tokio",
        "libcontainer",
        "libseccomp",
        "libelf",
        "zlib",
        "ring",
    ] {
        assert!(names.contains(linked), "{linked}");
    }
    for other in ["proptest", "bench", "xtask"] {
        assert!(!names.contains(other), "{other}");
    }
    for component in components {
        assert!(component["version"].is_string(), "{component}");
        assert!(component["licenses"][0].is_object(), "{component}");
    }
}

#[test]
fn the_same_is_made_each_time() {
    let (dist, place) = (Dist::made(), Place::new());
    let again = place.path("again");
    let binary = dist.path.parent().unwrap().join("longshore");
    Dist::at(&binary, &again);
    let sums = |folder: &Path| fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    assert_eq!(sums(&dist.path), sums(&again));
}
