//! Names of images: one full form for every way to write the same image.

use oci_client::Reference;

use super::error::ImageError;

/// Parses a name as the docker tools do: `busybox` is `docker.io/library/busybox:latest`.
pub(super) fn parse(text: &str) -> Result<Reference, ImageError> {
    Reference::try_from(text).map_err(|error| ImageError::InvalidReference {
        reference: text.to_owned(),
        cause: error.to_string(),
    })
}

/// The one name under which the store keeps it. A digest says exactly which image is meant, so
/// a tag beside it is left out.
pub(super) fn full_name(reference: &Reference) -> String {
    let repository = format!("{}/{}", reference.registry(), reference.repository());
    match (reference.digest(), reference.tag()) {
        (Some(digest), _) => format!("{repository}@{digest}"),
        (None, Some(tag)) => format!("{repository}:{tag}"),
        (None, None) => format!("{repository}:latest"),
    }
}

/// The name of the same repository's image by digest.
pub(super) fn digest_name(reference: &Reference, digest: &str) -> String {
    format!(
        "{}/{}@{digest}",
        reference.registry(),
        reference.repository()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, full: &str) {
        assert_eq!(full_name(&parse(text).unwrap()), full);
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
        check(
            &format!("app:3@{digest}"),
            &format!("docker.io/library/app@{digest}"),
        );
    }

    #[test]
    fn a_bad_name_is_refused_with_the_right_form() {
        let error = parse("Not An Image").unwrap_err().to_string();
        assert!(
            error.contains("Not An Image") && error.contains("[registry/]"),
            "{error}"
        );
    }
}
