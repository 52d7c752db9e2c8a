//! Images: the engine's own, else pulled by the engine with the user's logins.

use bollard::auth::DockerCredentials;
use bollard::errors::Error;
use bollard::models::{CreateImageInfo, ImageInspect};
use bollard::query_parameters::CreateImageOptions;
use futures_util::TryStreamExt as _;
use model::container::{ContainerSpec, Failure, FailureName, PulledImage};

use super::error::{found, words};
use super::objects::Objects;
use super::platform;
use crate::registry::{Login, Reference, Registries, RegistryError, parse};
use crate::signals;

/// An image of the engine, under its own name or under that at a mirror.
pub(super) struct Image {
    pub(super) name: String,
    known: ImageInspect,
}

impl Image {
    /// What it says of its containers' environment.
    pub(super) fn environment(&self) -> Vec<String> {
        let config = self.known.config.as_ref();
        config
            .and_then(|config| config.env.clone())
            .unwrap_or_default()
    }

    #[cfg(test)]
    pub(super) fn with_environment(name: &str, variables: &[&str]) -> Self {
        let config = bollard::models::ImageConfig {
            env: Some(variables.iter().map(|text| (*text).to_owned()).collect()),
            ..bollard::models::ImageConfig::default()
        };
        Self {
            name: name.to_owned(),
            known: ImageInspect {
                config: Some(config),
                ..ImageInspect::default()
            },
        }
    }
}

pub(super) async fn pull(
    objects: &Objects,
    spec: &ContainerSpec,
    registries: &Registries,
) -> Result<PulledImage, Failure> {
    let there = find(objects, &spec.image, registries).await?;
    if let Some(image) = &there
        && is_right(objects, &image.known)
    {
        return pulled(objects, &spec.image, &image.known);
    }
    let (named, wanted) = places(&spec.image, registries).map_err(|error| error.to_failure())?;
    // A mirror is another registry, where the login of the first is nobody's business.
    let own = spec.registry_login.as_ref().filter(|_| wanted == named);
    let login = match own {
        Some(login) => Some(Login::Password {
            user: login.user.clone(),
            password: login.password.clone(),
        }),
        None => {
            let found = registries.login(wanted.registry()).await;
            found.map_err(|error| error.to_failure())?
        }
    };
    let fetched = fetch(objects, &spec.image, &wanted, login).await;
    if let (Err(_), Some(other)) = (&fetched, there) {
        // That it is there for another platform says more.
        return pulled(objects, &spec.image, &other.known);
    }
    fetched?;
    match find(objects, &spec.image, registries).await? {
        Some(image) => pulled(objects, &spec.image, &image.known),
        None => Err(cannot_pull(format!(
            "image `{}` was pulled and is not in the engine: look at the engine's log",
            spec.image
        ))),
    }
}

/// One for another platform than the wanted one may be had for that, too; without a wish the
/// engine has chosen.
fn is_right(objects: &Objects, known: &ImageInspect) -> bool {
    objects.platform().is_none() || is_for(known, objects.architecture())
}

fn is_for(known: &ImageInspect, architecture: &str) -> bool {
    let named = known.architecture.as_deref().unwrap_or_default();
    let is_linux = matches!(known.os.as_deref(), None | Some("linux"));
    is_linux && (named.is_empty() || platform::architecture(named) == architecture)
}

/// The engine's image of this name, else that at its mirror.
pub(super) async fn find(
    objects: &Objects,
    image: &str,
    registries: &Registries,
) -> Result<Option<Image>, Failure> {
    for name in registries.local_names(image) {
        if let Some(known) = inspect(objects, &name).await? {
            return Ok(Some(Image { name, known }));
        }
    }
    Ok(None)
}

/// What the definition names, and where it is to be had.
fn places(image: &str, registries: &Registries) -> Result<(Reference, Reference), RegistryError> {
    let named = parse(image)?;
    let wanted = registries.at_mirror(&named)?;
    Ok((named, wanted))
}

