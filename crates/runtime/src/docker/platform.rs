//! The platform that images are chosen and containers started for: that of the engine's
//! machine, or another one that the engine emulates.

use super::error::DockerError;

/// An operating system and an architecture, as `linux/amd64`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Platform {
    /// In the engine's words.
    pub(super) name: String,
    /// In the words of ECS's attribute `ecs.cpu-architecture`.
    pub(super) architecture: String,
}

/// `linux/ARCHITECTURE[/VARIANT]`, as the docker command line takes it.
pub(super) fn parse(text: &str) -> Result<Platform, DockerError> {
    let unknown = || DockerError::Platform {
        text: text.to_owned(),
    };
    let mut parts = text.split('/');
    let (Some("linux"), Some(named)) = (parts.next(), parts.next()) else {
        return Err(unknown());
    };
    let architecture = architecture(named);
    if parts.count() > 1 || !["arm64", "x86_64"].contains(&architecture) {
        return Err(unknown());
    }
    Ok(Platform {
        name: text.to_owned(),
        architecture: architecture.to_owned(),
    })
}

/// ECS's word for an architecture that an engine or an image names.
pub(super) fn architecture(named: &str) -> &str {
    match named {
        "aarch64" | "arm64" => "arm64",
        "amd64" | "x86_64" => "x86_64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let found = parse(text).map(|platform| platform.architecture);
        assert_eq!(found.ok().as_deref(), expected, "{text}");
    }

    #[test]
    fn a_platform_is_linux_on_one_of_two_architectures() {
        check("linux/amd64", Some("x86_64"));
        check("linux/arm64", Some("arm64"));
        check("linux/arm64/v8", Some("arm64"));
        for wrong in [
            "",
            "linux",
            "amd64",
            "linux/",
            "linux/s390x",
            "windows/amd64",
            "linux/arm64/v8/x",
        ] {
            check(wrong, None);
        }
        let error = parse("amd64").unwrap_err().to_string();
        assert!(error.contains("linux/amd64 or linux/arm64"), "{error}");
    }
}
