//! Pulling from a registry on loopback.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::container::FailureName;

use super::super::record::HOST_ARCHITECTURE;
use super::super::{ImageError, ImageRecord, ImageStore, Login, OnProgress, Progress, Registries};
use super::archives::Item::File;
use super::archives::{TestImage, digest, gzip, layer};
use super::folders::{TestStore, store, text};
use super::server::{ACCOUNT, Access, Answer, Server, blob_path};

const OTHER: &str = if cfg!(target_arch = "x86_64") {
    "arm64"
} else {
    "amd64"
};

fn image() -> TestImage {
    let layers = [layer(&[File("a", "a")]), layer(&[File("b", "b")])];
    TestImage::new(&layers).packed("+gzip", gzip)
}

fn silent() -> OnProgress {
    Arc::new(|_| ())
}

fn other_image() -> TestImage {
    TestImage::new(&[layer(&[File("c", "c")])]).packed("+gzip", gzip)
}

async fn pull(test: &TestStore, reference: &str) -> Result<ImageRecord, ImageError> {
    test.store.pull(reference, None, silent()).await
}

/// Pulls `app:1` of a changed server and answers why that failed, with nothing left behind.
async fn refused(server: &Server) -> ImageError {
    let test = store();
    let error = pull(&test, &format!("{}/app:1", server.address))
        .await
        .unwrap_err();
    test.assert_empty();
    error
}

