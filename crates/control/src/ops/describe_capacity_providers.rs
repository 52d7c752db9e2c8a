//! DescribeCapacityProviders: those named, those of a cluster, or all with FARGATE and
//! FARGATE_SPOT, which always exist. Unknown names are `failures`.

use std::collections::BTreeSet;

use model::shapes::{
    CapacityProviderField, DescribeCapacityProvidersInput, DescribeCapacityProvidersOutput,
};

use crate::capacity::name::named;
use crate::cx::ReadCx;
use crate::error::OpError;
use crate::identifier::active_cluster;
use crate::limits::{DESCRIBE_MAX, PROVIDERS_PAGE_MAX};
use crate::record::capacity_provider::{FARGATE, FARGATE_SPOT};
use crate::{paging, view};

pub(crate) fn describe_capacity_providers(
    cx: &ReadCx<'_>,
    input: DescribeCapacityProvidersInput,
) -> Result<DescribeCapacityProvidersOutput, OpError> {
    let tags = view::tags_included(input.include.as_deref(), CapacityProviderField::VALUES)?;
    let size = paging::size_up_to(PROVIDERS_PAGE_MAX, input.max_results)?;
    let after = paging::after(input.next_token.as_deref())?;
    let names = names(cx, &input)?;
    let names = names.range::<String, _>(paging::behind(after));
    let page = paging::page(names, size, |name| (*name).clone());
    let (mut providers, mut failures) = (Vec::new(), Vec::new());
    for name in page.items {
        match view::capacity_provider::named(cx, name, tags) {
            Some(provider) => providers.push(provider),
            None => failures.push(view::missing(cx.settings.capacity_provider_arn(name))),
        }
    }
    Ok(DescribeCapacityProvidersOutput {
        capacity_providers: Some(providers),
        failures: Some(failures),
        next_token: page.next_token,
    })
}

