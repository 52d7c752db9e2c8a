//! Images: the engine's own, else pulled by the engine with the user's credentials.

use bollard::auth::DockerCredentials;
use bollard::errors::Error;
use bollard::models::{CreateImageInfo, ImageInspect};
use bollard::query_parameters::CreateImageOptions;
use futures_util::TryStreamExt as _;
use model::container::{ContainerSpec, Failure, FailureName, PulledImage};

use super::error::{found, words};
use super::objects::Objects;
use crate::signals;

/// The registry of names that name none.
const DOCKER_HUB: &str = "docker.io";

/// An image reference in the parts that the engine wants.
#[derive(Debug, PartialEq, Eq)]
struct Reference<'a> {
    /// With its registry, if it names one.
    repository: &'a str,
    /// A tag or a digest.
    version: &'a str,
}

impl<'a> Reference<'a> {
    fn parse(text: &'a str) -> Self {
        if let Some((repository, digest)) = text.split_once('@') {
            return Self {
                repository: without_tag(repository).0,
                version: digest,
            };
        }
        let (repository, tag) = without_tag(text);
        Self {
            repository,
            version: tag.unwrap_or("latest"),
        }
    }

    /// `host` or `host:port`.
    fn registry(&self) -> &'a str {
        match self.repository.split_once('/') {
            Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
            _ => DOCKER_HUB,
        }
    }
}

/// A colon in front of a slash belongs to the registry's port.
fn without_tag(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (text, None),
    }
}

/// Credentials for a registry, `None` for an anonymous pull; an error is one sentence.
pub(super) type Credentials<'a> =
    dyn Fn(&str) -> Result<Option<DockerCredentials>, String> + Send + Sync + 'a;

pub(super) async fn pull(
    objects: &Objects,
    spec: &ContainerSpec,
    credentials: &Credentials<'_>,
) -> Result<PulledImage, Failure> {
    if let Some(image) = inspect(objects, &spec.image).await? {
        return pulled(objects, &spec.image, &image);
    }
    let reference = Reference::parse(&spec.image);
    let login = credentials(reference.registry()).map_err(cannot_pull)?;
    fetch(objects, &spec.image, &reference, login).await?;
    match inspect(objects, &spec.image).await? {
        Some(image) => pulled(objects, &spec.image, &image),
        None => Err(cannot_pull(format!(
            "image `{}` was pulled and is not in the engine: look at the engine's log",
            spec.image
        ))),
    }
}

async fn inspect(objects: &Objects, image: &str) -> Result<Option<ImageInspect>, Failure> {
    let answer = found(objects.client().inspect_image(image).await);
    answer.map_err(|error| cannot_pull(reason(image, &Reference::parse(image), &error)))
}

/// What the image says of its containers' environment; nothing of one that is not there.
pub(super) async fn environment(objects: &Objects, image: &str) -> Result<Vec<String>, Failure> {
    let config = inspect(objects, image)
        .await?
        .and_then(|image| image.config);
    Ok(config.and_then(|config| config.env).unwrap_or_default())
}

async fn fetch(
    objects: &Objects,
    image: &str,
    reference: &Reference<'_>,
    login: Option<DockerCredentials>,
) -> Result<(), Failure> {
    let options = CreateImageOptions {
        from_image: Some(reference.repository.to_owned()),
        tag: Some(reference.version.to_owned()),
        ..CreateImageOptions::default()
    };
    let told = |info: CreateImageInfo| async move {
        tracing::debug!(layer = info.id, status = info.status, progress = ?info.progress_detail, "pulling");
        Ok(())
    };
    let pulling = objects.client().create_image(Some(options), None, login);
    let done = pulling.try_for_each(told).await;
    done.map_err(|error| cannot_pull(reason(image, reference, &error)))
}

/// What the engine knows of an image, unless it is for another kind of machine.
fn pulled(objects: &Objects, image: &str, known: &ImageInspect) -> Result<PulledImage, Failure> {
    let host = objects.architecture();
    let system = known.os.as_deref().unwrap_or("linux");
    let architecture = match known.architecture.as_deref() {
        Some("amd64") | None | Some("") => "x86_64",
        Some(other) => other,
    };
    if system != "linux" || (architecture != host && known.architecture.is_some()) {
        return Err(cannot_pull(format!(
            "image `{image}` is for {system}/{architecture}, the engine runs on linux/{host}: \
             use an image built for linux/{host}"
        )));
    }
    let stop_signal = known
        .config
        .as_ref()
        .and_then(|config| config.stop_signal.as_deref());
    let number = stop_signal
        .filter(|text| !text.is_empty())
        .map(signals::number);
    Ok(PulledImage {
        digest: digest(image, known),
        stop_signal: number.and_then(Result::ok).unwrap_or(signals::SIGTERM),
    })
}

