//! What a caller names as credential: key id and scope, `AKID/20260105/eu-west-1/ecs/aws4_request`.

use super::amz_date::AmzDate;
use super::{Refusal, TERMINATOR};

/// Longest region name taken. The longest real one has 14 characters.
const REGION_BYTES_MAX: usize = 64;

/// A credential of five parts, not yet checked for anything but their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credential<'a> {
    pub access_key_id: &'a str,
    pub date: &'a str,
    pub region: &'a str,
    pub service: &'a str,
    pub terminator: &'a str,
    /// Everything after the key id, as it goes into the string to sign.
    pub scope: &'a str,
}

impl<'a> Credential<'a> {
    pub fn parse(text: &'a str) -> Result<Self, Refusal> {
        Self::split(text).ok_or_else(|| Refusal::CredentialParts(text.into()))
    }

    fn split(text: &'a str) -> Option<Self> {
        let (access_key_id, scope) = text.split_once('/')?;
        let mut parts = scope.split('/');
        let mut next = || parts.next();
        let (date, region, service, terminator) = (next()?, next()?, next()?, next()?);
        if next().is_some() {
            return None;
        }
        Some(Self {
            access_key_id,
            date,
            region,
            service,
            terminator,
            scope,
        })
    }

    /// Any region is right: a client with a custom endpoint signs for the one it is configured for.
    pub fn names_a_region(&self) -> bool {
        (1..=REGION_BYTES_MAX).contains(&self.region.len())
            && self
                .region
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    }

    /// All that is wrong with the scope goes into one refusal.
    pub(super) fn check_scope(&self, service: &str, date: &AmzDate) -> Result<(), Refusal> {
        let mut wrong = String::new();
        if !self.names_a_region() {
            let region = self.region;
            wrong += &format!("Credential should be scoped to a valid region, not '{region}'. ");
        }
        if self.service != service {
            wrong += &format!("Credential should be scoped to correct service: '{service}'. ");
        }
        if self.terminator != TERMINATOR {
            let terminator = self.terminator;
            wrong += &format!(
                "Credential should be scoped with a valid terminator: '{TERMINATOR}', not \
                 '{terminator}'. "
            );
        }
        if self.date != date.day() {
            let (scoped, day, full) = (self.date, date.day(), date.as_str());
            wrong += &format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date \
                 from HTTP: '{scoped}' != '{day}', from '{full}'. "
            );
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(Refusal::Scope(wrong))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(credential: &str, expected: &str) {
        let date = AmzDate::parse("20260105T101500Z").unwrap();
        let result = Credential::parse(credential)
            .and_then(|credential| credential.check_scope("ecs", &date).map(|()| credential));
        let text = match result {
            Ok(credential) => format!("{} | {}", credential.access_key_id, credential.scope),
            Err(refusal) => refusal.to_string(),
        };
        assert_eq!(text, expected);
    }

    #[test]
    fn a_right_scope_of_any_region_is_taken() {
        check(
            "AKID/20260105/eu-west-1/ecs/aws4_request",
            "AKID | 20260105/eu-west-1/ecs/aws4_request",
        );
        check(
            "AKID/20260105/local/ecs/aws4_request",
            "AKID | 20260105/local/ecs/aws4_request",
        );
    }

    #[test]
    fn five_parts_are_required() {
        let expected = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKID'";
        check("AKID", expected);
        let expected = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b/c/d/e/f'";
        check("a/b/c/d/e/f", expected);
    }

    #[test]
    fn all_faults_of_a_scope_are_told_together() {
        check(
            "AKID/20260104//s3/aws3",
            "Credential should be scoped to a valid region, not ''. Credential should be scoped to correct service: 'ecs'. Credential should be scoped with a valid terminator: 'aws4_request', not 'aws3'. Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260104' != '20260105', from '20260105T101500Z'. ",
        );
    }
}