/// The names asked for, or those of all providers that are not deleted; of a cluster only those
/// that are associated with it.
fn names(
    cx: &ReadCx<'_>,
    input: &DescribeCapacityProvidersInput,
) -> Result<BTreeSet<String>, OpError> {
    let asked = input.capacity_providers.as_deref().unwrap_or_default();
    if asked.len() > DESCRIBE_MAX {
        let text = format!("capacityProviders can have at most {DESCRIBE_MAX} items.");
        return Err(OpError::invalid_parameter(text));
    }
    let mut names: BTreeSet<String> = if asked.is_empty() {
        let own = cx.state.capacity_providers().iter();
        let own = own
            .filter(|one| one.is_active())
            .map(|one| one.name.clone());
        own.chain([FARGATE, FARGATE_SPOT].map(str::to_owned))
            .collect()
    } else {
        let asked = asked.iter().map(|text| named(cx.settings, text));
        asked.collect::<Result<_, _>>()?
    };
    if let Some(cluster) = input.cluster.as_deref() {
        let cluster = active_cluster(cx, Some(cluster))?;
        names.retain(|name| cluster.capacity_providers.contains(name));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{ARN, World, copies};

    /// The names in the answer, then those that are missing.
    fn names(answer: &Value) -> String {
        let list = |list: &Value, member: &str| {
            let all = list.as_array().unwrap().iter();
            let names = all.map(|one| one[member].as_str().unwrap().to_owned());
            names.collect::<Vec<_>>().join(" ")
        };
        let missing = list(&answer["failures"], "arn");
        let missing = missing.replace(&format!("{ARN}:capacity-provider/"), "");
        format!("{}|{missing}", list(&answer["capacityProviders"], "name"))
    }

    /// A world with the providers `a` and `b`, of which cluster `default` has `b` and FARGATE.
    fn world() -> World {
        let mut world = World::new();
        world.provider("a", "");
        world.provider("b", "");
        world.associate("default", &["b", "FARGATE"], "");
        world
    }

    #[track_caller]
    fn check(body: &str, expected: &str) {
        let answer = world().ok("DescribeCapacityProviders", body);
        assert_eq!(names(&answer), expected, "{body}");
    }

    #[test]
    fn all_those_named_or_those_of_a_cluster() {
        check("{}", "FARGATE FARGATE_SPOT a b|");
        check(r#"{"capacityProviders":[]}"#, "FARGATE FARGATE_SPOT a b|");
        check(r#"{"capacityProviders":["b","moon","b"]}"#, "b|moon");
        check(r#"{"capacityProviders":["FARGATE_SPOT"]}"#, "FARGATE_SPOT|");
        let arn = format!(r#"{{"capacityProviders":["{ARN}:capacity-provider/a"]}}"#);
        check(&arn, "a|");
        check(r#"{"cluster":"default"}"#, "FARGATE b|");
        let both = r#"{"cluster":"default","capacityProviders":["a","b"]}"#;
        check(both, "b|");
    }

    #[test]
    fn the_pages_add_up() {
        let mut world = world();
        let mut body = r#"{"maxResults":3}"#.to_owned();
        let mut pages = Vec::new();
        loop {
            let answer = world.ok("DescribeCapacityProviders", &body);
            pages.push(names(&answer));
            match answer["nextToken"].as_str() {
                Some(token) => body = format!(r#"{{"maxResults":3,"nextToken":"{token}"}}"#),
                None => break,
            }
        }
        assert_eq!(pages, ["FARGATE FARGATE_SPOT a|", "b|"]);
    }

    #[test]
    fn the_fargate_providers_have_neither_group_nor_tags() {
        let body = r#"{"capacityProviders":["FARGATE"],"include":["TAGS"]}"#;
        assert_eq!(
            World::new().at("DescribeCapacityProviders", body, "/capacityProviders"),
            json!([{
                "capacityProviderArn": format!("{ARN}:capacity-provider/FARGATE"),
                "name": "FARGATE",
                "type": "FARGATE",
                "status": "ACTIVE",
                "tags": [],
            }])
        );
    }

    #[test]
    fn tags_are_shown_on_request_and_changed_like_any() {
        let mut world = world();
        let arn = format!("{ARN}:capacity-provider/a");
        let tag = format!(r#"{{"resourceArn":"{arn}","tags":[{{"key":"k","value":"v"}}]}}"#);
        world.ok("TagResource", &tag);
        let one = json!([{"key": "k", "value": "v"}]);
        let mut tags = |include: &str| {
            let body = format!(r#"{{"capacityProviders":["a"]{include}}}"#);
            world.at(
                "DescribeCapacityProviders",
                &body,
                "/capacityProviders/0/tags",
            )
        };
        assert_eq!(tags(""), json!([]));
        assert_eq!(tags(r#","include":["TAGS"]"#), one);
        let list = format!(r#"{{"resourceArn":"{arn}"}}"#);
        assert_eq!(world.at("ListTagsForResource", &list, "/tags"), one);
        let untag = format!(r#"{{"resourceArn":"{arn}","tagKeys":["k"]}}"#);
        world.ok("UntagResource", &untag);
        assert_eq!(world.at("ListTagsForResource", &list, "/tags"), json!([]));
        world.refused(
            "TagResource",
            &tag.replace("provider/a", "provider/FARGATE"),
            "ResourceNotFoundException: The specified resource was not found.",
        );
    }

    #[test]
    fn what_is_malformed_is_refused() {
        let mut world = world();
        let mut check = |body: &str, expected: &str| {
            world.refused("DescribeCapacityProviders", body, expected);
        };
        check(
            r#"{"maxResults":11}"#,
            "InvalidParameterException: maxResults must be between 1 and 10, but was 11.",
        );
        check(
            r#"{"include":["MOON"]}"#,
            "InvalidParameterException: include should be one of [TAGS]",
        );
        check(
            r#"{"cluster":"moon"}"#,
            "ClusterNotFoundException: Cluster not found.",
        );
        check(
            &format!(r#"{{"capacityProviders":[{}]}}"#, copies(r#""a""#, 101)),
            "InvalidParameterException: capacityProviders can have at most 100 items.",
        );
        check(
            r#"{"capacityProviders":["arn:aws:ecs:us-east-1:000000000000:cluster/a"]}"#,
            "InvalidParameterException: Unsupported resource type: cluster",
        );
    }
}
