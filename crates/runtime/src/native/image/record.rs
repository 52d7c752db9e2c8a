//! What the store knows about an image, and the image configuration it comes from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::ImageError;

/// The architecture of this build, in the words of image manifests.
pub(super) const HOST_ARCHITECTURE: &str = if cfg!(target_arch = "x86_64") {
    "amd64"
} else if cfg!(target_arch = "aarch64") {
    "arm64"
} else {
    std::env::consts::ARCH
};

/// `SIGTERM`, which stops a container whose image names no signal.
const SIGTERM: i32 = 15;

/// The first real-time signal programs may use with glibc and musl.
const SIGRTMIN: i32 = 34;

/// The last real-time signal.
const SIGRTMAX: i32 = 64;

/// An image in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageRecord {
    /// Full names, sorted: `registry/repository:tag` and `registry/repository@digest`. An image
    /// that came without a name has its id here.
    pub references: Vec<String>,
    /// `sha256:…` of the manifest, if the image came with one.
    pub digest: Option<String>,
    /// `sha256:…` of the configuration.
    pub id: String,
    /// `sha256:…` of each uncompressed layer, bottom first.
    pub layers: Vec<String>,
    /// `amd64`, `arm64`, …
    pub architecture: String,
    pub os: String,
    pub config: ImageConfig,
    /// Bytes of all files of all layers, unpacked.
    pub size_bytes: u64,
    /// RFC 3339, as the image says; imported images have none.
    pub created_at: Option<String>,
}

/// What an image says about the process to run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageConfig {
    pub entrypoint: Vec<String>,
    pub cmd: Vec<String>,
    /// `NAME=value`.
    pub env: Vec<String>,
    pub working_dir: Option<String>,
    /// `user`, `uid`, `user:group` or `uid:gid`.
    pub user: Option<String>,
    /// `SIGQUIT`, `QUIT` or a number.
    pub stop_signal: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// `80/tcp`.
    pub exposed_ports: Vec<String>,
    /// Paths that the image declares as volumes.
    pub volumes: Vec<String>,
}

impl ImageRecord {
    /// Refuses an image of another architecture or system than this host's; `reference` is the
    /// name the caller used.
    pub fn check_architecture(&self, reference: &str) -> Result<(), ImageError> {
        check_platform(reference, &self.os, &self.architecture)
    }

    /// The number of the image's stop signal; `SIGTERM` if it names none or an unknown one.
    pub fn stop_signal(&self) -> i32 {
        self.config
            .stop_signal
            .as_deref()
            .and_then(signal_number)
            .unwrap_or(SIGTERM)
    }
}

pub(super) fn check_platform(
    reference: &str,
    os: &str,
    architecture: &str,
) -> Result<(), ImageError> {
    if os == "linux" && architecture == HOST_ARCHITECTURE {
        return Ok(());
    }
    let (image, host) = match os {
        "linux" => (architecture.to_owned(), HOST_ARCHITECTURE.to_owned()),
        _ => (
            format!("{os}/{architecture}"),
            format!("linux/{HOST_ARCHITECTURE}"),
        ),
    };
    Err(ImageError::Architecture {
        reference: reference.to_owned(),
        image,
        host,
    })
}

fn signal_number(text: &str) -> Option<i32> {
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    if let Ok(number) = name.parse::<i32>() {
        return (1..=SIGRTMAX).contains(&number).then_some(number);
    }
    if let Some(rest) = name.strip_prefix("RTMIN") {
        return real_time(SIGRTMIN, rest.strip_prefix('+'), rest.is_empty(), 1);
    }
    if let Some(rest) = name.strip_prefix("RTMAX") {
        return real_time(SIGRTMAX, rest.strip_prefix('-'), rest.is_empty(), -1);
    }
    format!("SIG{name}")
        .parse::<nix::sys::signal::Signal>()
        .ok()
        .map(|signal| signal as i32)
}

