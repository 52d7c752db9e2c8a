//! Unpacking one layer: what is kept, what overlayfs needs, what is refused.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tar::{Builder, EntryType};
use tempfile::TempDir;

use super::super::ImageError;
use super::super::unpack::{Limits, unpack};
use super::archives::Item::{Char, Dir, File, Hard, Symlink};
use super::archives::{Item, header, layer};
use super::folders::{require_root, text};

struct Unpacked {
    _folder: TempDir,
    root: PathBuf,
}

impl Unpacked {
    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    #[track_caller]
    fn whiteout(&self, path: &str) {
        let metadata = fs::symlink_metadata(self.at(path)).unwrap();
        assert!(metadata.file_type().is_char_device(), "{path} is no device");
        assert_eq!(metadata.rdev(), 0, "{path} is another device");
    }

    fn attribute(&self, path: &str, name: &str) -> Option<Vec<u8>> {
        let mut value = vec![0; 64];
        let length = rustix::fs::lgetxattr(self.at(path), name, &mut value).ok()?;
        value.truncate(length);
        Some(value)
    }

    fn opaque(&self, path: &str) -> bool {
        self.attribute(path, "trusted.overlay.opaque").as_deref() == Some(b"y")
    }
}

#[track_caller]
fn try_unpack(tar: &[u8], limits: Limits) -> Result<Unpacked, ImageError> {
    require_root();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("layer");
    unpack(tar, &root, limits)?;
    Ok(Unpacked {
        _folder: folder,
        root,
    })
}

