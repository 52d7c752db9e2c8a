//! Importing, finding, removing, leases, a full disk, and a real overlay mount.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::thread;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use super::super::{ImageConfig, ImageError, ImageRecord, ImageStore, RegistryError, Source};
use super::archives::Item::{Dir, File};
use super::archives::{TestImage, gzip, layer, layout_of, members};
use super::folders::{TestStore, reference, require_root, store, text};

#[track_caller]
fn import(test: &TestStore, tar: &[u8], name: &str) -> ImageRecord {
    let config = ImageConfig {
        cmd: vec!["/bin/sh".to_owned()],
        ..ImageConfig::default()
    };
    let mut tar = tar;
    test.store
        .import(Source::Tar(&mut tar), &reference(name), config)
        .unwrap()
}

fn load(test: &TestStore, image: &TestImage, name: &str) {
    test.store
        .load(members(&layout_of(image, name)).as_slice())
        .unwrap();
}

#[test]
fn a_folder_is_imported_with_links_owners_and_attributes() {
    let (test, source) = (store(), tempfile::tempdir().unwrap());
    let at = |name: &str| source.path().join(name);
    fs::create_dir_all(at("bin")).unwrap();
    fs::write(at("bin/sh"), "sh").unwrap();
    fs::hard_link(at("bin/sh"), at("bin/ash")).unwrap();
    symlink("/bin/sh", at("shell")).unwrap();
    std::os::unix::fs::chown(at("bin/sh"), Some(3), Some(4)).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o4711);
    rustix::fs::chmod(at("bin/sh"), mode).unwrap();
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::lsetxattr(at("bin"), "user.note", b"a\nb", flags).unwrap();
    let long = format!("{}/{}", "d".repeat(120), "f".repeat(120));
    fs::create_dir(at(&"d".repeat(120))).unwrap();
    fs::write(at(&long), "long").unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();

    let config = ImageConfig::default();
    let first = test
        .store
        .import(Source::Dir(source.path()), &reference("a"), config.clone());
    let second = test
        .store
        .import(Source::Dir(source.path()), &reference("b"), config);
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!((&first.id, &first.digest), (&second.id, &None));
    let root = test.store.layer_paths(&second).remove(0);
    let sh = fs::metadata(root.join("bin/sh")).unwrap();
    assert_eq!(
        (sh.mode() & 0o7777, sh.uid(), sh.gid(), sh.nlink()),
        (0o4711, 3, 4, 2)
    );
    assert_eq!(
        fs::read_link(root.join("shell")).unwrap(),
        Path::new("/bin/sh")
    );
    assert_eq!(text(&root.join(long)), "long");
    let mut value = [0; 8];
    let length = rustix::fs::lgetxattr(root.join("bin"), "user.note", &mut value).unwrap();
    assert_eq!(&value[..length], b"a\nb");
    assert!(!root.join("socket").exists());
    test.assert_tidy();
}

#[test]
fn a_source_that_is_no_folder_is_named() {
    let test = store();
    for path in ["/no/such/folder", "/etc/passwd"] {
        let (source, name) = (Source::Dir(Path::new(path)), reference("a"));
        let error = test
            .store
            .import(source, &name, ImageConfig::default())
            .unwrap_err();
        assert!(matches!(error, ImageError::Source { .. }), "{error}");
        assert!(error.to_string().contains(path), "{error}");
    }
    test.assert_empty();
}

#[test]
fn a_truncated_root_file_system_is_refused() {
    let tar = layer(&[File("a", "a"), File("b", "b")]);
    let zipped = gzip(&tar);
    for bytes in [
        &tar[..1024],
        &tar[..1100],
        &zipped[..zipped.len() - 4],
        &b""[..],
    ] {
        let (test, mut source) = (store(), bytes);
        let source = Source::Tar(&mut source);
        let error = test
            .store
            .import(source, &reference("a"), ImageConfig::default());
        let error = error.unwrap_err();
        assert!(error.is_damage(), "{error}");
        test.assert_empty();
    }
}

