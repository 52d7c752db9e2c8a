//! Checks of `volumeConfigurations` (`run-task.md` §5.5). Texts that begin with
//! `ECS managed EBS volume configuration was invalid` go on with EC2's code and words of ours.

use std::ops::RangeInclusive;

use model::shapes::{
    EbsResourceType, EbsTagSpecification, TaskFilesystemType, TaskManagedEbsVolumeConfiguration,
    TaskVolumeConfiguration,
};

use super::request;
use crate::error::{OpError, not_one_of};
use crate::limits::{
    VOLUME_CONFIGURATIONS_MAX, VOLUME_INITIALIZATION_RATE, VOLUME_THROUGHPUT, VOLUME_TYPES,
    VolumeType,
};
use crate::record::Definition;
use crate::record::task::LaunchType;
use crate::{identifier, tags};

/// The type of a volume whose configuration names none; AWS's text names no default.
const DEFAULT_TYPE: &str = "gp3";

/// What each task of the call gets attached.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct VolumePlan {
    pub(crate) name: String,
    pub(crate) role_arn: String,
    pub(crate) delete_on_termination: bool,
}

/// Every volume that the definition leaves open is configured, and nothing else is.
pub(crate) fn checked(
    given: &[TaskVolumeConfiguration],
    definition: &Definition,
    launch_type: LaunchType,
) -> Result<Option<VolumePlan>, OpError> {
    if given.len() > VOLUME_CONFIGURATIONS_MAX {
        return Err(OpError::invalid_parameter(format!(
            "volumeConfigurations can have at most {VOLUME_CONFIGURATIONS_MAX} items."
        )));
    }
    let Some(configuration) = given.first() else {
        return check_none_open(definition).map(|()| None);
    };
    let name = configuration.name.as_deref().unwrap_or_default();
    if open_volume(definition) != Some(name) {
        return Err(OpError::invalid_parameter(format!(
            "The volume name '{name}' in your request does not have a matching volume in your \
             Task Definition"
        )));
    }
    let Some(volume) = &configuration.managed_ebs_volume else {
        return Err(invalid("MissingParameter", "managedEBSVolume is required"));
    };
    check(volume, definition, launch_type)?;
    let policy = volume.termination_policy.as_ref();
    Ok(Some(VolumePlan {
        name: name.to_owned(),
        role_arn: volume.role_arn.clone().unwrap_or_default(),
        delete_on_termination: policy.and_then(|one| one.delete_on_termination) != Some(false),
    }))
}

/// The volume that waits for its configuration; registration allows one at most.
fn open_volume(definition: &Definition) -> Option<&str> {
    let mut volumes = definition.shape.volumes.iter().flatten();
    let open = volumes.find(|volume| volume.configured_at_launch == Some(true))?;
    open.name.as_deref()
}

/// A task cannot start without its volume.
fn check_none_open(definition: &Definition) -> Result<(), OpError> {
    match open_volume(definition) {
        None => Ok(()),
        Some(name) => Err(OpError::invalid_parameter(format!(
            "The volume '{name}' of the task definition is configured at launch. Give its \
             configuration in volumeConfigurations."
        ))),
    }
}

fn check(
    volume: &TaskManagedEbsVolumeConfiguration,
    definition: &Definition,
    launch_type: LaunchType,
) -> Result<(), OpError> {
    let role = volume.role_arn.as_deref().unwrap_or_default();
    if role.is_empty() {
        return Err(invalid("MissingParameter", "roleArn is required"));
    }
    identifier::check_role(Some(role))?;
    let kind = volume_type(volume, launch_type)?;
    check_size(volume, kind)?;
    check_iops(volume, kind)?;
    check_throughput(volume, kind)?;
    check_initialization_rate(volume)?;
    check_filesystem(volume, definition)?;
    let specifications = volume.tag_specifications.as_deref().unwrap_or_default();
    specifications.iter().try_for_each(check_tags)
}

fn volume_type(
    volume: &TaskManagedEbsVolumeConfiguration,
    launch_type: LaunchType,
) -> Result<&'static VolumeType, OpError> {
    let name = volume.volume_type.as_deref().unwrap_or(DEFAULT_TYPE);
    let Some(kind) = VOLUME_TYPES.iter().find(|kind| kind.name == name) else {
        let known = VOLUME_TYPES.map(|kind| kind.name);
        return Err(unknown("volumeType", &known, name));
    };
    if kind.name == "standard" && launch_type == LaunchType::Fargate {
        let text = "volumeType standard is not supported with launch type FARGATE";
        return Err(invalid("InvalidParameterCombination", text));
    }
    Ok(kind)
}