/// Of the same repository, if the image was pulled from one.
fn digest(image: &str, known: &ImageInspect) -> Option<String> {
    let digests = known.repo_digests.iter().flatten();
    let pairs: Vec<_> = digests.filter_map(|text| text.split_once('@')).collect();
    let repository = Reference::parse(image).repository;
    let same = |(name, _): &&(&str, &str)| {
        *name == repository || name.ends_with(&format!("/{repository}"))
    };
    let chosen = pairs.iter().find(same).or(pairs.first());
    chosen.map(|(_, digest)| (*digest).to_owned())
}

/// The engine's words for what went wrong, in those of the native driver.
fn reason(image: &str, reference: &Reference<'_>, error: &Error) -> String {
    let registry = reference.registry();
    let cause = words(error);
    let has = |parts: &[&str]| {
        let lower = cause.to_lowercase();
        parts.iter().any(|part| lower.contains(part))
    };
    if has(&["toomanyrequests", "rate limit"]) {
        return format!(
            "{registry} limits how often this address may pull: wait, or log in with `docker \
             login {registry}`"
        );
    }
    if has(&["no matching manifest", "no match for platform"]) {
        return format!(
            "image `{image}` is not offered for the engine's machine ({cause}): use an image \
             built for it"
        );
    }
    if has(&[
        "pull access denied",
        "manifest unknown",
        "not found: manifest",
        "name unknown",
    ]) {
        return format!(
            "image `{image}` does not exist at {registry}, or it is private: check the name and \
             tag, and log in with `docker login {registry}` if it needs an account"
        );
    }
    if has(&[
        "unauthorized",
        "authentication required",
        "no basic auth",
        "denied",
    ]) {
        return format!(
            "{registry} refused access to image `{image}`: log in with `docker login \
             {registry}`, or check that the account may pull it"
        );
    }
    if has(&[
        "dial tcp",
        "no such host",
        "connection refused",
        "timeout",
        "deadline",
    ]) {
        return format!(
            "image `{image}` is not in the engine and {registry} cannot be reached ({cause}): \
             check the name and the network, or load the image with `docker load`"
        );
    }
    if has(&["invalid reference format"]) {
        return format!(
            "image reference `{image}` is not valid: write it as \
             [registry/]repository[:tag][@sha256:…]"
        );
    }
    format!(
        "pulling image `{image}` failed ({cause}): try again, and look at the engine's log if it stays"
    )
}

fn cannot_pull(detail: String) -> Failure {
    Failure::new(FailureName::CannotPullContainerError, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, repository: &str, version: &str, registry: &str) {
        let reference = Reference::parse(text);
        let parts = (
            reference.repository,
            reference.version,
            reference.registry(),
        );
        assert_eq!(parts, (repository, version, registry));
    }

    #[test]
    fn references_fall_into_parts() {
        check("busybox", "busybox", "latest", "docker.io");
        check("me/app:3", "me/app", "3", "docker.io");
        check(
            "localhost:5000/app",
            "localhost:5000/app",
            "latest",
            "localhost:5000",
        );
        check(
            "r.example/a/b:1@sha256:12",
            "r.example/a/b",
            "sha256:12",
            "r.example",
        );
    }

    #[test]
    fn the_digest_is_that_of_the_repository() {
        let known = ImageInspect {
            repo_digests: Some(vec![
                "other@sha256:1".to_owned(),
                "r.example/app@sha256:2".to_owned(),
            ]),
            ..ImageInspect::default()
        };
        assert_eq!(
            digest("r.example/app:1", &known),
            Some("sha256:2".to_owned())
        );
        assert_eq!(digest("x", &ImageInspect::default()), None);
    }

    #[track_caller]
    fn said(cause: &str, expected: &str) {
        let error = Error::DockerStreamError {
            error: cause.to_owned(),
        };
        let image = "r.example/app:1";
        let text = reason(image, &Reference::parse(image), &error);
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn each_reason_says_what_to_change() {
        said(
            "toomanyrequests: You have reached your pull rate limit",
            "wait, or log in",
        );
        said(
            "pull access denied for app, repository does not exist or may require 'docker login'",
            "check the name",
        );
        said(
            "Head \"https://r.example/v2/\": unauthorized: authentication required",
            "docker login r.example",
        );
        said(
            "Get \"https://r.example/v2/\": dial tcp: lookup r.example: no such host",
            "docker load",
        );
        said(
            "no matching manifest for linux/amd64 in the manifest list entries",
            "built for it",
        );
        said("unexpected EOF", "try again");
    }
}
