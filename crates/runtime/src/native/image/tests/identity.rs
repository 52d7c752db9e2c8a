//! Pulling with an identity token, as the docker configuration or a helper has it.

use std::sync::Arc;

use super::super::{ImageError, Registries};
use super::archives::Item::File;
use super::archives::{TestImage, layer};
use super::folders::store;
use super::server::{Access, IDENTITY, Server};

/// Pulls `app:1` with this configuration of docker; `helper` is the script of
/// `docker-credential-x`.
async fn pull(server: &Server, config: &str, helper: &str) -> Result<String, ImageError> {
    let test = store();
    let folder = test.folder.path();
    let path = folder.join("config.json");
    std::fs::write(&path, config.replace("HOST", &server.address)).unwrap();
    // By another process, so that nothing here has it open for writing when it is started.
    let write = r#"printf '#!/bin/sh\n%s\n' "$1" > "$0" && chmod 700 "$0""#;
    let mut shell = std::process::Command::new("sh");
    let program = folder.join("docker-credential-x");
    let written = shell.args(["-c", write]).arg(&program).arg(helper).status();
    assert!(written.unwrap().success());
    let registries = Registries {
        docker_config: Some(path),
        helper_path: Some(format!("{}:/usr/bin:/bin", folder.display()).into()),
        ..Registries::default()
    };
    let store = test.store.clone().with_registries(registries);
    let name = format!("{}/app:1", server.address);
    let pulled = store.pull(&name, None, Arc::new(|_| ())).await;
    pulled.map(|record| record.id)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_is_exchanged_as_often_as_needed() {
    let image = TestImage::new(&[layer(&[File("a", "a")])]);
    let entry = format!(r#"{{"auths":{{"HOST":{{"identitytoken":"{IDENTITY}"}}}}}}"#);
    let helper = format!(r#"echo '{{"Username":"<token>","Secret":"{IDENTITY}"}}'"#);
    for (config, helper) in [(&*entry, ""), (r#"{"credsStore":"x"}"#, &*helper)] {
        let server = Server::start(Access::Identity).await;
        server.put("app", "1", &image);
        let pulled = pull(&server, config, helper).await.unwrap();
        assert_eq!(pulled, image.id());
        // For the manifest, the configuration and the layer.
        assert_eq!(server.asked("/token"), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_identity_is_told_and_not_shown() {
    let entry = r#"{"auths":{"HOST":{"identitytoken":"planted"}}}"#;
    for (access, words) in [
        (Access::Identity, "/token answers status 401"),
        (Access::Basic, "does not say who exchanges it"),
    ] {
        let server = Server::start(access).await;
        let error = pull(&server, entry, "").await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(words) && text.contains("docker login"),
            "{text}"
        );
        assert!(
            !text.contains("planted") && !text.contains(IDENTITY),
            "{text}"
        );
    }
    let server = Server::start(Access::Open).await;
    server.put("app", "1", &TestImage::new(&[layer(&[File("a", "a")])]));
    pull(&server, entry, "").await.unwrap();
}