fn with_credentials(test: TestStore, server: &Server, account: &str) -> TestStore {
    let path = test.folder.path().join("config.json");
    let auth = STANDARD.encode(account);
    let config = format!(
        r#"{{"auths":{{"{}":{{"auth":"{auth}"}}}}}}"#,
        server.address
    );
    std::fs::write(&path, config).unwrap();
    let registries = Registries {
        docker_config: Some(path),
        ..Registries::default()
    };
    TestStore {
        store: test.store.with_registries(registries),
        folder: test.folder,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_pulled_once_and_then_found() {
    let (server, test, image) = (Server::start(Access::Open).await, store(), image());
    server.put("app", "1", &image);
    let name = format!("{}/app:1", server.address);
    let reports = Arc::new(Mutex::new(Vec::<Progress>::new()));
    let seen = Arc::clone(&reports);
    let progress: OnProgress = Arc::new(move |report| seen.lock().unwrap().push(report));
    let record = test.store.pull(&name, None, progress).await.unwrap();
    assert_eq!(record.id, image.id());
    assert_eq!(record.digest, Some(digest(&image.manifest())));
    let paths = test.store.layer_paths(&record);
    assert_eq!(
        (text(&paths[0].join("a")), text(&paths[1].join("b"))),
        ("a".into(), "b".into())
    );
    for (blob, _) in &image.layers {
        let reports = reports.lock().unwrap();
        let mut of_layer = reports.iter().filter(|report| report.layer == digest(blob));
        let last = of_layer.next_back().unwrap();
        assert_eq!(
            (last.done, last.total),
            (blob.len() as u64, blob.len() as u64)
        );
    }

    drop(server);
    assert_eq!(pull(&test, &name).await.unwrap(), record);
    let by_digest = name.replace(":1", &format!("@{}", record.digest.as_deref().unwrap()));
    assert_eq!(pull(&test, &by_digest).await.unwrap(), record);
    test.assert_tidy();
}

#[tokio::test(flavor = "multi_thread")]
async fn pulls_at_the_same_time_share_one_transfer() {
    let (server, test, image) = (Server::start(Access::Open).await, store(), image());
    server.put("app", "1", &image);
    server.put("other", "1", &image);
    let names = ["app", "app", "app", "other"].map(|name| format!("{}/{name}:1", server.address));
    let pulls = names.iter().map(|name| pull(&test, name));
    for pulled in futures_util::future::join_all(pulls).await {
        assert_eq!(pulled.unwrap().id, image.id());
    }
    assert_eq!(server.asked("/app/manifests/"), 1);
    for (blob, _) in &image.layers {
        assert_eq!(server.asked(&digest(blob)), 1);
    }
    assert_eq!(test.store.list().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_platforms_this_hosts_is_pulled() {
    let (server, test) = (Server::start(Access::Open).await, store());
    let (mine, other) = (image(), TestImage::for_architecture(&[], OTHER));
    let listed = server.put_index("app", "1", &[(OTHER, &other), (HOST_ARCHITECTURE, &mine)]);
    let record = pull(&test, &format!("{}/app:1", server.address))
        .await
        .unwrap();
    assert_eq!(
        (record.id, record.digest),
        (mine.id(), Some(listed.clone()))
    );
    let by_digest = format!("{}/app@{listed}", server.address);
    assert!(test.store.find(&by_digest).unwrap().is_some());
    let fresh = store();
    assert_eq!(pull(&fresh, &by_digest).await.unwrap().digest, Some(listed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_architecture_is_told_before_layers_are_pulled() {
    let server = Server::start(Access::Open).await;
    let other = TestImage::for_architecture(&[layer(&[File("a", "a")])], OTHER);
    server.put("app", "1", &other);
    let error = refused(&server).await.to_string();
    let expected = format!("is for {OTHER}, this host is {HOST_ARCHITECTURE}");
    assert!(error.contains(&expected), "{error}");
    assert_eq!(server.asked(&digest(&other.layers[0].0)), 0);
    server.put_index("app", "1", &[(OTHER, &other), ("s390x", &other)]);
    let error = refused(&server).await.to_string();
    assert!(
        error.contains(&format!("linux/{OTHER}, linux/s390x")),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_taken_from_the_docker_configuration() {
    for access in [Access::Basic, Access::Token] {
        let server = Server::start(access).await;
        server.put("app", "1", &image());
        let name = format!("{}/app:1", server.address);
        let anonymous = refused(&server).await;
        assert!(
            matches!(anonymous, ImageError::Unauthorized { .. }),
            "{anonymous}"
        );
        assert!(
            anonymous.to_string().contains("docker login"),
            "{anonymous}"
        );
        let wrong = with_credentials(store(), &server, "me:wrong");
        let error = pull(&wrong, &name).await.unwrap_err();
        assert!(matches!(error, ImageError::Unauthorized { .. }), "{error}");
        let right = with_credentials(store(), &server, ACCOUNT);
        pull(&right, &name).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_with_another_digest_is_refused() {
    let (server, image) = (Server::start(Access::Open).await, image());
    server.put("app", "1", &image);
    let (blob, _) = &image.layers[1];
    let mut changed = blob.clone();
    changed[blob.len() / 2] ^= 0x55;
    server.answer(&blob_path("app", blob), Answer::Content("", changed));
    let error = refused(&server).await;
    assert!(
        matches!(error, ImageError::DigestMismatch { .. }),
        "{error}"
    );
    assert!(error.to_string().contains(&digest(blob)), "{error}");
    let longer = [blob.as_slice(), b"more"].concat();
    server.answer(&blob_path("app", blob), Answer::Content("", longer));
    assert!(matches!(refused(&server).await, ImageError::Corrupt { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_with_another_digest_is_refused() {
    let (server, image) = (Server::start(Access::Open).await, image());
    server.put("app", "1", &image);
    server.answer(
        &blob_path("app", &image.config),
        Answer::Content("", b"{}".to_vec()),
    );
    let error = refused(&server).await;
    assert!(
        matches!(error, ImageError::DigestMismatch { .. }),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_is_tried_again() {
    let (server, test, image) = (Server::start(Access::Open).await, store(), image());
    server.put("app", "1", &image);
    let (blob, _) = &image.layers[0];
    let broken = |times| Answer::Broken {
        content: blob.clone(),
        sent: 20,
        times,
    };
    server.answer(&blob_path("app", blob), broken(2));
    pull(&test, &format!("{}/app:1", server.address))
        .await
        .unwrap();
    server.answer(&blob_path("app", blob), broken(9));
    let error = refused(&server).await;
    assert!(matches!(error, ImageError::Registry { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_image_is_named() {
    let server = Server::start(Access::Open).await;
    let error = refused(&server).await;
    assert!(matches!(error, ImageError::UnknownImage { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains(&format!("{}/app:1", server.address)),
        "{error}"
    );
    let failure = error.to_failure().to_string();
    assert!(
        failure.starts_with("CannotPullContainerError: image `127.0.0.1"),
        "{failure}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_the_registry_is_told() {
    let server = Server::start(Access::Open).await;
    let body = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}"#;
    server.answer("/v2/app/manifests/1", Answer::Refusal(429, body));
    assert!(matches!(
        refused(&server).await,
        ImageError::RateLimited { .. }
    ));
    server.answer("/v2/app/manifests/1", Answer::Refusal(503, "maintenance"));
    assert!(matches!(
        refused(&server).await,
        ImageError::Registry { .. }
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_does_not_answer_is_told_with_the_cause() {
    let server = Server::start(Access::Open).await;
    let address = server.address.clone();
    server.stop().await;
    let test = store();
    let error = pull(&test, &format!("{address}/app:1")).await.unwrap_err();
    assert!(
        matches!(error, ImageError::RegistryUnreachable { .. }),
        "{error}"
    );
    let text = error.to_string();
    assert!(
        text.contains("refused") && text.contains("image load"),
        "{text}"
    );
    test.assert_empty();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_of_the_task_goes_before_the_configuration() {
    let (server, test, image) = (Server::start(Access::Basic).await, store(), image());
    server.put("app", "1", &image);
    let test = with_credentials(test, &server, "me:wrong");
    let name = format!("{}/app:1", server.address);
    let (user, password) = ACCOUNT.split_once(':').unwrap();
    let login = Login::Password {
        user: user.to_owned(),
        password: password.to_owned(),
    };
    let refused = pull(&test, &name).await.unwrap_err();
    assert!(
        matches!(refused, ImageError::Unauthorized { .. }),
        "{refused}"
    );
    let pulled = test.store.pull(&name, Some(login), silent()).await;
    assert_eq!(pulled.unwrap().id, image.id());
}

/// The store of a host that has ECR mapped to the server.
fn with_mirror(test: &TestStore, server: &Server) -> ImageStore {
    let registries = Registries {
        mirrors: [(ECR.to_owned(), format!("{}/mirror", server.address))].into(),
        ..Registries::default()
    };
    test.store.clone().with_registries(registries)
}

const ECR: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_is_asked_and_the_image_keeps_its_name() {
    let (server, test, image) = (Server::start(Access::Open).await, store(), image());
    server.put("mirror/app", "1", &image);
    let store = with_mirror(&test, &server);
    let name = format!("{ECR}/app:1");
    let record = store.pull(&name, None, silent()).await.unwrap();
    let by_digest = format!("{ECR}/app@{}", record.digest.clone().unwrap());
    assert_eq!(record.references, [name.clone(), by_digest]);
    // What is there under the name of the definition wins.
    server.put("mirror/app", "1", &other_image());
    let again = store.pull(&name, None, silent()).await.unwrap();
    assert_eq!(again.id, image.id());

    let error = store.pull(&format!("{ECR}/b:1"), None, silent()).await;
    let text = error.unwrap_err().to_string();
    let both = format!("`{ECR}/b:1` as `{}/mirror/b:1`", server.address);
    assert!(
        text.contains(&both) && text.contains("does not exist"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ecr_without_a_login_or_a_mirror_is_not_asked() {
    let test = store();
    let error = pull(&test, &format!("{ECR}/app:1")).await.unwrap_err();
    let failure = error.to_failure();
    assert_eq!(failure.name, FailureName::CannotPullECRContainerError);
    test.assert_empty();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_that_is_given_up_leaves_nothing() {
    let (server, test, image) = (Server::start(Access::Open).await, store(), image());
    server.put("app", "1", &image);
    let name = format!("{}/app:1", server.address);
    let reached = Arc::new(tokio::sync::Notify::new());
    let notify = Arc::clone(&reached);
    let progress: OnProgress = Arc::new(move |_| notify.notify_one());
    tokio::select! {
        biased;
        () = reached.notified() => {}
        pulled = test.store.pull(&name, None, progress) => drop(pulled.unwrap()),
    }
    let record = pull(&test, &name).await.unwrap();
    assert_eq!(record.id, image.id());
}