#[test]
fn an_image_is_found_by_every_spelling() {
    let test = store();
    let record = import(&test, &gzip(&layer(&[File("a", "a")])), "busybox");
    assert_eq!(record.references, ["docker.io/library/busybox:latest"]);
    for name in [
        "busybox",
        "busybox:latest",
        "docker.io/library/busybox",
        "library/busybox",
    ] {
        assert_eq!(
            test.store.find(name).unwrap().as_ref(),
            Some(&record),
            "{name}"
        );
    }
    assert_eq!(test.store.find("busybox:2").unwrap(), None);
    assert_eq!(test.store.find("example.com/busybox").unwrap(), None);
    assert!(matches!(
        test.store.find("Bad Name"),
        Err(ImageError::Access(RegistryError::InvalidReference { .. }))
    ));
    let reopened = ImageStore::open(&test.folder.path().join("images")).unwrap();
    assert_eq!(reopened.list().unwrap(), [record]);
}

/// Finding must stay far below a millisecond, however many images there are.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "measures how long a look-up takes"
)]
fn finding_an_image_is_quick() {
    let test = store();
    for number in 0..50 {
        let image = TestImage::new(&[layer(&[File("a", &number.to_string())])]);
        load(&test, &image, &format!("app:{number}"));
    }
    let quickest = (0..50)
        .map(|number| {
            let start = std::time::Instant::now();
            assert!(test.store.find(&format!("app:{number}")).unwrap().is_some());
            start.elapsed()
        })
        .min();
    assert!(
        quickest.unwrap() < std::time::Duration::from_millis(1),
        "{quickest:?}"
    );
}

#[test]
fn a_name_that_moves_leaves_its_old_image_without_one() {
    let test = store();
    let old = import(&test, &layer(&[File("a", "old")]), "app");
    let new = import(&test, &layer(&[File("a", "new")]), "app");
    assert_eq!(test.store.list().unwrap(), [new]);
    assert_eq!(test.store.find(&old.id).unwrap(), None);
    assert_eq!(test.layers(), 1);
}

#[test]
fn removing_the_last_name_deletes_image_and_layers() {
    let test = store();
    let shared = layer(&[File("base", "base")]);
    let first = TestImage::new(&[shared.clone(), layer(&[File("a", "a")])]);
    load(&test, &first, "first:1");
    load(&test, &first, "first:2");
    load(&test, &TestImage::new(&[shared]), "second:1");
    assert_eq!(test.layers(), 2);

    let removed = test.store.remove("first:1").unwrap();
    assert_eq!(removed.untagged, ["docker.io/library/first:1"]);
    assert_eq!((removed.deleted, test.layers()), (None, 2));
    let removed = test.store.remove("first:2").unwrap();
    assert_eq!((removed.deleted, test.layers()), (Some(first.id()), 1));
    let id = test.store.find("second:1").unwrap().unwrap().id;
    assert_eq!(test.store.remove(&id[7..20]).unwrap().deleted, Some(id));
    test.assert_empty();
    let missing = test.store.remove("second:1").unwrap_err();
    assert!(matches!(missing, ImageError::NotFound { .. }), "{missing}");
}

#[test]
fn leased_layers_stay_until_they_are_released() {
    let test = store();
    let record = import(&test, &layer(&[File("a", "a")]), "app");
    let root = test.store.layer_paths(&record).remove(0);
    test.store.lease("container-1", &record.layers).unwrap();
    test.store.lease("container-2", &record.layers).unwrap();
    test.store.remove("app").unwrap();
    assert_eq!(test.store.find("app").unwrap(), None);
    test.store.release("container-1").unwrap();
    let reopened = ImageStore::open(&test.folder.path().join("images")).unwrap();
    assert_eq!(text(&root.join("a")), "a");
    reopened.release("container-2").unwrap();
    reopened.release("container-2").unwrap();
    test.assert_empty();
    let gone = test.store.lease("container-3", &record.layers).unwrap_err();
    assert!(matches!(gone, ImageError::LayerMissing { .. }), "{gone}");
    for holder in ["", "../x", "a/b", ".x"] {
        let error = test.store.lease(holder, &[]).unwrap_err();
        assert!(matches!(error, ImageError::Holder { .. }), "{error}");
    }
}

