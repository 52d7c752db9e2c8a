//! `X-Amz-Target`: which operation of which service.

use http::HeaderMap;

use crate::gateway::Service;

/// `None` when the header is missing or names neither service.
pub(crate) fn parse(headers: &HeaderMap) -> Option<(Service, &str)> {
    let target = headers.get("x-amz-target")?.to_str().ok()?;
    let (prefix, operation) = target.split_once('.')?;
    let service = [Service::Ecs, Service::Logs]
        .into_iter()
        .find(|s| s.target_prefix() == prefix)?;
    Some((service, operation))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(target: &str, expected: Option<(Service, &str)>) {
        let mut headers = HeaderMap::new();
        headers.insert(
            "x-amz-target",
            HeaderValue::from_bytes(target.as_bytes()).unwrap(),
        );
        assert_eq!(parse(&headers), expected);
    }

    #[test]
    fn targets() {
        let run_task = Some((Service::Ecs, "RunTask"));
        check("AmazonEC2ContainerServiceV20141113.RunTask", run_task);
        check(
            "Logs_20140328.GetLogEvents",
            Some((Service::Logs, "GetLogEvents")),
        );
        check("amazonec2containerservicev20141113.RunTask", None);
        check("RunTask", None);
        check("DynamoDB_20120810.GetItem", None);
        check("Logs_20140328.Größe", None);
        assert_eq!(parse(&HeaderMap::new()), None);
    }
}
