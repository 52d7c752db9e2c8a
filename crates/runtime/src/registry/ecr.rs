//! Private registries of Amazon ECR, which let nobody in without a login.

use std::fmt;

use async_trait::async_trait;

/// Whose registry it is, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EcrRegistry {
    /// Twelve digits.
    pub account: String,
    pub region: String,
}

/// Fetches logins at registries of Amazon ECR. `Debug` shows none.
#[async_trait]
pub trait EcrTokens: fmt::Debug + Send + Sync {
    /// Base64 of `user:password`, as `auth` in docker's `config.json`; or why there is none, in
    /// words that show nothing of one.
    async fn token(&self, registry: &EcrRegistry) -> Result<String, String>;
}

impl EcrRegistry {
    /// Of a host like `ACCOUNT.dkr.ecr.REGION.amazonaws.com`, or of its FIPS, dual-stack and China
    /// forms; `None` if it is no such registry.
    pub fn of(registry: &str) -> Option<Self> {
        let labels: Vec<&str> = registry.split('.').collect();
        let (account, region) = match labels.as_slice() {
            [
                account,
                "dkr",
                "ecr" | "ecr-fips",
                region,
                "amazonaws",
                "com",
            ]
            | [
                account,
                "dkr",
                "ecr" | "ecr-fips",
                region,
                "amazonaws",
                "com",
                "cn",
            ]
            | [account, "dkr-ecr" | "dkr-ecr-fips", region, "on", "aws"] => (account, region),
            _ => return None,
        };
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        is_account.then(|| Self {
            account: (*account).to_owned(),
            region: (*region).to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_registries_are_known() {
        for (registry, region) in [
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "eu-west-1"),
            (
                "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com",
                "us-east-1",
            ),
            (
                "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
                "cn-north-1",
            ),
            ("123456789012.dkr-ecr.eu-west-1.on.aws", "eu-west-1"),
        ] {
            let expected = EcrRegistry {
                account: "123456789012".to_owned(),
                region: region.to_owned(),
            };
            assert_eq!(EcrRegistry::of(registry), Some(expected), "{registry}");
        }
        for registry in [
            "public.ecr.aws",
            "12345.dkr.ecr.eu-west-1.amazonaws.com",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example",
            "docker.io",
        ] {
            assert_eq!(EcrRegistry::of(registry), None, "{registry}");
        }
    }
}
