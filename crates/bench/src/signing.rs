//! Whole requests as bytes, signed by AWS's own signer.

use std::time::SystemTime;

use anyhow::Context as _;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use clap::Args;

const SERVICE: &str = "ecs";
const TARGET_PREFIX: &str = "AmazonEC2ContainerServiceV20141113";
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// Where requests go and who signs them.
#[derive(Args, Clone)]
pub struct Caller {
    /// The server, as http://HOST:PORT
    #[arg(long)]
    pub url: String,
    #[arg(long, default_value = "us-east-1")]
    pub region: String,
    #[arg(long, env = "LONGSHORE_ROOT_ACCESS_KEY_ID")]
    pub access_key_id: String,
    #[arg(long, env = "LONGSHORE_ROOT_SECRET_ACCESS_KEY", hide_env_values = true)]
    pub secret_access_key: String,
}

impl Caller {
    /// Host and port.
    pub fn authority(&self) -> anyhow::Result<&str> {
        let authority = self
            .url
            .strip_prefix("http://")
            .map(|rest| rest.trim_end_matches('/'));
        authority.context("--url must be http://HOST:PORT")
    }

    /// One request of the ECS API.
    pub fn request(
        &self,
        operation: &str,
        body: &str,
        date: SystemTime,
    ) -> anyhow::Result<Vec<u8>> {
        let authority = self.authority()?;
        let target = format!("{TARGET_PREFIX}.{operation}");
        let headers = [
            ("host", authority),
            ("content-type", CONTENT_TYPE),
            ("x-amz-target", &target),
        ];
        let length = body.len();
        let mut head = "POST / HTTP/1.1\r\n".to_owned();
        let signature = self.signature(&headers, body, date)?;
        let signature = signature
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in headers.into_iter().chain(signature) {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str(&format!("content-length: {length}\r\n\r\n{body}"));
        Ok(head.into_bytes())
    }

    /// The headers that the signer adds.
    fn signature(
        &self,
        headers: &[(&str, &str)],
        body: &str,
        date: SystemTime,
    ) -> anyhow::Result<Vec<(String, String)>> {
        let credentials = Credentials::new(
            &self.access_key_id,
            &self.secret_access_key,
            None,
            None,
            "bench",
        );
        let identity = credentials.into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(SERVICE)
            .time(date)
            .settings(SigningSettings::default())
            .build()?
            .into();
        let url = format!("{}/", self.url.trim_end_matches('/'));
        let body = SignableBody::Bytes(body.as_bytes());
        let request = SignableRequest::new("POST", url, headers.iter().copied(), body)?;
        let (instructions, _) = sign(request, &parameters)?.into_parts();
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Ok(instructions.headers().map(owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_complete_and_signs_what_it_sends() {
        let caller = Caller {
            url: "http://127.0.0.1:8327".to_owned(),
            region: "us-east-1".to_owned(),
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "secret".to_owned(),
        };
        let request = caller
            .request("ListTasks", "{}", SystemTime::UNIX_EPOCH)
            .unwrap();
        let text = String::from_utf8(request).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("POST / HTTP/1.1\r\nhost: 127.0.0.1:8327\r\n"),
            "{head}"
        );
        assert!(head.contains("x-amz-date: 19700101T000000Z"), "{head}");
        let signed = "SignedHeaders=content-type;host;x-amz-date;x-amz-target";
        assert!(head.contains(signed), "{head}");
        assert!(head.ends_with("content-length: 2"), "{head}");
        assert_eq!(body, "{}");
    }
}
