//! Names of images: one full form for every way to write the same image.
//!
//! The grammar is that of the docker tools. It is parsed by hand because the client library's
//! pattern takes hundreds of times longer to compile than finding an image may take.

use oci_client::Reference;

use super::error::RegistryError;

/// The registry of names that name none.
const DOCKER_HUB: &str = "docker.io";

/// Longest repository, registry included.
const MAX_REPOSITORY: usize = 255;

const MAX_TAG: usize = 128;

/// Parses a name as the docker tools do: `busybox` is `docker.io/library/busybox:latest`.
pub fn parse(text: &str) -> Result<Reference, RegistryError> {
    let invalid = |cause: &str| RegistryError::InvalidReference {
        reference: text.to_owned(),
        cause: cause.to_owned(),
    };
    let (name, digest) = match text.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (text, None),
    };
    if digest.is_some_and(|digest| !is_digest(digest)) {
        return Err(invalid("the digest is not sha256: and 64 hex digits"));
    }
    // A colon in front of a slash belongs to the registry's port.
    let (name, tag) = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (name, None),
    };
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err(invalid(
            "the tag has other characters than letters, digits, `_`, `.` and `-`",
        ));
    }
    let (registry, repository) = split(name);
    if !is_registry(registry) {
        return Err(invalid("the registry is not host[:port]"));
    }
    if name.len() > MAX_REPOSITORY {
        return Err(invalid("it is longer than 255 characters"));
    }
    if !repository.split('/').all(is_component) {
        return Err(invalid(
            "the repository is not lower-case letters and digits",
        ));
    }
    Ok(build(registry, repository, tag, digest))
}

fn build(registry: &str, repository: &str, tag: Option<&str>, digest: Option<&str>) -> Reference {
    let registry = match registry {
        "index.docker.io" => DOCKER_HUB.to_owned(),
        registry => registry.to_owned(),
    };
    let repository = match registry == DOCKER_HUB && !repository.contains('/') {
        true => format!("library/{repository}"),
        false => repository.to_owned(),
    };
    match (tag, digest) {
        (Some(tag), Some(digest)) => {
            Reference::with_tag_and_digest(registry, repository, tag.to_owned(), digest.to_owned())
        }
        (None, Some(digest)) => Reference::with_digest(registry, repository, digest.to_owned()),
        (tag, None) => {
            Reference::with_tag(registry, repository, tag.unwrap_or("latest").to_owned())
        }
    }
}

/// The part before the first slash is a registry if it cannot be part of a repository.
fn split(name: &str) -> (&str, &str) {
    match name.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
        _ => (DOCKER_HUB, name),
    }
}

fn is_registry(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let label = |label: &str| {
        let plain = label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        plain && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let host = match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.split('.').all(label),
    };
    host && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// Letters and digits, in groups joined by `.`, `_`, `__` or any number of `-`.
fn is_component(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let separator =
        |text: &str| matches!(text, "" | "." | "_" | "__") || text.bytes().all(|byte| byte == b'-');
    let ends = text.bytes().next().is_some_and(plain) && text.bytes().last().is_some_and(plain);
    ends && text
        .split(|letter: char| u8::try_from(letter).is_ok_and(plain))
        .all(separator)
}

fn is_digest(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:").unwrap_or_default();
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    hex.len() == 64 && hex.bytes().all(is_hex)
}

fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=MAX_TAG).contains(&text.len())
        && text.bytes().next().is_some_and(word)
        && text
            .bytes()
            .all(|byte| word(byte) || byte == b'.' || byte == b'-')
}

/// The one name under which the store keeps it. A digest says exactly which image is meant, so
/// a tag beside it is left out.
pub fn full_name(reference: &Reference) -> String {
    let repository = format!("{}/{}", reference.registry(), reference.repository());
    match (reference.digest(), reference.tag()) {
        (Some(digest), _) => format!("{repository}@{digest}"),
        (None, Some(tag)) => format!("{repository}:{tag}"),
        (None, None) => format!("{repository}:latest"),
    }
}

/// The name of the same repository's image by digest.
pub fn digest_name(reference: &Reference, digest: &str) -> String {
    format!(
        "{}/{}@{digest}",
        reference.registry(),
        reference.repository()
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, full: &str) {
        assert_eq!(full_name(&parse(text).unwrap()), full);
    }

    #[track_caller]
    fn refused(text: &str, word: &str) {
        let error = parse(text).unwrap_err().to_string();
        assert!(
            error.contains(word) && error.contains("[registry/]"),
            "{error}"
        );
    }

    #[test]
    fn every_spelling_has_one_full_name() {
        let digest = format!("sha256:{}", "a".repeat(64));
        check("busybox", "docker.io/library/busybox:latest");
        check(
            "index.docker.io/library/busybox",
            "docker.io/library/busybox:latest",
        );
        check("me/app:3", "docker.io/me/app:3");
        check("localhost:5000/app", "localhost:5000/app:latest");
        check("localhost/app:1", "localhost/app:1");
        check("[::1]:5000/a/b_c-d.e", "[::1]:5000/a/b_c-d.e:latest");
        check(
            &format!("app:3@{digest}"),
            &format!("docker.io/library/app@{digest}"),
        );
    }

    #[test]
    fn a_bad_name_is_refused_with_the_right_form() {
        refused("", "repository");
        refused("Not An Image", "repository");
        refused("App", "lower-case");
        refused("app:", "tag");
        refused("app:-x", "tag");
        refused("app@sha256:12", "digest");
        refused("a..b/c/", "registry");
        refused("r.example:port/app", "registry");
        refused("a//b", "repository");
        refused(&"a/".repeat(200), "255");
    }

    proptest! {
        /// The client library's own parser is the judge of what the grammar allows.
        #[test]
        fn names_are_read_as_the_client_library_reads_them(
            text in "([a-z]{1,3}\\.[a-z]{1,2}/|localhost/|h:50/)?[a-c/._-]{1,8}(:[a-cA0._-]{1,4})?"
        ) {
            let (ours, theirs) = (parse(&text), Reference::try_from(text.as_str()));
            prop_assert_eq!(ours.ok(), theirs.ok());
        }
    }
}
