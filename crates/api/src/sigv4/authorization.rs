//! The `Authorization` header: `AWS4-… Credential=…, SignedHeaders=…, Signature=…`.

use super::Refusal;

/// The parts of the header, as far as they are there. Names are case-sensitive, their order is
/// free, blanks around commas are optional; parts with other names are ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Authorization<'a> {
    pub algorithm: &'a str,
    pub credential: Option<&'a str>,
    pub signed_headers: Option<&'a str>,
    pub signature: Option<&'a str>,
}

impl<'a> Authorization<'a> {
    pub fn parse(header: &'a str) -> Result<Self, Refusal> {
        let (algorithm, parts) = header.split_once(' ').unwrap_or((header, ""));
        let mut parsed = Self {
            algorithm,
            ..Self::default()
        };
        for part in parts
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let Some((name, value)) = part.split_once('=') else {
                return Err(Refusal::NotKeyValue {
                    part: part.into(),
                    header: header.into(),
                });
            };
            parsed.set(name, value);
        }
        Ok(parsed)
    }

    /// The first of two parts with the same name counts. An empty one counts as absent.
    fn set(&mut self, name: &str, value: &'a str) {
        let slot = match name {
            "Credential" => &mut self.credential,
            "SignedHeaders" => &mut self.signed_headers,
            "Signature" => &mut self.signature,
            _ => return,
        };
        if slot.is_none() && !value.is_empty() {
            *slot = Some(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(header: &str, expected: &str) {
        let text = match Authorization::parse(header) {
            Ok(parsed) => format!(
                "{} {:?} {:?} {:?}",
                parsed.algorithm, parsed.credential, parsed.signed_headers, parsed.signature
            ),
            Err(refusal) => refusal.to_string(),
        };
        assert_eq!(text, expected);
    }

    #[test]
    fn parts_come_in_any_order_with_any_blanks() {
        let expected = r#"AWS4-HMAC-SHA256 Some("a/b") Some("host;x") Some("00ff")"#;
        check(
            "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host;x, Signature=00ff",
            expected,
        );
        let expected = r#"AWS4-HMAC-SHA256 Some("a/b") Some("host;x") Some("00ff")"#;
        check(
            "AWS4-HMAC-SHA256  Signature=00ff,SignedHeaders=host;x ,Credential=a/b",
            expected,
        );
    }

    #[test]
    fn what_is_missing_is_none() {
        check("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 None None None");
        check("AWS4-X Credential=, credential=b", "AWS4-X None None None");
        check(
            "AWS4-X Credential=a, Credential=b, Extra=1",
            r#"AWS4-X Some("a") None None"#,
        );
    }

    #[test]
    fn a_part_without_an_equal_sign_is_refused() {
        check(
            "AWS4-X Credential, Signature=1",
            "'Credential' not a valid key=value pair (missing equal-sign) in Authorization header: 'AWS4-X Credential, Signature=1'.",
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(header in ".{0,80}") {
            let _ = Authorization::parse(&header);
        }
    }
}