#[track_caller]
fn unpacked(items: &[Item<'_>]) -> Unpacked {
    try_unpack(&layer(items), Limits::default()).unwrap()
}

#[track_caller]
fn refused(items: &[Item<'_>], word: &str) {
    let error = try_unpack(&layer(items), Limits::default())
        .err()
        .expect("it was unpacked");
    assert!(matches!(error, ImageError::PathOutside { .. }), "{error}");
    assert!(error.to_string().contains(word), "{error}");
}

#[test]
fn owners_modes_times_and_links_are_kept() {
    let mut archive = Builder::new(Vec::new());
    let mut file = header(EntryType::Regular, "bin/su", 2);
    file.set_mode(0o4755);
    file.set_uid(12);
    file.set_gid(34);
    file.set_cksum();
    archive.append(&file, &b"su"[..]).unwrap();
    let mut folder = header(EntryType::Directory, "bin/", 0);
    folder.set_mode(0o1777);
    folder.set_mtime(1_600_000_000);
    folder.set_cksum();
    archive.append(&folder, &b""[..]).unwrap();
    let rest = layer(&[
        Hard("bin/sudo", "bin/su"),
        Symlink("etc", "/no/where"),
        Char("null", 1, 3),
    ]);
    let mut tar = archive.into_inner().unwrap();
    tar.truncate(tar.len() - 1024); // Without the end mark, to go on.
    tar.extend(rest);
    let made = try_unpack(&tar, Limits::default()).unwrap();

    let su = fs::metadata(made.at("bin/su")).unwrap();
    assert_eq!((su.mode() & 0o7777, su.uid(), su.gid()), (0o4755, 12, 34));
    assert_eq!((su.mtime(), su.nlink()), (1_700_000_000, 2));
    assert_eq!(fs::metadata(made.at("bin/sudo")).unwrap().ino(), su.ino());
    let bin = fs::metadata(made.at("bin")).unwrap();
    assert_eq!((bin.mode() & 0o7777, bin.mtime()), (0o1777, 1_600_000_000));
    assert_eq!(
        fs::read_link(made.at("etc")).unwrap(),
        Path::new("/no/where")
    );
    let null = fs::metadata(made.at("null")).unwrap();
    assert_eq!(null.rdev(), rustix::fs::makedev(1, 3));
}

#[test]
fn attributes_with_newlines_are_kept_and_those_of_the_host_are_not() {
    let mut archive = Builder::new(Vec::new());
    // A capability set as the kernel stores it, with a newline among its bytes.
    let capability = b"\x01\0\0\x02\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let records: [(&str, &[u8]); 3] = [
        ("SCHILY.xattr.security.capability", capability),
        ("SCHILY.xattr.trusted.overlay.opaque", b"y"),
        ("path", b"ping"),
    ];
    archive.append_pax_extensions(records).unwrap();
    archive
        .append(&header(EntryType::Regular, "short", 0), &b""[..])
        .unwrap();
    let made = try_unpack(&archive.into_inner().unwrap(), Limits::default()).unwrap();
    assert_eq!(
        made.attribute("ping", "security.capability").as_deref(),
        Some(&capability[..])
    );
    assert!(!made.opaque("ping"));
}

#[test]
fn whiteouts_become_what_overlayfs_reads() {
    let made = unpacked(&[
        Dir("etc/"),
        File("etc/.wh.passwd", ""),
        Dir("var/"),
        File("var/.wh..wh..opq", ""),
        File("var/new", "new"),
        File(".wh..wh.plnk", ""),
        File("opt/.wh.gone", ""),
    ]);
    made.whiteout("etc/passwd");
    made.whiteout("opt/gone");
    assert!(made.opaque("var") && !made.opaque("etc"));
    assert_eq!(text(&made.at("var/new")), "new");
    assert_eq!(fs::read_dir(&made.root).unwrap().count(), 3);
}

#[test]
fn whiteouts_hide_lower_layers_only() {
    let made = unpacked(&[
        File("a", "kept"),
        File(".wh.a", ""),
        Dir("b"),
        File("b/x", "kept"),
        File(".wh.b", ""),
        File(".wh.c", ""),
        Dir("c"),
        File(".wh.d", ""),
        File("d/x", "kept"),
        File(".wh.e", ""),
        File("e", "kept"),
    ]);
    assert_eq!(text(&made.at("a")), "kept");
    assert_eq!(text(&made.at("b/x")), "kept");
    assert_eq!(text(&made.at("d/x")), "kept");
    assert_eq!(text(&made.at("e")), "kept");
    assert!(made.opaque("b") && made.opaque("c") && made.opaque("d"));
}

#[test]
fn links_inside_the_layer_are_followed_as_inside_the_container() {
    let made = unpacked(&[
        Dir("usr/lib"),
        Symlink("lib", "usr/lib"),
        File("lib/a", "1"),
        Dir("run"),
        Symlink("var/run", "/run"),
        File("var/run/pid", "2"),
        Symlink("usr/up", "../run"),
        File("usr/up/x", "3"),
    ]);
    assert_eq!(text(&made.at("usr/lib/a")), "1");
    assert_eq!(text(&made.at("run/pid")), "2");
    assert_eq!(text(&made.at("run/x")), "3");
}

#[test]
fn later_entries_replace_earlier_ones() {
    let made = unpacked(&[
        File("a", "1"),
        Dir("a"),
        File("a/x", "2"),
        Dir("b"),
        File("b/x", "1"),
        File("b", "2"),
        Symlink("c", "a/x"),
        File("c", "3"),
        File("d", "1"),
        Hard("d", "d"),
    ]);
    assert_eq!(text(&made.at("a/x")), "2");
    assert_eq!(text(&made.at("b")), "2");
    assert_eq!(text(&made.at("c")), "3");
    assert_eq!(text(&made.at("d")), "1");
}

#[test]
fn a_path_with_dots_is_refused() {
    refused(&[File("../evil", "x")], "`..`");
    refused(&[Dir("a"), File("a/../../evil", "x")], "`..`");
    refused(&[Dir("a/..")], "`..`");
}

#[test]
fn an_absolute_path_is_refused() {
    refused(&[File("/etc/evil", "x")], "absolute");
    assert!(fs::metadata("/etc/evil").is_err());
    unpacked(&[Dir("/"), Dir("./"), File("./a", "")]);
}

#[test]
fn a_path_through_a_link_out_of_the_layer_is_refused() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().to_str().unwrap();
    refused(&[Symlink("a", target), File("a/evil", "x")], "`a/evil`");
    refused(
        &[Symlink("a", "../.."), File("a/evil", "x")],
        "above the root",
    );
    refused(
        &[Symlink("a", "b"), Symlink("b", "a"), File("a/evil", "x")],
        "links",
    );
    refused(
        &[Symlink("a", target), File("a/.wh.evil", "")],
        "`a/.wh.evil`",
    );
    refused(&[Symlink("a", target), Dir("a/evil")], "`a/evil`");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn a_hard_link_to_a_file_outside_is_refused() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().to_str().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    refused(&[Hard("a", "/etc/passwd")], "absolute");
    refused(&[Hard("a", "../../etc/passwd")], "`..`");
    refused(
        &[Symlink("l", target), Hard("a", "l/secret")],
        "out of the layer",
    );
    let missing = try_unpack(&layer(&[Hard("a", "b")]), Limits::default()).err();
    assert!(
        matches!(missing, Some(ImageError::Corrupt { .. })),
        "{missing:?}"
    );
}

