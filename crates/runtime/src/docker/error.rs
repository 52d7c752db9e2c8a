//! Why an engine cannot be used, and what its errors mean for a container.

use std::io;
use std::path::{Path, PathBuf};

use bollard::errors::Error;
use model::container::{Failure, FailureName};

/// Why the docker driver cannot work here. Each is one sentence that says what to change.
#[derive(Debug, thiserror::Error)]
pub enum DockerError {
    #[error(
        "no container engine listens at {tried}; start Docker, Podman or Colima, or name the \
         engine's address in DOCKER_HOST"
    )]
    NoEngine { tried: String },
    #[error(
        "this user may not open the engine's socket {}; {}", path.display(), remedy(path)
    )]
    NotPermitted { path: PathBuf },
    #[error(
        "the engine at {endpoint} speaks version {version} of the API, which is too old; update \
         it to Docker 20.10, Podman 4 or later"
    )]
    TooOld { endpoint: String, version: String },
    #[error(
        "the engine at {endpoint} does not answer ({cause}); start it, or name another one in \
         DOCKER_HOST"
    )]
    NoAnswer { endpoint: String, cause: String },
    #[error(
        "the engine at {endpoint} runs {system} containers; switch it to Linux containers or \
         name another one in DOCKER_HOST"
    )]
    NotLinux { endpoint: String, system: String },
    #[error(
        "{origin} names the engine {address:?}, which cannot be reached so; give unix:///PATH, or \
         tcp://HOST:PORT (an engine behind ssh can be had by `ssh -L`)"
    )]
    Address { address: String, origin: String },
    #[error(
        "the Docker context {name} is not there or names no engine; choose one of `docker \
         context ls`, or name the engine's address in DOCKER_HOST"
    )]
    Context { name: String },
    #[error(
        "{text:?} is no platform for containers; set docker.platform or DOCKER_DEFAULT_PLATFORM to \
         linux/amd64 or linux/arm64, or leave it out"
    )]
    Platform { text: String },
    #[error(
        "the certificates of the engine cannot be taken from {} ({cause}); put ca.pem, cert.pem \
         and key.pem there, or name another folder in DOCKER_CERT_PATH", path.display()
    )]
    Certificates { path: PathBuf, cause: String },
    #[error(
        "the Docker context {name} does not have the engine's certificate verified, which is \
         not offered; make one with `docker context create --docker \
         host=tcp://…,ca=ca.pem,cert=cert.pem,key=key.pem`"
    )]
    Unverified { name: String },
    #[error(
        "the certificate of the engine at {endpoint} {cause}; take the certificates that its \
         operator gives out, into the folder that DOCKER_CERT_PATH or the context names"
    )]
    Distrust { endpoint: String, cause: String },
    #[error("the folder {} cannot be used ({source}); choose another --data-dir", path.display())]
    Folder { path: PathBuf, source: io::Error },
}

/// Podman has a service for each user, Docker a group of users.
fn remedy(socket: &Path) -> &'static str {
    if socket.ends_with("podman/podman.sock") {
        return "start your own with `systemctl --user start podman.socket`";
    }
    "add yourself to the group docker with `sudo usermod -aG docker $USER`, then log in again"
}

/// How the TLS library says what is wrong, and what it means.
const DISTRUST: [(&str, &str); 6] = [
    ("UnknownIssuer", NOT_SIGNED),
    ("BadSignature", NOT_SIGNED),
    ("certificate: Expired", "has expired"),
    ("certificate expired", "has expired"),
    (
        "not valid for name",
        "is for another name than this address",
    ),
    (
        "received fatal alert",
        "is trusted, but the engine refuses the one in cert.pem",
    ),
];
const NOT_SIGNED: &str = "was not signed by the authority in ca.pem";

const PODMAN_CONFLICTS: [&str; 2] = ["container state improper", "that name is already in use"];

pub(super) fn no_answer(endpoint: &str, error: &Error) -> DockerError {
    let told = words(error);
    if let Some((_, cause)) = DISTRUST.iter().find(|(sign, _)| told.contains(sign)) {
        return DockerError::Distrust {
            endpoint: endpoint.to_owned(),
            cause: (*cause).to_owned(),
        };
    }
    DockerError::NoAnswer {
        endpoint: endpoint.to_owned(),
        cause: words(error),
    }
}

/// The engine's own words, without the library's around them.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        Error::DockerStreamError { error } => error.trim().to_owned(),
        Error::RequestTimeoutError => "the engine did not answer within two minutes".to_owned(),
        other => chain(other),
    }
}

/// An error and what caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// The status the engine answered with, if it answered.
pub(super) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

pub(super) fn is_missing(error: &Error) -> bool {
    status(error) == Some(404)
}

/// Podman has another status for what a container's state forbids.
pub(super) fn is_conflict(error: &Error) -> bool {
    let told = words(error);
    let is_told = |cause: &str| status(error) == Some(500) && told.ends_with(cause);
    status(error) == Some(409) || PODMAN_CONFLICTS.iter().any(|cause| is_told(cause))
}

/// Podman has a state between running and exited that Docker's API has not, as long as it
/// cleans up after a container that has ended.
pub(super) fn is_between_states(error: &Error) -> bool {
    matches!(error, Error::JsonDataError { message, .. } if message.contains("variant `stopped`"))
}

/// `None` for what is not there.
pub(super) fn found<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn cannot_create(error: &Error) -> Failure {
    Failure::new(FailureName::CannotCreateContainerError, words(error))
}

pub(super) fn cannot_start(error: &Error) -> Failure {
    Failure::new(FailureName::CannotStartContainerError, words(error))
}

pub(super) fn cannot_stop(error: &Error) -> Failure {
    Failure::new(
        FailureName::CannotStopContainerError,
        format!("the container cannot be removed: {}", words(error)),
    )
}

pub(super) fn cannot_inspect(error: &Error) -> Failure {
    Failure::new(FailureName::CannotInspectContainerError, words(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_is_known_by_its_status_or_by_the_words_of_podman() {
        let check = |status_code, message: &str, expected| {
            let error = Error::DockerResponseServerError {
                status_code,
                message: message.to_owned(),
            };
            assert_eq!(is_conflict(&error), expected, "{status_code} {message}");
        };
        let ended =
            "can only kill running containers. 77 is in state exited: container state improper";
        check(409, "in use", true);
        check(500, ended, true);
        check(500, "no space left on device", false);
        check(404, ended, false);
    }

    #[test]
    fn a_socket_that_is_forbidden_has_a_remedy_of_its_engine() {
        let check = |path: &str, words: &str| {
            let path = PathBuf::from(path);
            let text = DockerError::NotPermitted { path }.to_string();
            assert!(text.contains(words), "{text}");
        };
        check("/var/run/docker.sock", "usermod -aG docker");
        check(
            "/run/podman/podman.sock",
            "systemctl --user start podman.socket",
        );
    }
}