#[test]
fn what_a_crash_left_is_deleted_at_the_next_start() {
    let test = store();
    let record = import(&test, &layer(&[File("a", "a")]), "app");
    let images = test.folder.path().join("images");
    fs::create_dir_all(images.join("tmp/half/fs")).unwrap();
    fs::create_dir_all(images.join("layers").join("0".repeat(64)).join("fs")).unwrap();
    let reopened = ImageStore::open(&images).unwrap();
    assert_eq!((reopened.list().unwrap(), test.layers()), (vec![record], 1));
    test.assert_tidy();
}

/// Runs in a thread with mounts of its own, which vanish with it.
fn with_own_mounts(work: impl FnOnce() + Send + 'static) {
    require_root();
    let done = thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNS).unwrap();
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>).unwrap();
        work();
    });
    done.join().unwrap();
}

#[test]
fn a_full_disk_is_told_with_what_to_free() {
    with_own_mounts(|| {
        let folder = tempfile::tempdir().unwrap();
        let (kind, size) = (Some("tmpfs"), Some("size=256k"));
        mount(kind, folder.path(), kind, MsFlags::empty(), size).unwrap();
        let store = ImageStore::open(&folder.path().join("images")).unwrap();
        let tar = layer(&[File("big", &"x".repeat(1 << 20))]);
        let config = ImageConfig::default();
        let error = store.import(Source::Tar(&mut tar.as_slice()), &reference("a"), config);
        let text = error.unwrap_err().to_string();
        assert!(
            text.contains("is full") && text.contains("longshore image rm"),
            "{text}"
        );
        assert_eq!(
            fs::read_dir(folder.path().join("images/tmp"))
                .unwrap()
                .count(),
            0
        );
        let archive = members(&layout_of(&TestImage::new(&[tar]), "app"));
        let error = store.load(archive.as_slice()).unwrap_err();
        assert!(matches!(error, ImageError::DiskFull { .. }), "{error}");
        nix::mount::umount(folder.path()).unwrap();
    });
}

#[test]
fn an_overlay_of_the_layers_shows_the_image() {
    with_own_mounts(|| {
        let test = store();
        let image = TestImage::new(&[
            layer(&[
                File("gone", "x"),
                Dir("dir"),
                File("dir/old", "x"),
                File("kept", "kept"),
            ]),
            layer(&[
                File(".wh.gone", ""),
                Dir("dir"),
                File("dir/.wh..wh..opq", ""),
            ]),
            layer(&[File("dir/new", "new")]),
        ]);
        load(&test, &image, "app");
        let record = test.store.find("app").unwrap().unwrap();
        let mut paths = test.store.layer_paths(&record);
        paths.reverse();
        let paths: Vec<String> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let (target, kind) = (test.folder.path().join("root"), Some("overlay"));
        fs::create_dir(&target).unwrap();
        let options = format!("lowerdir={}", paths.join(":"));
        mount(
            kind,
            &target,
            kind,
            MsFlags::empty(),
            Some(options.as_str()),
        )
        .unwrap();
        assert!(!target.join("gone").exists());
        assert!(!target.join("dir/old").exists());
        assert_eq!(text(&target.join("dir/new")), "new");
        assert_eq!(text(&target.join("kept")), "kept");
        nix::mount::umount(&target).unwrap();
    });
}

#[test]
fn a_layer_with_an_opaque_root_hides_all_below() {
    let test = store();
    let bottom = layer(&[File("a", "a")]);
    let image = TestImage::new(&[bottom, layer(&[File(".wh..wh..opq", ""), File("b", "b")])]);
    load(&test, &image, "app");
    let record = test.store.find("app").unwrap().unwrap();
    let paths = test.store.layer_paths(&record);
    assert_eq!((paths.len(), text(&paths[0].join("b")).as_str()), (1, "b"));
}