fn check_size(
    volume: &TaskManagedEbsVolumeConfiguration,
    kind: &VolumeType,
) -> Result<(), OpError> {
    match (volume.size_in_gib, &volume.snapshot_id) {
        (None, None) => {
            let text = "one of sizeInGiB and snapshotId is required";
            Err(invalid("MissingParameter", text))
        }
        (_, Some(snapshot)) if snapshot.is_empty() => Err(invalid(
            "InvalidParameterValue",
            "snapshotId can not be blank",
        )),
        (size, _) => check_range("sizeInGiB", size, &kind.size_gib, kind),
    }
}

fn check_iops(
    volume: &TaskManagedEbsVolumeConfiguration,
    kind: &VolumeType,
) -> Result<(), OpError> {
    match (volume.iops, &kind.iops) {
        (Some(_), None) => {
            let text = format!("iops is not supported with volumeType {}", kind.name);
            Err(invalid("InvalidParameterCombination", &text))
        }
        (None, Some(_)) if kind.needs_iops => {
            let text = format!("iops is required with volumeType {}", kind.name);
            Err(invalid("MissingParameter", &text))
        }
        (given, Some(range)) => check_range("iops", given, range, kind),
        (None, None) => Ok(()),
    }
}

fn check_throughput(
    volume: &TaskManagedEbsVolumeConfiguration,
    kind: &VolumeType,
) -> Result<(), OpError> {
    if volume.throughput.is_some() && kind.name != "gp3" {
        let text = format!("throughput is not supported with volumeType {}", kind.name);
        return Err(invalid("InvalidParameterCombination", &text));
    }
    check_range("throughput", volume.throughput, &VOLUME_THROUGHPUT, kind)
}

fn check_range(
    member: &str,
    given: Option<i32>,
    range: &RangeInclusive<i32>,
    kind: &VolumeType,
) -> Result<(), OpError> {
    match given.filter(|given| !range.contains(given)) {
        None => Ok(()),
        Some(given) => {
            let (from, to, kind) = (range.start(), range.end(), kind.name);
            let text = format!(
                "{member} of volumeType {kind} must be between {from} and {to}, but was {given}"
            );
            Err(invalid("InvalidParameterValue", &text))
        }
    }
}

fn check_initialization_rate(volume: &TaskManagedEbsVolumeConfiguration) -> Result<(), OpError> {
    let Some(rate) = volume.volume_initialization_rate else {
        return Ok(());
    };
    if volume.snapshot_id.is_none() {
        let text = "volumeInitializationRate needs a snapshotId";
        return Err(invalid("InvalidParameterCombination", text));
    }
    let range = VOLUME_INITIALIZATION_RATE;
    if range.contains(&rate) {
        return Ok(());
    }
    let text = format!(
        "volumeInitializationRate must be between {} and {}, but was {rate}",
        range.start(),
        range.end()
    );
    Err(invalid("InvalidParameterValue", &text))
}

/// NTFS is for Windows.
fn check_filesystem(
    volume: &TaskManagedEbsVolumeConfiguration,
    definition: &Definition,
) -> Result<(), OpError> {
    let Some(filesystem) = &volume.filesystem_type else {
        return Ok(());
    };
    let known = TaskFilesystemType::VALUES;
    if !known.contains(&filesystem.as_str()) {
        return Err(unknown("filesystemType", known, filesystem.as_str()));
    }
    if *filesystem == TaskFilesystemType::Ntfs && !definition.is_windows() {
        let text = "filesystemType ntfs is for Windows task definitions";
        return Err(invalid("InvalidParameterCombination", text));
    }
    Ok(())
}

fn check_tags(specification: &EbsTagSpecification) -> Result<(), OpError> {
    match &specification.resource_type {
        Some(EbsResourceType::Volume) => {}
        Some(other) => {
            let known = EbsResourceType::VALUES;
            return Err(unknown("resourceType", known, other.as_str()));
        }
        None => {
            let text = "resourceType of tagSpecifications is required";
            return Err(invalid("MissingParameter", text));
        }
    }
    request::propagation(specification.propagate_tags.as_ref())?;
    tags::checked(specification.tags.clone()).map(|_| ())
}

/// A word that is none of the known ones.
fn unknown(member: &str, known: &[&str], given: &str) -> OpError {
    let text = not_one_of(member, known, Some(given));
    invalid("InvalidParameterValue", text.trim_end_matches('.'))
}

fn invalid(code: &str, text: &str) -> OpError {
    OpError::invalid_parameter(format!(
        "ECS managed EBS volume configuration was invalid. {code}: {text}."
    ))
}
