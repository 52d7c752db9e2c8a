//! The ways of getting keys that need other services: roles, web identity, processes.
//! They are those of `aws-config`, over this client's own HTTP.

use std::path::PathBuf;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::{StaticConfiguration, WebIdentityTokenCredentialsProvider};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_types::region::Region;

use super::fetch::Means;
use super::{Credentials, Miss};
use crate::endpoint::Endpoint;
use crate::failure;

/// Which way, as the environment describes it.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// What a profile says.
    Profile {
        name: String,
        config: Option<PathBuf>,
        credentials: Option<PathBuf>,
    },
    /// A token in a file for a role.
    WebIdentity {
        token_file: PathBuf,
        role_arn: String,
        session_name: String,
    },
}

/// A way that can be asked.
#[derive(Debug)]
pub(crate) struct Full(SharedCredentialsProvider);

impl Full {
    pub(crate) fn new(way: Way, region: Option<String>, means: &Means) -> Result<Self, String> {
        // Where the services are is not known yet; all of them speak TLS.
        let services = Endpoint::parse("https://sts.amazonaws.com")?;
        let settings = ProviderConfig::without_region()
            .with_behavior_version(Some(BehaviorVersion::v2026_01_12()))
            .with_http_client(means.transports.to(&services))
            .with_sleep_impl(means.sleep.clone())
            .with_time_source(means.time.clone())
            .with_region(region.map(Region::new));
        Ok(Self(match way {
            Way::Profile {
                name,
                config,
                credentials,
            } => SharedCredentialsProvider::new(
                ProfileFileCredentialsProvider::builder()
                    .configure(&settings)
                    .profile_name(name)
                    .profile_files(files(config, credentials))
                    .build(),
            ),
            Way::WebIdentity {
                token_file,
                role_arn,
                session_name,
            } => SharedCredentialsProvider::new(
                WebIdentityTokenCredentialsProvider::builder()
                    .configure(&settings)
                    .static_configuration(StaticConfiguration {
                        web_identity_token_file: token_file,
                        role_arn,
                        session_name,
                    })
                    .build(),
            ),
        }))
    }

    pub(crate) async fn load(&self) -> Result<Credentials, Miss> {
        let loaded = self.0.provide_credentials().await;
        let keys = loaded.map_err(|error| match error {
            CredentialsError::CredentialsNotLoaded(_) => {
                Miss::NotConfigured(failure::chain(&error))
            }
            _ => Miss::Failed(failure::chain(&error)),
        })?;
        let ours = Credentials::new(keys.access_key_id(), keys.secret_access_key());
        let ours = match keys.session_token() {
            Some(token) => ours.with_session_token(token),
            None => ours,
        };
        Ok(match keys.expiry() {
            Some(end) => ours.with_expiry(end),
            None => ours,
        })
    }
}

fn files(config: Option<PathBuf>, credentials: Option<PathBuf>) -> EnvConfigFiles {
    let mut files = EnvConfigFiles::builder();
    if let Some(path) = config {
        files = files.with_file(EnvConfigFileKind::Config, path);
    }
    if let Some(path) = credentials {
        files = files.with_file(EnvConfigFileKind::Credentials, path);
    }
    files.build()
}
