//! Images of the engine: its own, those at mirrors, and those that cannot be had.

use model::payload::NetworkMode;
use runtime::Driver as _;
use runtime::registry::Registries;

use crate::daemon;
use crate::engine::IMAGE;
use crate::testbed::{Testbed, within};

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_stands_for_a_registry_that_is_away() {
    let mut bed = Testbed::new().await;
    let ecr = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
    bed.engine
        .docker(&["tag", IMAGE, "localhost:5000/team/app:1"]);
    let registries = Registries {
        mirrors: [(ecr.to_owned(), "localhost:5000".to_owned())].into(),
        ..Registries::default()
    };
    bed.reopen_with(registries).await;
    let mut spec = bed.shell("main", "echo here");
    spec.image = format!("{ecr}/team/app:1");
    let pulled = within(bed.driver().pull(&spec)).await.unwrap();
    assert_eq!(pulled.stop_signal, 15);
    assert_eq!(pulled.digest.is_some(), daemon::IMPORTED_HAVE_DIGESTS);
    assert_eq!(bed.output(&spec).await, ["here"]);
}

/// The engine takes the word of an image for its architecture: what says arm64 here is not.
#[tokio::test(flavor = "multi_thread")]
async fn images_for_a_platform_that_the_engine_emulates_are_run() {
    let mut bed = Testbed::new().await;
    let foreign = "foreign:1";
    bed.engine.load_as(foreign, "arm64");
    let mut spec = bed.shell("main", "echo emulated");
    spec.image = foreign.to_owned();
    let failure = within(bed.driver().pull(&spec)).await.unwrap_err();
    check(
        &failure,
        &[
            "is for linux/arm64, the engine runs on linux/x86_64",
            "DOCKER_DEFAULT_PLATFORM",
        ],
    );
    bed.reopen_as(Registries::default(), Some("linux/arm64"))
        .await;
    assert_eq!(bed.driver().capacity().architecture, "arm64");
    within(bed.driver().pull(&spec)).await.unwrap();
    // With a holder, which is for the machine itself.
    let network = bed.network(NetworkMode::Awsvpc, &["main"]).await;
    bed.driver().start(&spec, &network).await.unwrap();
    assert_eq!(bed.wait(&spec).await.code, Some(0));
    assert_eq!(bed.lines(&spec), ["emulated"]);
    spec.image = IMAGE.to_owned();
    let failure = within(bed.driver().pull(&spec)).await.unwrap_err();
    check(
        &failure,
        &["is for linux/x86_64, the engine runs on linux/arm64"],
    );
}

#[track_caller]
fn check(failure: &model::container::Failure, words: &[&str]) {
    let text = failure.to_string();
    for word in words {
        assert!(text.contains(word), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_had_is_told_with_what_to_change() {
    let bed = Testbed::new().await;
    let mut spec = bed.shell("main", "exit 0");
    spec.image = "127.0.0.1:9/no-such-image:1".to_owned();
    let failure = within(bed.driver().pull(&spec)).await.unwrap_err();
    let away = [
        "CannotPullContainerError: image `127.0.0.1:9/no-such-image:1`",
        "127.0.0.1:9 cannot be reached",
    ];
    check(&failure, &away);
    spec.image = "Not An Image".to_owned();
    let failure = within(bed.driver().pull(&spec)).await.unwrap_err();
    check(
        &failure,
        &["CannotPullContainerError: ", "[registry/]repository"],
    );
    spec.image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1".to_owned();
    let failure = within(bed.driver().pull(&spec)).await.unwrap_err();
    check(
        &failure,
        &[
            "CannotPullECRContainerError: ",
            "docker-credential-ecr-login",
        ],
    );
    let network = bed.network(NetworkMode::None, &["main"]).await;
    let failure = bed.driver().start(&spec, &network).await.unwrap_err();
    check(
        &failure,
        &[
            "CannotCreateContainerError: ",
            "is not in the engine; pull or load it",
        ],
    );
}
