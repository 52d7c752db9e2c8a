//! What the environment and the shared AWS files say.
//!
//! First match wins. Region: `AWS_REGION`, `AWS_DEFAULT_REGION`, profile. Endpoint:
//! the service's own variable, the service's key in the profile, `AWS_ENDPOINT_URL`,
//! the profile's `endpoint_url`; all of them silenced by
//! `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`. Keys: variables, then the profile.

use std::path::PathBuf;

use crate::config::{Config, ConfigBuilder, ConfigError};
use crate::credentials::Credentials;
use crate::profile::{Profile, Profiles};
use crate::retry::Retry;
use crate::service::{ECS, LOGS, Service};

/// Ways of getting keys that a profile can name and this client does not have.
const OTHER_SOURCES: &[&str] = &[
    "role_arn",
    "sso_session",
    "sso_start_url",
    "credential_process",
    "login_session",
    "web_identity_token_file",
];

impl Config {
    /// Reads variables through `lookup` and the shared files that they name. What the
    /// user gives otherwise is laid over the result before it is built.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), longshore_client::ConfigError> {
    /// let config = longshore_client::Config::from_env(|name| std::env::var(name).ok())?
    ///     .region("eu-west-1")
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Result<ConfigBuilder, ConfigError> {
        Environment { lookup: &lookup }.read()
    }
}

struct Environment<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
}

impl Environment<'_> {
    fn read(&self) -> Result<ConfigBuilder, ConfigError> {
        let profiles = self.profiles()?;
        let profile = profiles.profile(&self.profile_name());
        if profile.is_none()
            && let Some(name) = self.get("AWS_PROFILE")
        {
            return Err(ConfigError::Profile(format!(
                "AWS_PROFILE names `{name}`, which is in neither of the AWS files"
            )));
        }
        let profile = profile.unwrap_or_default();
        let mut builder = Config::builder();
        builder.region = self
            .get("AWS_REGION")
            .or_else(|| self.get("AWS_DEFAULT_REGION"))
            .or_else(|| profile.get("region"));
        if !self.ignores_endpoints(&profile)? {
            builder.endpoint_url = self.endpoint(&ECS, &profile, &profiles);
            builder.logs_endpoint_url = self.endpoint(&LOGS, &profile, &profiles);
        }
        builder.retry = self.retry(&profile)?;
        builder.app_id = self
            .get("AWS_SDK_UA_APP_ID")
            .or_else(|| profile.get("sdk_ua_app_id"));
        builder.execution_environment = self.get("AWS_EXECUTION_ENV");
        builder.unknown_endpoint_kind = self.endpoint_kind()?;
        match self.keys(&profile)? {
            Ok(keys) => Ok(builder.credentials(keys)),
            Err(why) => {
                builder.no_credentials = Some(why);
                Ok(builder)
            }
        }
    }

    /// A variable; an empty one counts as not set.
    fn get(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    fn profile_name(&self) -> String {
        self.get("AWS_PROFILE")
            .unwrap_or_else(|| "default".to_owned())
    }

    fn profiles(&self) -> Result<Profiles, ConfigError> {
        let home = self.get("HOME").map(PathBuf::from);
        let file = |variable: &str, name: &str| match self.get(variable) {
            Some(path) => Some(PathBuf::from(path)),
            None => home.as_ref().map(|home| home.join(".aws").join(name)),
        };
        Profiles::load(
            file("AWS_CONFIG_FILE", "config").as_deref(),
            file("AWS_SHARED_CREDENTIALS_FILE", "credentials").as_deref(),
        )
    }

    fn endpoint(&self, service: &Service, profile: &Profile, all: &Profiles) -> Option<String> {
        self.get(service.endpoint_variable)
            .or_else(|| all.service(profile, service.profile_key, "endpoint_url"))
            .or_else(|| self.get("AWS_ENDPOINT_URL"))
            .or_else(|| profile.get("endpoint_url"))
    }

    fn ignores_endpoints(&self, profile: &Profile) -> Result<bool, ConfigError> {
        const KEY: &str = "ignore_configured_endpoint_urls";
        match self.flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")? {
            Some(ignores) => Ok(ignores),
            None => Ok(boolean(KEY, profile.get(KEY))?.unwrap_or(false)),
        }
    }

    fn endpoint_kind(&self) -> Result<Option<&'static str>, ConfigError> {
        for variable in ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"] {
            if self.flag(variable)? == Some(true) {
                return Ok(Some(variable));
            }
        }
        Ok(None)
    }

    fn flag(&self, name: &str) -> Result<Option<bool>, ConfigError> {
        boolean(name, self.get(name))
    }

    fn retry(&self, profile: &Profile) -> Result<Retry, ConfigError> {
        let mut retry = Retry::default();
        if let Some(text) = self
            .get("AWS_MAX_ATTEMPTS")
            .or_else(|| profile.get("max_attempts"))
        {
            retry.max_attempts = text.trim().parse().ok().filter(|n| *n > 0).ok_or_else(|| {
                invalid(
                    "AWS_MAX_ATTEMPTS",
                    format!("`{text}` is not a number from 1 up"),
                )
            })?;
        }
        match self
            .get("AWS_RETRY_MODE")
            .or_else(|| profile.get("retry_mode"))
            .as_deref()
        {
            None | Some("standard") => {}
            Some("adaptive") => retry.adaptive = true,
            Some(mode) => {
                let problem = format!("`{mode}` is neither `standard` nor `adaptive`");
                return Err(invalid("AWS_RETRY_MODE", problem));
            }
        }
        Ok(retry)
    }

    /// Keys, or why there are none.
    fn keys(&self, profile: &Profile) -> Result<Result<Credentials, String>, ConfigError> {
        let from_variables = pair("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", |name| {
            self.get(name)
        })?;
        if let Some(keys) = from_variables {
            return Ok(Ok(with_token(keys, self.get("AWS_SESSION_TOKEN"))));
        }
        let from_profile = pair("aws_access_key_id", "aws_secret_access_key", |name| {
            profile.get(name)
        })?;
        if let Some(keys) = from_profile {
            return Ok(Ok(with_token(keys, profile.get("aws_session_token"))));
        }
        let name = self.profile_name();
        Ok(Err(
            match OTHER_SOURCES.iter().find(|key| profile.get(key).is_some()) {
                Some(key) => format!(
                    "profile `{name}` gets them by `{key}`, which this client cannot do; \
                 `aws configure export-credentials --format env` turns them into variables"
                ),
                None => format!(
                    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or put keys into profile `{name}`"
                ),
            },
        ))
    }
}

/// Both halves of a key, neither, or an error that names the missing half.
fn pair(
    id: &str,
    secret: &str,
    get: impl Fn(&str) -> Option<String>,
) -> Result<Option<Credentials>, ConfigError> {
    match (get(id), get(secret)) {
        (Some(id), Some(secret)) => Ok(Some(Credentials::new(id, secret))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(invalid(secret, format!("not set, though {id} is"))),
        (None, Some(_)) => Err(invalid(id, format!("not set, though {secret} is"))),
    }
}

fn with_token(keys: Credentials, token: Option<String>) -> Credentials {
    match token {
        Some(token) => keys.with_session_token(token),
        None => keys,
    }
}

fn boolean(name: &str, value: Option<String>) -> Result<Option<bool>, ConfigError> {
    match value.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(other) => Err(invalid(
            name,
            format!("`{other}` is neither `true` nor `false`"),
        )),
    }
}

fn invalid(name: &str, problem: String) -> ConfigError {
    ConfigError::Value {
        name: name.to_owned(),
        problem,
    }
}
