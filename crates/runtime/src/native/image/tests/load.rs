//! Loading image archives of every form, and broken ones.

use serde_json::json;

use super::super::record::HOST_ARCHITECTURE;
use super::super::{ImageError, ImageRecord};
use super::archives::Item::{Dir, File};
use super::archives::{
    TestImage, digest, entry, gzip, index, layer, layout_members, layout_of, members, saved,
};
use super::folders::{TestStore, store, text};

/// The architecture this host does not have.
const OTHER: &str = if cfg!(target_arch = "x86_64") {
    "arm64"
} else {
    "amd64"
};

fn image() -> TestImage {
    TestImage::new(&[
        layer(&[Dir("bin"), File("bin/app", "app"), File("old", "old")]),
        layer(&[File(".wh.old", ""), File("new", "new")]),
    ])
}

/// Loads, and checks what every form of [`image`] must give.
#[track_caller]
fn check(archive: &[u8], id: &str, has_digest: bool) -> (TestStore, ImageRecord) {
    let test = store();
    let loaded = test.store.load(archive).unwrap();
    assert_eq!(loaded.len(), 1);
    let record = test
        .store
        .find("app:1")
        .unwrap()
        .expect("not found by name");
    assert_eq!(
        (record.id.as_str(), record.digest.is_some()),
        (id, has_digest)
    );
    assert_eq!(
        (&record.config.cmd[..], record.stop_signal()),
        (&["/bin/app".to_owned()][..], 3)
    );
    assert_eq!(record.created_at.as_deref(), Some("2026-01-02T03:04:05Z"));
    assert_eq!(record.size_bytes, 9);
    record.check_architecture("app:1").unwrap();
    let layers = test.store.layer_paths(&record);
    assert_eq!(layers.len(), 2);
    assert_eq!(text(&layers[0].join("bin/app")), "app");
    assert_eq!(text(&layers[1].join("new")), "new");
    test.assert_tidy();
    (test, record)
}

#[track_caller]
fn refused(archive: &[u8]) -> ImageError {
    let test = store();
    let error = test.store.load(archive).unwrap_err();
    test.assert_empty();
    error
}

#[test]
fn an_oci_layout_is_loaded() {
    let image = image();
    let (test, record) = check(&members(&layout_of(&image, "app:1")), &image.id(), true);
    let digest = digest(&image.manifest());
    assert_eq!(record.digest.as_ref(), Some(&digest));
    let by_digest = test.store.find(&format!("app@{digest}")).unwrap();
    assert_eq!(by_digest, Some(record));
}

#[test]
fn a_docker_archive_is_loaded() {
    let image = image();
    check(
        &members(&saved(&image, &["app:1", "other:2"])),
        &image.id(),
        false,
    );
    check(
        &gzip(&members(&saved(&image, &["app:1"]))),
        &image.id(),
        false,
    );
}

#[test]
fn linked_layers_of_a_docker_archive_are_found() {
    let image = image();
    let mut files = saved(&image, &["app:1"]);
    let position = files
        .iter()
        .position(|(name, _)| name == "1/layer.tar")
        .unwrap();
    let (_, content) = files.remove(position);
    files.push(("real/layer.tar".to_owned(), content));
    let mut archive = tar::Builder::new(members(&files));
    let mut written = archive.get_mut().len();
    written -= 1024;
    archive.get_mut().truncate(written);
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    archive
        .append_link(&mut header, "1/layer.tar", "../real/layer.tar")
        .unwrap();
    check(&archive.into_inner().unwrap(), &image.id(), false);
}

#[test]
fn gzip_of_several_members_is_read_to_its_end() {
    let parts = |bytes: &[u8]| {
        let (first, second) = bytes.split_at(bytes.len() / 2);
        [gzip(first), gzip(second)].concat()
    };
    let image = image().packed("+gzip", parts);
    check(&members(&layout_of(&image, "app:1")), &image.id(), true);
}

#[test]
fn zstd_layers_are_loaded() {
    let image = image().packed("+zstd", |bytes| zstd::encode_all(bytes, 1).unwrap());
    check(&members(&layout_of(&image, "app:1")), &image.id(), true);
}

#[test]
fn of_several_platforms_this_hosts_is_taken() {
    let (mine, other) = (image(), TestImage::for_architecture(&[layer(&[])], OTHER));
    let (mine_manifest, other_manifest) = (mine.manifest(), other.manifest());
    let attestation = json!({
        "digest": digest(b"none"), "size": 4, "mediaType": "application/json",
        "platform": { "os": "unknown", "architecture": "unknown" },
    });
    let list = index(&[
        attestation,
        entry(&other_manifest, Some(OTHER), None),
        entry(&mine_manifest, Some(HOST_ARCHITECTURE), None),
    ]);
    let top = index(&[entry(&list, None, Some("app:1"))]);
    let mut blobs = mine.blobs();
    blobs.extend([mine_manifest, other_manifest, list.clone()]);
    let (test, _) = check(&members(&layout_members(top, &blobs)), &mine.id(), true);
    assert!(
        test.store
            .find(&format!("app@{}", digest(&list)))
            .unwrap()
            .is_some()
    );
}

#[test]
fn only_other_platforms_are_refused_by_name() {
    let other = TestImage::for_architecture(&[layer(&[])], OTHER).manifest();
    let list = index(&[
        entry(&other, Some(OTHER), None),
        entry(&other, Some("s390x"), None),
    ]);
    let top = index(&[entry(&list, None, Some("app:1"))]);
    let error = refused(&members(&layout_members(top, &[list, other]))).to_string();
    let parts = [
        "app:1",
        &format!("linux/{OTHER}, linux/s390x"),
        HOST_ARCHITECTURE,
    ];
    assert!(parts.iter().all(|part| error.contains(part)), "{error}");
}

