//! From a RunTask request and its definition to what all tasks of the call share.

use std::sync::Arc;

use model::shapes::{RunTaskInput, Tag};

use super::create::Template;
use super::placement::Rules;
use super::request::{self, Propagation};
use super::{demand, network, overrides, platform, strategy, volumes};
use crate::cx::{ReadCx, Settings};
use crate::error::OpError;
use crate::identifier::{definition_ref, find_definition};
use crate::limits::STARTED_BY_CHARS_MAX;
use crate::record::{Cluster, Definition};
use crate::{honoured, tags};

/// `None` for one that does not exist, which a repeated call need not care about.
pub(crate) fn definition(
    cx: &ReadCx<'_>,
    input: &RunTaskInput,
) -> Result<Option<Arc<Definition>>, OpError> {
    let text = input.task_definition.as_deref().unwrap_or_default();
    if text.is_empty() {
        return Err(OpError::invalid_parameter(
            "taskDefinition can not be blank.",
        ));
    }
    let named = definition_ref(cx.settings, text)?;
    Ok(find_definition(cx.state, &named).cloned())
}

pub(crate) fn no_definition() -> OpError {
    OpError::client("TaskDefinition not found.")
}

/// Checks the request against the definition and keeps what all tasks of the call share.
pub(crate) fn checked<'a>(
    settings: &Settings,
    mut input: RunTaskInput,
    cluster: &'a Cluster,
    definition: &'a Definition,
) -> Result<Template<'a>, OpError> {
    request::check_definition(definition)?;
    let strategy = strategy::chosen(settings, cluster, &input)?;
    let cluster = cluster.name.as_str();
    let launch_type = request::launch_type(&input, definition, &strategy)?;
    let rules = Rules::checked(&input, definition, launch_type)?;
    request::check_execute_command(&input, definition)?;
    let volumes = input.volume_configurations.as_deref().unwrap_or_default();
    let volume = volumes::checked(volumes, definition, launch_type)?;
    let version = platform::version(input.platform_version.as_deref(), launch_type, definition)?;
    let overrides = overrides::checked(input.overrides.take(), definition, launch_type)?;
    platform::check(
        version.as_deref(),
        overrides.as_deref(),
        definition,
        &strategy,
    )?;
    let network_mode = network::mode(definition);
    let network = input.network_configuration.take();
    let subnets = network::subnets(settings, network, network_mode, launch_type)?;
    let tags = task_tags(&mut input, cluster, definition)?;
    let group = request::group(input.group.take(), &definition.id.family)?;
    let started_by = request::started_by(input.started_by.take(), STARTED_BY_CHARS_MAX)?;
    request::check_supported(settings, &input)?;
    honoured::check(settings, definition)?;
    let reserved = demand::reserved(overrides.as_deref(), definition, network_mode);
    Ok(Template {
        cluster,
        definition,
        launch_type,
        strategy,
        group,
        started_by,
        overrides,
        volume,
        execute_command: input.enable_execute_command == Some(true),
        network_mode,
        zones: network::zones(settings, launch_type, &subnets),
        subnets,
        platform_version: version,
        reserved,
        rules,
        tags,
    })
}

/// Tags of the request, then those of the definition that do not collide, then the managed one.
fn task_tags(
    input: &mut RunTaskInput,
    cluster: &str,
    definition: &Definition,
) -> Result<Vec<Tag>, OpError> {
    let mut all = tags::checked(input.tags.take())?;
    if request::propagation(input.propagate_tags.as_ref())? == Propagation::FromDefinition {
        let own = definition
            .tags
            .iter()
            .filter(|tag| !tags::is_reserved(tags::key_of(tag)));
        for tag in own {
            if !all.iter().any(|known| known.key == tag.key) {
                all.push(tag.clone());
            }
        }
    }
    if input.enable_ecs_managed_tags == Some(true) {
        let key = Some("aws:ecs:clusterName".to_owned());
        all.push(Tag {
            key,
            value: Some(cluster.to_owned()),
        });
    }
    tags::check_count(&all)?;
    Ok(all)
}