#[test]
fn too_many_entries_are_refused() {
    let items: Vec<String> = (0..11).map(|number| format!("f{number}")).collect();
    let items: Vec<Item<'_>> = items.iter().map(|name| File(name, "")).collect();
    let limits = Limits {
        entries: 10,
        ..Limits::default()
    };
    let error = try_unpack(&layer(&items), limits).err();
    assert!(
        matches!(error, Some(ImageError::TooManyEntries { limit: 10 })),
        "{error:?}"
    );
}

#[test]
fn too_many_bytes_are_refused() {
    let limits = Limits {
        bytes: 10,
        ..Limits::default()
    };
    let error = try_unpack(&layer(&[File("a", "12345"), File("b", "123456")]), limits).err();
    assert!(
        matches!(error, Some(ImageError::TooLarge { limit: 10, .. })),
        "{error:?}"
    );
}

#[test]
fn headers_of_any_size_are_not_read_into_memory() {
    let mut archive = Builder::new(Vec::new());
    let name = vec![b'a'; 5 << 20];
    let mut long = header(EntryType::GNULongName, "././@LongLink", name.len() as u64);
    long.as_gnu_mut();
    archive.append(&long, name.as_slice()).unwrap();
    archive
        .append(&header(EntryType::Regular, "a", 0), &b""[..])
        .unwrap();
    let error = try_unpack(&archive.into_inner().unwrap(), Limits::default()).err();
    assert!(
        error
            .as_ref()
            .is_some_and(|e| e.to_string().contains("4 MiB")),
        "{error:?}"
    );
}

#[test]
fn a_file_that_ends_too_early_is_refused() {
    let tar = layer(&[File("a", &"x".repeat(2000))]);
    let error = try_unpack(&tar[..1500], Limits::default()).err();
    assert!(
        matches!(error, Some(ImageError::Truncated { .. })),
        "{error:?}"
    );
}

fn name() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => Just("a"), 4 => Just("b"), 2 => Just(".."), 1 => Just("."), 1 => Just(""),
        1 => Just(".wh.a"), 1 => Just(".wh..wh..opq"), 1 => Just("outside"),
    ];
    proptest::collection::vec(part, 1..5).prop_map(|parts| parts.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever an archive says, nothing appears or changes beside its folder.
    #[test]
    fn nothing_is_written_outside(
        entries in proptest::collection::vec((0..5_u8, name(), name()), 1..12)
    ) {
        require_root();
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("a"), "untouched").unwrap();
        let absolute = |name: &String| format!("{}/{name}", folder.path().display());
        let targets: Vec<String> = entries.iter().map(|(_, _, target)| absolute(target)).collect();
        let items: Vec<Item<'_>> = entries
            .iter()
            .zip(&targets)
            .map(|((kind, name, target), absolute)| match kind {
                0 => Dir(name),
                1 => File(name, "changed"),
                2 => Symlink(name, target),
                3 => Symlink(name, absolute),
                _ => Hard(name, target),
            })
            .collect();
        drop(unpack(layer(&items).as_slice(), &folder.path().join("layer"), Limits::default()));
        prop_assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        prop_assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
        prop_assert_eq!(text(&outside.join("a")), "untouched");
        prop_assert_eq!(fs::metadata(outside.join("a")).unwrap().nlink(), 1);
    }
}