async fn inspect(objects: &Objects, image: &str) -> Result<Option<ImageInspect>, Failure> {
    let answer = found(objects.client().inspect_image(image).await);
    answer.map_err(|error| cannot_pull(reason(image, registry_of(image), &error)))
}

fn registry_of(image: &str) -> String {
    parse(image).map_or_else(
        |_| "the registry".to_owned(),
        |named| named.registry().to_owned(),
    )
}

async fn fetch(
    objects: &Objects,
    image: &str,
    wanted: &Reference,
    login: Option<Login>,
) -> Result<(), Failure> {
    let version = wanted.digest().or(wanted.tag()).unwrap_or("latest");
    let options = CreateImageOptions {
        from_image: Some(format!("{}/{}", wanted.registry(), wanted.repository())),
        tag: Some(version.to_owned()),
        platform: objects.platform().unwrap_or_default().to_owned(),
        ..CreateImageOptions::default()
    };
    let login = login.map(|login| credentials(login, wanted.registry()));
    let told = |info: CreateImageInfo| async move {
        tracing::debug!(layer = info.id, status = info.status, progress = ?info.progress_detail, "pulling");
        Ok(())
    };
    let pulling = objects.client().create_image(Some(options), None, login);
    let done = pulling.try_for_each(told).await;
    done.map_err(|error| cannot_pull(reason(image, wanted.registry().to_owned(), &error)))
}

/// A login in the engine's words.
fn credentials(login: Login, registry: &str) -> DockerCredentials {
    let mut credentials = DockerCredentials {
        serveraddress: Some(registry.to_owned()),
        ..DockerCredentials::default()
    };
    match login {
        Login::Password { user, password } => {
            (credentials.username, credentials.password) = (Some(user), Some(password));
        }
        Login::IdentityToken(token) => credentials.identitytoken = Some(token),
        Login::RegistryToken(token) => credentials.registrytoken = Some(token),
    }
    credentials
}

/// What the engine knows of an image, unless it is for another kind of machine.
fn pulled(objects: &Objects, image: &str, known: &ImageInspect) -> Result<PulledImage, Failure> {
    let host = objects.architecture();
    if !is_for(known, host) {
        let system = known.os.as_deref().unwrap_or("linux");
        let architecture = platform::architecture(known.architecture.as_deref().unwrap_or("any"));
        return Err(cannot_pull(format!(
            "image `{image}` is for {system}/{architecture}, the engine runs on linux/{host}: \
             use an image built for linux/{host}, or name its platform in \
             DOCKER_DEFAULT_PLATFORM (linux/amd64) if the engine emulates it"
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
    // The engine leaves out what goes without saying, as in `busybox`.
    let full = parse(image).map(|named| format!("/{}/{}", named.registry(), named.repository()));
    let same = |(name, _): &&(&str, &str)| {
        let full = full.as_ref();
        full.is_ok_and(|full| full.ends_with(&format!("/{name}")))
    };
    let chosen = pairs.iter().find(same).or(pairs.first());
    chosen.map(|(_, digest)| (*digest).to_owned())
}

/// The engine's words for what went wrong, in those of the native driver.
fn reason(image: &str, registry: String, error: &Error) -> String {
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
             built for it, or name its platform in DOCKER_DEFAULT_PLATFORM (linux/amd64) if the \
             engine emulates it"
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
        let hub = ImageInspect {
            repo_digests: Some(vec![
                "a/busybox@sha256:1".to_owned(),
                "busybox@sha256:2".to_owned(),
            ]),
            ..ImageInspect::default()
        };
        assert_eq!(digest("busybox:1", &hub), Some("sha256:2".to_owned()));
        assert_eq!(digest("x", &ImageInspect::default()), None);
    }

    #[track_caller]
    fn said(cause: &str, expected: &str) {
        let error = Error::DockerStreamError {
            error: cause.to_owned(),
        };
        let image = "r.example/app:1";
        let text = reason(image, registry_of(image), &error);
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