fn real_time(base: i32, distance: Option<&str>, bare: bool, sign: i32) -> Option<i32> {
    let distance = if bare {
        0
    } else {
        distance?.parse::<u8>().ok()?.into()
    };
    let number = base + sign * distance;
    (SIGRTMIN..=SIGRTMAX).contains(&number).then_some(number)
}

/// The configuration file of an image (OCI image specification, `config.md`; Docker writes the
/// same with more members). Members may be `null`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ConfigFile {
    #[serde(default)]
    pub(super) architecture: String,
    #[serde(default)]
    pub(super) os: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) created: Option<String>,
    #[serde(default)]
    config: Option<ProcessConfig>,
    pub(super) rootfs: RootFs,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RootFs {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    pub(super) diff_ids: Vec<String>,
}

type Set = BTreeMap<String, serde_json::Value>;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ProcessConfig {
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    env: Option<Vec<String>>,
    working_dir: Option<String>,
    user: Option<String>,
    stop_signal: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    exposed_ports: Option<Set>,
    volumes: Option<Set>,
}

impl ConfigFile {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ImageError> {
        serde_json::from_slice(bytes)
            .map_err(|error| ImageError::corrupt("the image configuration", error))
    }

    /// The file for an image made of one imported layer.
    pub(super) fn of_import(config: ImageConfig, diff_id: String) -> Self {
        let set = |names: Vec<String>| {
            let empty = || serde_json::Value::Object(serde_json::Map::new());
            Some(
                names
                    .into_iter()
                    .map(|name| (name, empty()))
                    .collect::<Set>(),
            )
        };
        Self {
            architecture: HOST_ARCHITECTURE.to_owned(),
            os: "linux".to_owned(),
            created: None,
            config: Some(ProcessConfig {
                entrypoint: Some(config.entrypoint),
                cmd: Some(config.cmd),
                env: Some(config.env),
                working_dir: config.working_dir,
                user: config.user,
                stop_signal: config.stop_signal,
                labels: Some(config.labels),
                exposed_ports: set(config.exposed_ports),
                volumes: set(config.volumes),
            }),
            rootfs: RootFs {
                kind: "layers".to_owned(),
                diff_ids: vec![diff_id],
            },
        }
    }

    pub(super) fn image_config(&mut self) -> ImageConfig {
        let config = self.config.take().unwrap_or_default();
        let names = |set: Option<Set>| set.unwrap_or_default().into_keys().collect();
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        ImageConfig {
            entrypoint: config.entrypoint.unwrap_or_default(),
            cmd: config.cmd.unwrap_or_default(),
            env: config.env.unwrap_or_default(),
            working_dir: text(config.working_dir),
            user: text(config.user),
            stop_signal: text(config.stop_signal),
            labels: config.labels.unwrap_or_default(),
            exposed_ports: names(config.exposed_ports),
            volumes: names(config.volumes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, number: Option<i32>) {
        assert_eq!(signal_number(name), number, "{name}");
    }

    #[test]
    fn stop_signals_have_names_and_numbers() {
        check("SIGQUIT", Some(3));
        check("quit", Some(3));
        check("9", Some(9));
        check("SIGRTMIN+3", Some(37));
        check("RTMAX-1", Some(63));
        check("RTMIN", Some(34));
        check("SIGRTMIN+40", None);
        check("SIGNOTHING", None);
        check("0", None);
    }

    #[test]
    fn null_members_of_a_configuration_are_absent_ones() {
        let json = br#"{"architecture":"amd64","os":"linux","config":{"Entrypoint":null,
            "Cmd":["sh"],"Volumes":{"/data":{}},"WorkingDir":""},
            "rootfs":{"type":"layers","diff_ids":[]}}"#;
        let config = ConfigFile::parse(json).unwrap().image_config();
        assert_eq!(config.cmd, ["sh"]);
        assert_eq!(config.volumes, ["/data"]);
        assert_eq!((config.entrypoint.len(), config.working_dir), (0, None));
    }
}