#[test]
fn a_wrong_architecture_is_told_with_both_names() {
    let test = store();
    let image = TestImage::for_architecture(&[layer(&[])], OTHER);
    test.store
        .load(members(&layout_of(&image, "app:1")).as_slice())
        .unwrap();
    let record = test.store.find("app:1").unwrap().unwrap();
    let error = record.check_architecture("app:1").unwrap_err();
    let expected = format!("image app:1 is for {OTHER}, this host is {HOST_ARCHITECTURE}");
    assert!(error.to_string().starts_with(&expected), "{error}");
    assert!(
        error
            .to_failure()
            .to_string()
            .starts_with("CannotPullContainerError: image app:1")
    );
}

#[test]
fn a_corrupt_layer_is_refused() {
    let image = image().packed("+gzip", gzip);
    let mut files = layout_of(&image, "app:1");
    let (blob, _) = &image.layers[1];
    let member = files
        .iter_mut()
        .find(|(_, content)| content == blob)
        .unwrap();
    let middle = member.1.len() / 2;
    member.1[middle] ^= 0x55;
    let error = refused(&members(&files));
    assert!(
        matches!(error, ImageError::DigestMismatch { .. }),
        "{error}"
    );
    assert!(error.to_string().contains(&digest(blob)), "{error}");
}

#[test]
fn a_layer_that_is_not_the_configurations_is_refused() {
    let mut image = image();
    image.layers[1].0 = layer(&[File("other", "other")]);
    for files in [layout_of(&image, "app:1"), saved(&image, &["app:1"])] {
        let error = refused(&members(&files));
        assert!(
            matches!(error, ImageError::DigestMismatch { .. }),
            "{error}"
        );
    }
}

#[test]
fn a_truncated_archive_is_refused() {
    let archive = members(&layout_of(&image(), "app:1"));
    let zipped = gzip(&archive);
    for bytes in [
        &archive[..archive.len() / 2],
        &archive[..700],
        &zipped[..zipped.len() / 2],
    ] {
        let error = refused(bytes);
        assert!(error.is_damage(), "{error}");
        assert!(error.to_string().contains("archive"), "{error}");
    }
}

#[test]
fn a_missing_blob_is_named() {
    let mut files = layout_of(&image(), "app:1");
    files.pop();
    let error = refused(&members(&files)).to_string();
    assert!(
        error.contains("blobs/sha256/") && error.contains("missing"),
        "{error}"
    );
}

#[test]
fn what_is_no_image_archive_is_refused() {
    let root_file_system = layer(&[Dir("bin"), File("bin/sh", "sh")]);
    for bytes in [&root_file_system[..], &b"hello"[..], &[7; 4096], &b""[..]] {
        let error = refused(bytes);
        let text = error.to_string();
        assert!(
            matches!(error, ImageError::NotAnArchive { .. }) || error.is_damage(),
            "{text}"
        );
    }
    assert!(
        refused(&root_file_system)
            .to_string()
            .contains("image import")
    );
}

#[test]
fn layers_of_other_kinds_are_refused() {
    let mut image = image();
    image.layers[0].1 = "application/vnd.wasm.content.layer.v1+wasm".to_owned();
    let error = refused(&members(&layout_of(&image, "app:1"))).to_string();
    assert!(error.contains("wasm") && error.contains("gzip"), "{error}");
}

#[test]
fn a_path_outside_a_layer_leaves_nothing_behind() {
    let image = TestImage::new(&[layer(&[File("a", "a")]), layer(&[File("../evil", "x")])]);
    let error = refused(&members(&layout_of(&image, "app:1")));
    assert!(matches!(error, ImageError::PathOutside { .. }), "{error}");
}

#[test]
fn an_image_without_a_name_is_kept_by_its_id() {
    let (test, image) = (store(), image());
    let manifest = image.manifest();
    let mut blobs = image.blobs();
    blobs.push(manifest.clone());
    let archive = members(&layout_members(
        index(&[entry(&manifest, None, None)]),
        &blobs,
    ));
    let [record] = test
        .store
        .load(archive.as_slice())
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(record.references, [image.id()]);
    assert_eq!(test.store.find(&image.id()).unwrap(), Some(record.clone()));
    assert_eq!(test.store.find(&image.id()[7..19]).unwrap(), Some(record));
}

#[test]
fn folders_without_an_entry_keep_the_mode_they_have_below() {
    use std::os::unix::fs::MetadataExt;
    let mut bottom = tar::Builder::new(Vec::new());
    let mut header = super::archives::header(tar::EntryType::Directory, "tmp/", 0);
    header.set_mode(0o1777);
    header.set_uid(7);
    header.set_cksum();
    bottom.append(&header, &b""[..]).unwrap();
    let image = TestImage::new(&[bottom.into_inner().unwrap(), layer(&[File("tmp/x", "x")])]);
    let test = store();
    test.store
        .load(members(&layout_of(&image, "app:1")).as_slice())
        .unwrap();
    let record = test.store.find("app:1").unwrap().unwrap();
    let tmp = std::fs::metadata(test.store.layer_paths(&record)[1].join("tmp")).unwrap();
    assert_eq!((tmp.mode() & 0o7777, tmp.uid()), (0o1777, 7));
}
