//! Who signs, as far as the environment says.
//!
//! In this order: variables, profile, web identity, container, instance metadata. What is
//! written down is read here and now; services are asked when keys are needed.

use super::{Environment, invalid};
use crate::config::ConfigError;
#[cfg(feature = "aws-config")]
use crate::credentials::Way;
use crate::credentials::{
    Credentials, ECS_HOST, FULL_URI, IPV4, IPV6, KeySource, Named, RELATIVE_URI, Source, Token,
};
use crate::endpoint::Endpoint;

/// Ways of getting keys that a profile can name, in the order in which they count. They
/// go before keys that stand in the same profile.
const OTHER_WAYS: [&str; 7] = [
    "role_arn",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
    "login_session",
    "credential_process",
    "credential_source",
];

const WEB_IDENTITY: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const METADATA_DISABLED: &str = "AWS_EC2_METADATA_DISABLED";

impl Environment<'_> {
    pub(super) fn keys(&self) -> Result<KeySource, ConfigError> {
        let of_variables = self.pair(
            ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
                .map(|name| (name.to_owned(), self.get(name))),
            self.get("AWS_SESSION_TOKEN"),
        )?;
        if let Some(keys) = of_variables {
            return Ok(keys);
        }
        let way = OTHER_WAYS
            .iter()
            .find(|key| self.profile.get(key).is_some());
        if let Some(way) = way {
            return Ok(self.by_profile(&self.name_of(way)));
        }
        let of_profile = self.pair(
            ["aws_access_key_id", "aws_secret_access_key"]
                .map(|key| (self.name_of(key), self.profile.get(key))),
            self.profile.get("aws_session_token"),
        )?;
        if let Some(keys) = of_profile {
            return Ok(keys);
        }
        if self.get(WEB_IDENTITY).is_some() {
            return self.by_web_identity();
        }
        Ok(KeySource::Chain(self.sources()?))
    }

    #[cfg(feature = "aws-config")]
    fn by_profile(&self, _: &str) -> KeySource {
        let [config, credentials] = super::files(self.lookup);
        let way = Way::Profile {
            name: self.profile_name.clone(),
            config,
            credentials,
        };
        KeySource::Chain(vec![("Profile", Source::Full(way, self.region()))])
    }

    #[cfg(feature = "aws-config")]
    fn by_web_identity(&self) -> Result<KeySource, ConfigError> {
        let role_arn = self
            .get("AWS_ROLE_ARN")
            .ok_or_else(|| invalid("AWS_ROLE_ARN", format!("not set, though {WEB_IDENTITY} is")))?;
        let session_name = self.get("AWS_ROLE_SESSION_NAME");
        let way = Way::WebIdentity {
            token_file: self.get(WEB_IDENTITY).unwrap_or_default().into(),
            role_arn,
            session_name: session_name.unwrap_or_else(|| "longshore-client".to_owned()),
        };
        let source = Source::Full(way, self.region());
        Ok(KeySource::Chain(vec![("WebIdentityToken", source)]))
    }

    #[cfg(not(feature = "aws-config"))]
    fn by_profile(&self, asked_by: &str) -> KeySource {
        KeySource::Missing(self.needs_feature(asked_by))
    }

    #[cfg(not(feature = "aws-config"))]
    fn by_web_identity(&self) -> Result<KeySource, ConfigError> {
        Ok(KeySource::Missing(self.needs_feature(WEB_IDENTITY)))
    }

    #[cfg(not(feature = "aws-config"))]
    fn needs_feature(&self, asked_by: &str) -> String {
        // Two ways that aws-config itself leaves out unless it is asked for them.
        let also = match asked_by {
            way if way.contains("sso_") => " and the feature `sso` of aws-config",
            way if way.contains("login_session") => {
                " and the feature `credentials-login` of aws-config"
            }
            _ => "",
        };
        format!(
            "{asked_by} asks for a way of getting keys that is not built in: build with the \
             feature `aws-config` of longshore-client{also}, or turn the keys into variables with \
             `aws configure export-credentials --profile {} --format env`",
            self.profile_name
        )
    }

    /// Both halves of a key, neither, or an error that names the missing half.
    fn pair(
        &self,
        [(id_name, id), (secret_name, secret)]: [(String, Option<String>); 2],
        token: Option<String>,
    ) -> Result<Option<KeySource>, ConfigError> {
        let keys = match (id, secret) {
            (Some(id), Some(secret)) => Credentials::new(id, secret),
            (None, None) => return Ok(None),
            (Some(_), None) => {
                return Err(invalid(
                    &secret_name,
                    format!("not set, though {id_name} is"),
                ));
            }
            (None, Some(_)) => {
                return Err(invalid(
                    &id_name,
                    format!("not set, though {secret_name} is"),
                ));
            }
        };
        let keys = match token {
            Some(token) => keys.with_session_token(token),
            None => keys,
        };
        Ok(Some(KeySource::Given(std::sync::Arc::new(keys))))
    }

    /// What is left when no keys are written down.
    fn sources(&self) -> Result<Vec<Named<Source>>, ConfigError> {
        let passed = |why: String| Source::Passed(why);
        let profile = format!("profile `{}` has no keys", self.profile_name);
        Ok(vec![
            (
                "Environment",
                passed("AWS_ACCESS_KEY_ID is not set".to_owned()),
            ),
            ("Profile", passed(profile)),
            (
                "WebIdentityToken",
                passed(format!("{WEB_IDENTITY} is not set")),
            ),
            ("EcsContainer", self.container()),
            (
                "Ec2InstanceMetadata",
                self.metadata()?.map_or_else(passed, Source::Metadata),
            ),
        ])
    }

    fn container(&self) -> Source {
        let of_host = |path: String| {
            let slash = if path.starts_with('/') { "" } else { "/" };
            format!("{ECS_HOST}{slash}{path}")
        };
        let url = self
            .get(RELATIVE_URI)
            .map(of_host)
            .or_else(|| self.get(FULL_URI));
        let token = self
            .get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
            .map(|path| Token::File(path.into()))
            .or_else(|| {
                self.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
                    .map(Token::Given)
            });
        match url {
            Some(url) => Source::Container(url, token),
            None => Source::Passed(format!("neither {RELATIVE_URI} nor {FULL_URI} is set")),
        }
    }

    /// Where the instance metadata service is, or who switched it off.
    pub(super) fn metadata(&self) -> Result<Result<Endpoint, String>, ConfigError> {
        let disabled = self.variable(METADATA_DISABLED);
        if disabled.is_some_and(|text| super::boolean(&text.value) == Some(true)) {
            return Ok(Err(format!("switched off by {METADATA_DISABLED}")));
        }
        let url = self.setting(
            "AWS_EC2_METADATA_SERVICE_ENDPOINT",
            "ec2_metadata_service_endpoint",
        );
        let mode = self.setting(
            "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
            "ec2_metadata_service_endpoint_mode",
        );
        let usual = match &mode {
            None => IPV4,
            Some(mode) if mode.value.eq_ignore_ascii_case("ipv4") => IPV4,
            Some(mode) if mode.value.eq_ignore_ascii_case("ipv6") => IPV6,
            Some(mode) => {
                let problem = format!("`{}` is neither `IPv4` nor `IPv6`", mode.value);
                return Err(invalid(&mode.by, problem));
            }
        };
        match url {
            Some(url) => Endpoint::parse(&url.value).map_err(|why| invalid(&url.by, why)),
            None => Endpoint::parse(usual).map_err(ConfigError::Endpoint),
        }
        .map(Ok)
    }
}
