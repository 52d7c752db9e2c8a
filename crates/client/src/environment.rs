//! What the environment and the shared AWS files say.
//!
//! First match wins. Region: `AWS_REGION`, `AWS_DEFAULT_REGION`, profile. Endpoint:
//! the service's own variable, the service's key in the profile, `AWS_ENDPOINT_URL`,
//! the profile's `endpoint_url`; all of them silenced by
//! `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`. Keys: see `keys`. Everything else: a variable,
//! then a key of the profile.

mod keys;

use std::path::PathBuf;

use crate::config::{Config, ConfigBuilder, ConfigError};
use crate::endpoint::Given;
use crate::profile::{Profile, Profiles};
use crate::retry::{Retry, RetryRules};
use crate::service::{ECS, LOGS, Service};

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
        Environment::new(&lookup)?.read()
    }
}

struct Environment<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    profiles: Profiles,
    profile_name: String,
    profile: Profile,
}

impl<'a> Environment<'a> {
    fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let named = variable(lookup, "AWS_PROFILE");
        let profiles = load_profiles(lookup)?;
        let profile_name = named.clone().unwrap_or_else(|| "default".to_owned());
        let profile = profiles.profile(&profile_name);
        if profile.is_none()
            && let Some(name) = named
        {
            return Err(ConfigError::Profile(format!(
                "AWS_PROFILE names `{name}`, which is in neither of the AWS files"
            )));
        }
        Ok(Self {
            lookup,
            profiles,
            profile_name,
            profile: profile.unwrap_or_default(),
        })
    }

    fn read(&self) -> Result<ConfigBuilder, ConfigError> {
        let mut builder = Config::builder();
        builder.region = self.region();
        if !self.ignores_endpoints() {
            builder.endpoints.ecs_url = self.endpoint(&ECS);
            builder.endpoints.logs_url = self.endpoint(&LOGS);
        }
        builder.endpoints.fips = self.flag("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")?;
        builder.endpoints.dual_stack =
            self.flag("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")?;
        builder.retry = self.retry()?;
        let as_it_is = self.flag(
            "AWS_DISABLE_CLOCK_SKEW_CORRECTION",
            "disable_clock_skew_correction",
        )?;
        builder.repair_clock = !as_it_is.is_some_and(|given| given.value);
        builder.app_id = self
            .setting("AWS_SDK_UA_APP_ID", "sdk_ua_app_id")
            .map(|id| id.value);
        builder.execution_environment = self.get("AWS_EXECUTION_ENV");
        builder.metadata = self.metadata()?.ok();
        builder.keys = self.keys()?;
        Ok(builder)
    }

    fn region(&self) -> Option<String> {
        self.get("AWS_REGION")
            .or_else(|| self.get("AWS_DEFAULT_REGION"))
            .or_else(|| self.profile.get("region"))
    }

    fn get(&self, name: &str) -> Option<String> {
        variable(self.lookup, name)
    }

    fn variable(&self, name: &str) -> Option<Given<String>> {
        let value = self.get(name)?;
        let by = name.to_owned();
        Some(Given { value, by })
    }

    fn in_profile(&self, key: &str) -> Option<Given<String>> {
        let value = self.profile.get(key)?;
        let by = self.name_of(key);
        Some(Given { value, by })
    }

    /// How a key of the profile is called in errors.
    fn name_of(&self, key: &str) -> String {
        format!("`{key}` of profile `{}`", self.profile_name)
    }

    /// A variable, else a key of the profile.
    fn setting(&self, variable: &str, key: &str) -> Option<Given<String>> {
        self.variable(variable).or_else(|| self.in_profile(key))
    }

    fn flag(&self, variable: &str, key: &str) -> Result<Option<Given<bool>>, ConfigError> {
        let Some(text) = self.setting(variable, key) else {
            return Ok(None);
        };
        match boolean(&text.value) {
            Some(value) => Ok(Some(Given { value, by: text.by })),
            None => {
                let problem = format!("`{}` is neither `true` nor `false`", text.value);
                Err(invalid(&text.by, problem))
            }
        }
    }

    fn endpoint(&self, service: &Service) -> Option<Given<String>> {
        let in_section = || {
            let key = "endpoint_url";
            let url = self
                .profiles
                .service(&self.profile, service.profile_key, key);
            url.map(|value| Given {
                value,
                by: self.name_of(&format!("services / {} / {key}", service.profile_key)),
            })
        };
        self.variable(service.endpoint_variable)
            .or_else(in_section)
            .or_else(|| self.setting("AWS_ENDPOINT_URL", "endpoint_url"))
    }

    /// A nonsensical value is warned of and ignored, as the AWS tools do.
    fn ignores_endpoints(&self) -> bool {
        let setting = self.setting(
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
            "ignore_configured_endpoint_urls",
        );
        let Some(text) = setting else { return false };
        boolean(&text.value).unwrap_or_else(|| {
            tracing::warn!(
                by = text.by,
                value = text.value,
                "neither true nor false: ignored"
            );
            false
        })
    }

    fn retry(&self) -> Result<Retry, ConfigError> {
        let mut retry = Retry::default();
        if let Some(text) = self.setting("AWS_MAX_ATTEMPTS", "max_attempts") {
            let number = text.value.trim().parse().ok().filter(|n| *n > 0);
            retry.max_attempts = number.ok_or_else(|| {
                let problem = format!("`{}` is not a number from 1 up", text.value);
                invalid(&text.by, problem)
            })?;
        }
        let new_rules = self.flag("AWS_NEW_RETRIES_2026", "new_retries_2026")?;
        if new_rules.is_some_and(|given| given.value) {
            retry.rules = RetryRules::From2026;
        }
        if let Some(mode) = self.setting("AWS_RETRY_MODE", "retry_mode") {
            retry.adaptive = match mode.value.as_str() {
                "standard" => false,
                "adaptive" => true,
                other => {
                    let problem = format!("`{other}` is neither `standard` nor `adaptive`");
                    return Err(invalid(&mode.by, problem));
                }
            };
        }
        Ok(retry)
    }
}

/// A variable; an empty one counts as not set.
fn variable(lookup: &dyn Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    lookup(name).filter(|value| !value.is_empty())
}

/// Where the config file and the credentials file are.
fn files(lookup: &dyn Fn(&str) -> Option<String>) -> [Option<PathBuf>; 2] {
    let home = variable(lookup, "HOME").map(PathBuf::from);
    [
        ("AWS_CONFIG_FILE", "config"),
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
    ]
    .map(|(name, usual)| match variable(lookup, name) {
        Some(path) => Some(PathBuf::from(path)),
        None => home.as_ref().map(|home| home.join(".aws").join(usual)),
    })
}

fn load_profiles(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Profiles, ConfigError> {
    let [config, credentials] = files(lookup);
    Profiles::load(config.as_deref(), credentials.as_deref())
}

fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn invalid(name: &str, problem: String) -> ConfigError {
    ConfigError::Value {
        name: name.to_owned(),
        problem,
    }
}
