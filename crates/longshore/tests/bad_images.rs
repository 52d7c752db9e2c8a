//! What the program says about images that cannot be had or must not be used: one sentence that
//! says what to change, and the image store stays as it was.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expected by failing"
)]

#[path = "support/archive.rs"]
mod archive;
#[allow(dead_code, reason = "some of it is for other tests")]
mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread;

use archive::{Item, architectures, layer, saved};
use support::{Place, entries, text};

/// A task whose image is not to be had ends in these words, and leaves nothing.
#[track_caller]
fn check_image(place: &Place, image: &str, words: &[&str]) {
    let before = place.run(&["image", "ls"]).succeeded().out;
    let definition = place.definition("missing", "true", |definition| {
        definition["containerDefinitions"][0]["image"] = image.into();
    });
    let words = [&[image, "CannotPullContainerError"], words].concat();
    place.run(&["run", &definition]).refused(&words);
    let tasks = place.tasks();
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0]["stopCode"], "TaskFailedToStart");
    assert_eq!(place.run(&["image", "ls"]).succeeded().out, before);
    place.assert_nothing_left();
    place.assert_works();
}

#[test]
fn an_unknown_image() {
    let registry = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = registry.local_addr().unwrap();
    thread::spawn(move || answer_not_found(&registry));
    let image = format!("{address}/nobody/has-it:1");
    check_image(
        &Place::with_image(),
        &image,
        &["does not exist at", "check the name and tag"],
    );
}

#[test]
fn a_registry_that_cannot_be_reached() {
    let place = Place::with_image();
    check_image(
        &place,
        "127.0.0.1:9/app:1",
        &["cannot be reached", "`longshore image load`"],
    );
}

/// A registry without any image; it ends with the test's process.
fn answer_not_found(registry: &TcpListener) {
    for connection in registry.incoming() {
        let mut connection = connection.unwrap();
        let lines = BufReader::new(connection.try_clone().unwrap()).lines();
        let head = lines
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty());
        head.for_each(drop);
        let answer = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        // The client may have hung up; it then asks again.
        let _ = connection.write_all(answer.as_bytes());
    }
}

/// The archive is refused in these words, and the store is as it was.
#[track_caller]
fn check_archive(place: &Place, archive: &[u8], words: &[&str]) {
    let before = place.run(&["image", "ls"]).succeeded().out;
    let file = place.file("image.tar", archive);
    place.run(&["image", "load", &file]).refused(words);
    assert_eq!(place.run(&["image", "ls"]).succeeded().out, before);
    let layers = entries(&place.data().join("native/images/layers"));
    assert_eq!(layers.len(), before.lines().count(), "{layers:?}");
    place.assert_nothing_left();
}

fn app_layer() -> Vec<u8> {
    layer(&[Item::File("bin/app", b"app")])
}

#[test]
fn an_image_for_another_architecture() {
    let place = Place::with_image();
    let [own, other] = architectures();
    let app = app_layer();
    let archive = saved("app:1", other, &app, &app);
    // It may be there for another machine to fetch.
    let file = place.file("image.tar", archive);
    place.run(&["image", "load", &file]).succeeded();
    let own = format!("this host is {own}: use an image built for {own}");
    check_image(&place, "app:1", &[other, &own]);
}

#[test]
fn a_corrupt_archive() {
    let place = Place::with_image();
    let [own, _] = architectures();
    let app = app_layer();
    let whole = saved("app:1", own, &app, &app);
    check_archive(
        &place,
        b"this is a letter",
        &["this is no image archive", "image import"],
    );
    check_archive(
        &place,
        &whole[..whole.len() / 2],
        &["ends too early", "fetch or copy it again"],
    );
    place.assert_works();
}

#[test]
fn a_corrupt_layer() {
    let place = Place::with_image();
    let [own, _] = architectures();
    let (app, mut changed) = (app_layer(), app_layer());
    changed[512] ^= 1;
    let archive = saved("app:1", own, &app, &changed);
    check_archive(&place, &archive, &["digest", "fetch or build it again"]);
    let archive = saved("app:1", own, &app, b"\x1f\x8b\x08\0damaged");
    check_archive(&place, &archive, &["layer", "again"]);
    place.assert_works();
}

#[test]
fn a_layer_that_leaves_its_folder() {
    let place = Place::with_image();
    let [own, _] = architectures();
    let outside = text(&place.path("outside"));
    let link = layer(&[
        Item::Symlink("way", &text(&place.path(""))),
        Item::File("way/outside", b"evil"),
    ]);
    let paths = [
        link,
        layer(&[Item::File("../../../../../../../outside", b"evil")]),
        layer(&[Item::File(&outside, b"evil")]),
    ];
    for path in paths {
        let archive = saved("app:1", own, &path, &path);
        let words = [
            "would be written outside its layer",
            "do not use this image",
        ];
        check_archive(&place, &archive, &words);
        assert!(!place.path("outside").exists());
    }
    place.assert_works();
}
